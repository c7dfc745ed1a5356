"""Where the app's runs come from: a release on the Hub, pinned, when one is named; the shipped snapshot otherwise.

    GREEN_SPACE_DATA=owner/ecotaskset@v1.0.0     the release to use; without a revision it is refused
    GREEN_SPACE_DATA=/path/to/a/store            runs of one's own (`green-space --store`)

If the release cannot be had, the shipped snapshot is used and the page says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ecotaskset import __version__
from ecotaskset.errors import EcoTaskSetError, UsageError
from space.words import plural

DATA_VARIABLE = "GREEN_SPACE_DATA"


@dataclass(frozen=True)
class Source:
    """The runs in use. `data` is what `recommend(data=...)` takes; `note` says in a sentence what they are."""

    records: Sequence[Mapping[str, Any]]
    note: str
    data: Any = None
    warning: str | None = None
    origin: str = field(default="shipped")


@cache
def source() -> Source:
    """The runs in use, read once a process."""
    wanted = os.environ.get(DATA_VARIABLE, "").strip()
    if not wanted:
        return _shipped()
    repo, _, revision = wanted.partition("@")
    try:
        if Path(wanted).expanduser().is_dir():
            return from_table(_load(store=wanted), f"the store {Path(wanted).name}", origin="store")
        if not revision:
            raise UsageError(f"{DATA_VARIABLE} names no revision", hint="for example owner/ecotaskset@v1.0.0")
        return from_table(_load(repo=repo, revision=revision), f"{repo} at {revision}", origin="hub")
    except EcoTaskSetError as error:
        shipped = _shipped()
        return Source(
            shipped.records, shipped.note, None, f"{wanted} could not be used: {error.message}. {shipped.note}"
        )


def from_table(table: Any, name: str, *, origin: str = "given") -> Source:
    """A source over a pyarrow table of runs."""
    records = table.to_pylist()
    return Source(records, f"{plural(len(records), 'run')} of {name}", records, origin=origin)


def _shipped() -> Source:
    records = _load().to_pylist()
    return Source(records, f"{plural(len(records), 'run')} of the snapshot shipped with version {snapshot_version()}")


def snapshot_version() -> str:
    """The version in the shipped snapshot's manifest; the package's where there is none."""
    from ecotaskset.load import SNAPSHOT
    from ecotaskset.snapshot import read_manifest

    try:
        return str(read_manifest(SNAPSHOT)["version"])
    except UsageError:
        return __version__


def _load(**place: Any) -> Any:
    from ecotaskset.load import load_runs

    return load_runs(**place)
