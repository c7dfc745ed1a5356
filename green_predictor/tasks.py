"""The task a recommendation is for: a data set known from the runs, or one that is described."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.recipe import is_own
from green_predictor.architectures import share_kept

DEFAULT_NAME = "my-dataset"
_NAMES = ("name", "recorded_as")
_RESHAPED_BY = {"data_fraction", "data_selection", "input_size"}
_WANTED = {
    "cv": ("n_train", "n_classes", "image_size"),
    "nlp": ("n_train", "n_classes", "sequence_length"),
    "recsys": ("n_train", "n_users", "n_items"),
}

SHARES = ("class_balance", "density", "landmark_quality", "majority_quality", "pixel_mean", "pixel_std")
"""Task columns that cannot be above 1."""


@cache
def task_columns() -> tuple[str, ...]:
    """The numeric Run columns that describe a task."""
    from ecotaskset.run import columns

    texts = ("domain", "dataset", "dataset_revision")
    return tuple(n for n, info in columns().items() if info["group"] == "task" and n not in texts)


def known_tasks(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the data sets the runs are of."""
    return sorted({str(r["dataset"]) for r in runs})


def task_record(runs: Sequence[Mapping[str, Any]], domain: str, dataset: str | Mapping[str, Any]) -> dict[str, Any]:
    """The task columns of a data set: `dataset` by name, or a description such as `{"n_train": 50000, …}`.

    A description may carry `name` (used in the command) and `recorded_as` (what runs of it call it). JSON text is read
    as a description.

    Raises:
        UsageError: a name that no run is of, or a description with an unknown key or an impossible value.
    """
    if isinstance(dataset, str) and dataset.lstrip().startswith("{"):
        try:
            dataset = json.loads(dataset)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UsageError(f"the description of the data set is not JSON: {error}") from None
    if isinstance(dataset, Mapping):
        return _described(domain, dataset)
    mine = [r for r in runs if r.get("dataset") == dataset]
    if not mine:
        if is_own(dataset):
            hint = f"let it be described: dataset=green_predictor.describe('{domain}', '{dataset}')"
            raise UsageError(f"no run is of '{dataset}'", hint=hint)
        error = unknown_name(f"data set of domain '{domain}':", dataset, known_tasks(runs))
        example = json.dumps(dict.fromkeys(_WANTED[domain], 10))
        raise UsageError(error.message, hint=f"{error.hint}; or describe it, for example {example}")
    return _known(str(dataset), mine)


def _known(dataset: str, runs: list[Mapping[str, Any]]) -> dict[str, Any]:
    plain = [r for r in runs if not _RESHAPED_BY & set(r.get("knobs") or {})] or runs
    found: dict[str, Any] = {"dataset": dataset}
    for name in task_columns():
        values = [r[name] for r in plain if r.get(name) is not None]
        if values:
            found[name] = statistics.median_high(values)
    if plain is runs and "n_train" in found:
        whole = [r["n_train"] / share_kept(r.get("knobs") or {}) for r in runs if r.get("n_train")]
        found["n_train"] = statistics.median_high(whole)
    return found


def _described(domain: str, description: Mapping[str, Any]) -> dict[str, Any]:
    legal = (*task_columns(), *_NAMES)
    found: dict[str, Any] = {"dataset": str(description.get("name") or DEFAULT_NAME)}
    if description.get("recorded_as"):
        found["recorded_as"] = str(description["recorded_as"])
    for name, value in description.items():
        if name not in legal:
            raise unknown_name("task column", name, legal)
        if name in _NAMES or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
            raise UsageError(f"{name}={value!r} is not a number of 0 or more")
        if name in SHARES and value > 1:
            raise UsageError(f"{name}={value!r} is not a share", hint="0 to 1; 90 % is 0.9")
        found[name] = value
    if not found.get("n_train"):
        raise UsageError("the description of the data set has no n_train", hint="say how many training examples it has")
    return found


def missing_columns(task: Mapping[str, Any], domain: str) -> list[str]:
    """What a description leaves out that would sharpen the answer."""
    return [n for n in (*_WANTED[domain], "landmark_quality", "majority_quality") if task.get(n) is None]
