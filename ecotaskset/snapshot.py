"""Runs → the files of a release: one folder a domain, one parquet file a split, a manifest, the viewer's `configs`.

    <folder>/<config>/<split>-00000-of-00001.parquet    config: a domain, or `imported` (public measurement sets)
    <folder>/manifest.json                              version, and sha256, bytes and rows of each file
    <folder>/../README.md                               its YAML front matter lets `datasets` find the files

The same runs give the same bytes whatever their order, so a release can be rebuilt and compared.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ecotaskset.errors import UsageError
from ecotaskset.knobs import DOMAINS
from ecotaskset.load import SPLITS
from ecotaskset.run import SCHEMA_VERSION, Run, to_table
from ecotaskset.store import write_atomically

IMPORTED = "imported"
CONFIGS = (*DOMAINS, IMPORTED)
VALIDATION_SHARE = 0.1
TEST_SHARE = 0.1
MANIFEST = "manifest.json"
VERSION = r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}"
FILE = rf"({'|'.join(CONFIGS)})/({'|'.join(SPLITS)})-[0-9]{{5}}-of-[0-9]{{5}}\.parquet"


def build_snapshot(
    runs: Iterable[Run], folder: str | Path, version: str, *, readme: str | Path | None = None
) -> dict[str, Any]:
    """Write the runs as a release and return its manifest.

    Args:
        runs: from one store or several; a run that comes twice is written once.
        folder: where the data files go; files of an earlier snapshot there are replaced.
        version: `X.Y.Z`; stands in every config, because `datasets` caches local directories by their YAML.
        readme: the README that gets the front matter (its text is kept); `<folder>/../README.md` by default.

    Raises:
        UsageError: the version is not `X.Y.Z`, there are no runs, or the folder cannot be written.
    """
    folder = Path(folder)
    rows = sorted({run.run_id: run for run in runs}.values(), key=lambda run: run.run_id)
    if not re.fullmatch(VERSION, version):
        raise UsageError(f"version '{version}' is not of the form X.Y.Z", hint="for example 1.0.0")
    if not rows:
        raise UsageError("no runs to build a snapshot from", hint="collect some with green-collect, or name a store")
    parts: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in with_trust(rows):
        parts[config_of(run), split_of(run)].append(run)
    files = []
    for config in [name for name in CONFIGS if any(key[0] == name for key in parts)]:
        # a split without rows gets no file: `datasets` refuses to open one ("corresponds to no data")
        for split in [name for name in SPLITS if parts[config, name]]:
            name = f"{config}/{split}-00000-of-00001.parquet"
            content = _parquet(parts[config, split])
            write_atomically(folder / name, content)
            digest = hashlib.sha256(content).hexdigest()
            files.append({"path": name, "rows": len(parts[config, split]), "bytes": len(content), "sha256": digest})
    manifest = {"version": version, "schema_version": SCHEMA_VERSION, "runs": len(rows), "files": files}
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    _remove_others(folder, {file["path"] for file in files})
    readme = Path(readme) if readme else folder.parent / "README.md"
    _write_front_matter(readme, configs_yaml(folder, prefix=folder.name))
    return manifest


def split_of(run: Run) -> str:
    """The split a run belongs to: by its recipe, so that no seed of a recipe is ever in another split or release."""
    return split_of_recipe(run.recipe_id or run.run_id)


def split_of_recipe(recipe_id: str) -> str:
    """The one split of a recipe, in every release and on every machine."""
    digest = hashlib.sha256(f"split:{recipe_id}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    if position < TEST_SHARE:
        return "test"
    return "validation" if position < TEST_SHARE + VALIDATION_SHARE else "train"


def config_of(run: Run) -> str:
    """The config a run is published in; imported rows are never mixed with collected ones."""
    return run.domain if run.origin == "collected" else IMPORTED


def with_trust(runs: Sequence[Run]) -> list[Run]:
    """Fill in `trust` from the facts; see `ecotaskset.checks.derive_trust`."""
    from ecotaskset.checks import derive_trust

    levels = derive_trust(runs)
    return [run.model_copy(update={"trust": levels[run.run_id]}) for run in runs]


def configs_yaml(folder: str | Path, version: str | None = None, *, prefix: str = "data") -> str:
    """The `configs` block of a dataset card's front matter, for the data files in `folder`.

    Args:
        folder: a built snapshot.
        version: defaults to the manifest's.
        prefix: where `folder` lies, seen from the README that will carry the block.

    The description of each config carries a digest of its data: `datasets` keys its cache of a local directory by the
    YAML alone, and would serve old rows after a rebuild of the same version.

    Raises:
        UsageError: `folder` is not a built snapshot.
    """
    manifest = read_manifest(folder)
    by_config: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in manifest["files"]:
        by_config[file["path"].split("/")[0]].append(file)
    lines = ["configs:"]
    for number, (config, files) in enumerate(by_config.items()):
        digest = hashlib.sha256("".join(file["sha256"] for file in files).encode()).hexdigest()[:16]
        runs = sum(file["rows"] for file in files)
        lines += [f"- config_name: {config}"]
        lines += ["  default: true"] if number == 0 else []
        lines += [f"  version: {version or manifest['version']}", f"  description: {runs} runs, content {digest}"]
        lines += ["  data_files:"]
        for file in files:
            split = Path(file["path"]).name.split("-")[0]
            lines += [f"  - split: {split}", f"    path: {prefix}/{config}/{split}-*.parquet"]
    return "\n".join(lines) + "\n"


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of a built snapshot.

    Raises:
        UsageError: there is none, or it is not one.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
        if problem := _manifest_problem(manifest):
            raise ValueError(problem)
    except FileNotFoundError:
        raise UsageError(f"{folder} is not a snapshot: no {MANIFEST}", hint="build it: ecotaskset build") from None
    except (ValueError, RecursionError, OSError) as error:
        raise UsageError(f"{path} is not a manifest: {error}", hint="build the snapshot again") from None
    return manifest


def _manifest_problem(manifest: Any) -> str | None:
    """Manifests come from the Hub too: only names of our own making may lead to files, or into a card's YAML."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), list):
        return "no list of files"
    if not re.fullmatch(VERSION, str(manifest.get("version"))):
        return "no version X.Y.Z"
    for file in manifest["files"]:
        if not isinstance(file, dict) or not re.fullmatch(FILE, str(file.get("path"))):
            return "a file that is not <config>/<split>-NNNNN-of-NNNNN.parquet"
        if not re.fullmatch(r"[0-9a-f]{64}", str(file.get("sha256"))) or not isinstance(file.get("rows"), int):
            return f"no sha256 or rows of {file['path']}"
    return None


def changed_files(folder: str | Path) -> list[str]:
    """Files that are missing or differ from what the manifest says, as `path: reason`; empty for a whole snapshot."""
    wrong = []
    for file in read_manifest(folder)["files"]:
        path = Path(folder) / file["path"]
        if not path.is_file():
            wrong.append(f"{file['path']}: missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            wrong.append(f"{file['path']}: content differs from the manifest")
    return wrong


def leaks(split_by_run: Iterable[tuple[str, str]]) -> list[str]:
    """Recipes that stand in more than one split. Takes (recipe_id, split) pairs; empty ids are no recipe."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for recipe_id, split in split_by_run:
        if recipe_id:
            seen[recipe_id][split] += 1
    return sorted(recipe for recipe, splits in seen.items() if len(splits) > 1)


def _parquet(runs: list[Run]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(to_table(runs), buffer, compression="zstd", compression_level=9, version="2.6")
    return buffer.getvalue()


def _remove_others(folder: Path, wanted: set[str]) -> None:
    for config in CONFIGS:
        for path in (folder / config).glob("*.parquet"):
            if f"{config}/{path.name}" not in wanted:
                path.unlink()


FRONT_MATTER = re.compile(r"\A---\n(.*?)---\n", re.DOTALL)
CONFIGS_BLOCK = re.compile(r"^configs:\n(?:[ -].*\n)*", re.MULTILINE)
PLACEHOLDER = "\n# EcoTaskSet\n\nRuns as parquet files. Load them with `from ecotaskset import load_dataset`.\n"


def _write_front_matter(readme: Path, block: str) -> None:
    """Put the configs in front of the README; its other front matter and its text stay."""
    text = readme.read_text(encoding="utf-8") if readme.is_file() else PLACEHOLDER
    found = FRONT_MATTER.match(text)
    others = CONFIGS_BLOCK.sub("", found[1]) if found else ""
    write_atomically(readme, f"---\n{others}{block}---\n{text[found.end() :] if found else text}".encode())
