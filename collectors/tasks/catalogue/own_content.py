"""What data of the user's own holds, as a short hash: the same wherever a copy of it lies."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from collectors.tasks.sources.pictures import picture_files
from ecotaskset.errors import UsageError

HASH_LENGTH = 8
"""Hexadecimal characters: of a hundred files with one base name, two look alike with odds of one in a million."""
CHUNK_BYTES = 1 << 20

Files = tuple[tuple[str, str, int, int], ...]
"""Of each file: its name inside the data (`.` where that is one file), where it lies, bytes, when it was changed."""


def content_id(kind: str, place: Path, columns: Sequence[str]) -> str | None:
    """Hash of the content of a `csv:`, `folder:` or `hub:` place and of the columns named with it.

    None where there is nothing to read. Unchanged files are read once a process.
    """
    try:
        content = _hash(files_of(kind, place))
    except (OSError, UsageError):
        return None
    chosen = ":".join(columns).rstrip(":")  # columns left out at the end may as well not be written
    return hashlib.sha256(f"{content} {chosen}".encode()).hexdigest()[:HASH_LENGTH]


def files_of(kind: str, place: Path) -> Files:
    """The files that are read from a place; hidden ones of a repository are not its content.

    Raises:
        OSError: the place is not there.
        UsageError: a folder without pictures.
    """
    if kind == "folder":
        found = picture_files(place)
    elif kind == "hub" and place.is_dir():
        visible = (path for path in place.rglob("*") if not _hidden(path.relative_to(place)))
        found = [path for path in visible if path.is_file()]
    else:
        found = [place]
    stats = ((path, path.stat()) for path in found)
    return tuple(
        sorted((path.relative_to(place).as_posix(), str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
    )


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


@functools.lru_cache(maxsize=64)
def _hash(files: Files) -> str:
    digest = hashlib.sha256()
    for name, place, size, _ in files:
        digest.update(os.fsencode(name) + f"\0{size}\0".encode())
        with Path(place).open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
