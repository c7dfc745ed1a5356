"""A file somebody dropped → a description of their task, in numbers. The file is read once, bounded, and deleted.

Nothing of the content is kept: only counts, lengths and shares leave this module.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ecotaskset.errors import RefusedError

MOST_UPLOAD_BYTES = 20_000_000


@dataclass(frozen=True)
class Described:
    """What a file says about a task: its domain, Run columns, and one sentence on how it was read."""

    domain: str
    task: dict[str, float]
    how: str
    notes: list[str] = field(default_factory=list)


def describe_upload(path: str | Path, *, name: str | None = None) -> Described:
    """Describe a CSV or TSV file of texts or interactions, or a zip of images in one folder a class.

    Args:
        path: the file; `name` is what the person called it, when that differs.

    Raises:
        RefusedError: too large, damaged, unsafe, or nothing a task can be read from; says which and what would do.
    """
    path = Path(path)
    shown = Path(name or path.name).name
    size = path.stat().st_size
    if size > MOST_UPLOAD_BYTES:
        raise RefusedError(
            f"“{shown}” has {size / 1e6:.0f} MB; {MOST_UPLOAD_BYTES / 1e6:.0f} MB is the most that is read here",
            hint="drop a sample of it, or type the numbers",
        )
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise RefusedError(f"“{shown}” is empty", hint="drop a CSV file or a zip of images")
    if start.startswith(b"PK"):
        from space.describe_zip import describe_zip

        return describe_zip(path, shown)
    from space.describe_csv import describe_csv

    return describe_csv(path, shown)


def describe_and_delete(path: str | Path, *, name: str | None = None) -> Described:
    """The same, and the file is gone afterwards whatever happened."""
    try:
        return describe_upload(path, name=name)
    finally:
        path = Path(path)
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()  # each upload has a folder of its own, which is then empty
