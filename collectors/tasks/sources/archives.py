"""Take named members out of an archive that a stranger made, and nothing else.

Only regular files are read (no links, no devices), names never decide where bytes are written outside the given
folder, and the total size is bounded, so that a hostile or broken archive costs at most `max_bytes` of disk.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from ecotaskset.errors import UsageError

MAX_MEMBERS = 50_000
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER_BYTES = 60


def extract(archive: Path, patterns: tuple[str, ...], into: Path, max_bytes: int) -> list[Path]:
    """Write the members that match `patterns` (case-sensitive globs) below `into`; return their paths, sorted.

    Reads .whl/.zip, .tar.gz/.tgz and .deb. Raises UsageError where a pattern matches nothing, a name would leave
    `into`, or more than `max_bytes` (or MAX_MEMBERS files) would be written.
    """
    written: list[Path] = []
    missing = set(patterns)
    left = max_bytes
    for name, stream in _members(archive):
        name = name.removeprefix("./")
        hits = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
        if not hits:
            continue
        missing.difference_update(hits)
        target = _inside(into, name, archive)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as sink:
            left -= _copy(stream, sink, left, archive)
        written.append(target)
        if len(written) > MAX_MEMBERS:
            raise UsageError(f"{archive.name} holds more than {MAX_MEMBERS} matching files", hint="it was not used")
    if missing:
        raise UsageError(
            f"{archive.name} has no member {', '.join(sorted(missing))}", hint="delete it and let it be fetched again"
        )
    return sorted(written)


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as bundle:
            for info in bundle.infolist():
                is_link = (info.external_attr >> 28) == 0xA
                if not info.is_dir() and not is_link:
                    with bundle.open(info) as stream:
                        yield info.filename, stream
        return
    source: IO[bytes] = io.BytesIO(_deb_payload(archive)) if archive.suffix == ".deb" else archive.open("rb")
    with source, tarfile.open(fileobj=source, mode="r:*") as bundle:
        for member in bundle:
            if member.isreg():
                stream = bundle.extractfile(member)
                if stream is not None:
                    yield member.name, stream


def _deb_payload(archive: Path) -> bytes:
    """The bytes of data.tar.* in a Debian package, which is an `ar` archive (format: deb(5))."""
    blob = archive.read_bytes()
    if not blob.startswith(_AR_MAGIC):
        raise UsageError(f"{archive.name} is not a Debian package", hint="delete it and let it be fetched again")
    at = len(_AR_MAGIC)
    while at + _AR_HEADER_BYTES <= len(blob):
        header = blob[at : at + _AR_HEADER_BYTES]
        size = int(header[48:58])
        start = at + _AR_HEADER_BYTES
        if header[:16].startswith(b"data.tar"):
            return blob[start : start + size]
        at = start + size + size % 2
    raise UsageError(f"{archive.name} holds no data.tar", hint="delete it and let it be fetched again")


def _inside(folder: Path, name: str, archive: Path) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UsageError(f"{archive.name} has a member with the unsafe name {name!r}", hint="it was not used")
    return folder.joinpath(*path.parts)


def _copy(stream: IO[bytes], sink: IO[bytes], limit: int, archive: Path) -> int:
    """Copy at most `limit` bytes; the size that a header claims is not trusted."""
    start = sink.tell()
    shutil.copyfileobj(_Bounded(stream, limit, archive), sink, 1 << 20)
    return sink.tell() - start


class _Bounded:
    """A reader that refuses to give more than `limit` bytes."""

    def __init__(self, stream: IO[bytes], limit: int, archive: Path) -> None:
        self._stream, self._left, self._archive = stream, limit, archive

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise UsageError(f"{self._archive.name} unpacks to more than it should", hint="it was not used")
        return block
