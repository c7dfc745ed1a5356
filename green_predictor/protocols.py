"""What is held out. Each protocol yields (name of the fold, training records, held-out records) of one domain.

A held-out group is absent in every form: no other seed, no epoch, no scaling (everything is fitted per fold).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from green_predictor.held_out import folds
from green_predictor.targets import recipe_key

Record = dict[str, Any]
Fold = tuple[str, list[Record], list[Record]]

RANDOM_FOLDS = 5
PAPER_UNSEEN = 3
LEAST_HELD_OUT = 4


def _by(records: Sequence[Record], key: Callable[[Record], Any]) -> Iterator[Fold]:
    for value in sorted({str(key(r)) for r in records if key(r) is not None}):
        outside = [r for r in records if str(key(r)) == value]
        inside = [r for r in records if str(key(r)) != value]
        if len({recipe_key(r) for r in outside}) >= LEAST_HELD_OUT and inside:
            yield value, inside, outside


def random_recipes(records: Sequence[Record]) -> Iterator[Fold]:
    """Recipes at random, all seeds of a recipe together: flattering, as tasks and architectures are known."""
    group = np.array([recipe_key(r) for r in records], dtype=object)
    for number, mask in enumerate(folds(group, RANDOM_FOLDS)):
        yield (
            f"fold {number + 1}",
            [r for r, out in zip(records, mask, strict=True) if not out],
            [r for r, out in zip(records, mask, strict=True) if out],
        )


def leave_one_dataset_out(records: Sequence[Record]) -> Iterator[Fold]:
    """A task never seen. The honest question for a recommendation."""
    yield from _by(records, lambda r: r["dataset"])


def leave_one_source_out(records: Sequence[Record]) -> Iterator[Fold]:
    """A task none of whose siblings was seen: task variants (`digits-parity`) are made of the same data as others."""
    yield from _by(records, lambda r: data_behind(str(r["dataset"])))


def data_behind(dataset: str) -> str:
    """The data set whose data a task is made of; somebody's own (`csv:…`) is named by its content: alone."""
    return dataset if ":" in dataset else dataset.partition("-")[0]


def leave_one_family_out(records: Sequence[Record]) -> Iterator[Fold]:
    """An architecture family never seen."""
    yield from _by(records, lambda r: r.get("model_family") or r["model"])


def leave_one_hardware_out(records: Sequence[Record]) -> Iterator[Fold]:
    """A machine never seen. One that more than half of the runs are of is not held out: what is left would not do."""
    yield from (fold for fold in _by(records, machine_of) if len(fold[1]) >= len(fold[2]))


def paper(records: Sequence[Record]) -> Iterator[Fold]:
    """The GREEN paper's: several data sets unseen at once (up to a third), judged apart by share of data used."""
    names = sorted({str(r["dataset"]) for r in records})
    unseen = set(names[:: max(2, len(names) // PAPER_UNSEEN)][:PAPER_UNSEEN])
    inside = [r for r in records if r["dataset"] not in unseen]
    for share in sorted({data_share(r) for r in records}):
        outside = [r for r in records if r["dataset"] in unseen and data_share(r) == share]
        if len({recipe_key(r) for r in outside}) >= LEAST_HELD_OUT and inside:
            yield f"data share {share:g}", inside, outside


def machine_of(record: Record) -> str | None:
    """The name of the machine a run was made on."""
    return record.get("gpu_model") or record.get("cpu_model")


def data_share(record: Record) -> float:
    """The share of the training data a run used."""
    knobs = record.get("knobs") or []
    found = {k["name"]: k["value"] for k in knobs} if isinstance(knobs, list) else dict(knobs)
    return float(found.get("data_fraction", 1.0))


PROTOCOLS: dict[str, Callable[[Sequence[Record]], Iterator[Fold]]] = {
    "random_recipes": random_recipes,
    "leave_one_dataset_out": leave_one_dataset_out,
    "leave_one_source_out": leave_one_source_out,
    "leave_one_family_out": leave_one_family_out,
    "leave_one_hardware_out": leave_one_hardware_out,
    "paper": paper,
}
