"""Where the app's runs and its predictor come from: releases on the Hub, pinned, when they are named; else the shipped.

    GREEN_SPACE_DATA=owner/ecotaskset@v1.0.0     the runs; without a revision it is refused
    GREEN_SPACE_DATA=/path/to/a/store            runs of one's own (`green-space --store`)
    GREEN_SPACE_MODEL=owner/green@v1.0.0         the predictor; without one it is the shipped one, or fitted to the runs

If one cannot be had, the shipped one is used and the page says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ecotaskset import __version__
from ecotaskset.errors import EcoTaskSetError, UsageError
from space.words import plural

DATA_VARIABLE = "GREEN_SPACE_DATA"
MODEL_VARIABLE = "GREEN_SPACE_MODEL"
HOSTED_VARIABLE = "SPACE_ID"
"""The Hub sets it in a Space, to the Space's name."""


@dataclass(frozen=True)
class Source:
    """The runs in use. `data` is what `recommend(data=...)` takes; `note` says in a sentence what they are.

    `place`: the text by which `data=` and `--data` find the same; None where it is the shipped snapshot, and where
    nobody but this process can reach it.
    """

    records: Sequence[Mapping[str, Any]]
    note: str
    data: Any = None
    warning: str | None = None
    predictor: str = f"predictor {__version__}"
    place: str | None = None


@cache
def source() -> Source:
    """The runs and the predictor in use, read once a process."""
    return _with_model(_runs())


def _runs() -> Source:
    wanted = os.environ.get(DATA_VARIABLE, "").strip()
    if not wanted:
        return _shipped()
    try:
        if Path(wanted).expanduser().is_dir():
            return from_table(_load(store=wanted), f"the store {Path(wanted).name}", _reachable(wanted))
        repo, revision = _pinned(wanted, DATA_VARIABLE)
        return from_table(_load(repo=repo, revision=revision), f"{repo} at {revision}", wanted)
    except EcoTaskSetError as error:
        shipped = _shipped()
        return replace(shipped, warning=f"{wanted} could not be used: {error.message}. Answering from {shipped.note}.")


def _with_model(runs: Source) -> Source:
    wanted = os.environ.get(MODEL_VARIABLE, "").strip()
    if not wanted:
        return runs
    from green_predictor import GreenPredictor
    from green_predictor.source import ON_THE_HUB

    try:
        if Path(wanted).expanduser().is_dir():
            found, named = GreenPredictor.from_pretrained(wanted), f"predictor {Path(wanted).name}"
            return replace(runs, data=found, predictor=named, place=_reachable(wanted))
        repo, revision = _pinned(wanted, MODEL_VARIABLE)
        found = GreenPredictor.from_pretrained(repo, revision=revision)
        return replace(runs, data=found, predictor=f"predictor {repo} at {revision}", place=f"{ON_THE_HUB}{wanted}")
    except EcoTaskSetError as error:
        said = f"{wanted} could not be used: {error.message}. Answering with {runs.predictor}."
        return replace(runs, warning=" ".join(filter(None, (runs.warning, said))))


def _pinned(wanted: str, variable: str) -> tuple[str, str]:
    repo, _, revision = wanted.partition("@")
    if not revision:
        raise UsageError(f"{variable} names no revision", hint="write owner/name@revision, for example …@v1.0.0")
    return repo, revision


def space_id() -> str | None:
    """Name of the Hub Space that this page runs in; None on a machine of one's own."""
    return os.environ.get(HOSTED_VARIABLE) or None


def _reachable(folder: str) -> str | None:
    """A folder as its owner can name it from anywhere, without the name of the account; None in a Hub Space."""
    full, home = Path(folder).expanduser().resolve(), Path.home().resolve()
    if space_id():
        return None
    return f"~/{full.relative_to(home)}" if full.is_relative_to(home) else str(full)


def from_table(table: Any, name: str, place: str | None = None) -> Source:
    """A source over a pyarrow table of runs."""
    records = table.to_pylist()
    return Source(records, f"{plural(len(records), 'run')} of {name}", records, place=place)


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
