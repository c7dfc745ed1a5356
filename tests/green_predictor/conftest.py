"""Real runs for the predictor's tests: the shipped snapshot, and public measurement sets where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from green_predictor import source


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Models fitted by tests stay out of the user's cache."""
    old = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("XDG_CACHE_HOME") if old is None else os.environ.update(XDG_CACHE_HOME=old)


@pytest.fixture(scope="session")
def snapshot():
    """Run records of the shipped snapshot."""
    return source.records()


@pytest.fixture(scope="session")
def digits(snapshot):
    """The snapshot's runs on digits: one task, several architectures."""
    return [r for r in snapshot if r["dataset"] == "digits"][:60]


def external(name: str) -> Path:
    """Folder of a public measurement set; skips, saying so, where `ECOTASKSET_EXTERNAL` does not lead to it."""
    root = os.environ.get("ECOTASKSET_EXTERNAL")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"public set '{name}' is not here: set ECOTASKSET_EXTERNAL to the folder that has it")
    return Path(root) / name


@pytest.fixture(scope="session")
def zeus():
    """Run records of the Zeus traces (batch size × power limit × four accelerators, five tasks)."""
    from ecotaskset.importers import import_folder

    records = [run.model_dump() for run in import_folder("zeus", external("zeus")).runs]
    for record in records:
        keys = ("dataset", "model", "batch_size", "learning_rate", "knobs")
        record["recipe_id"] = record["recipe_id"] or str([record[k] for k in keys])
    return records
