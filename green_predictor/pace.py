"""How much more this machine needs than one in the data, learned from whatever was trained on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset.store import Store
from green_predictor import domain_model, targets, this_machine
from green_predictor.domain_model import DomainModel
from green_predictor.hardware import TRIED, Machine, hardware_columns
from green_predictor.kept import kept

NEWEST = 20
"""So many of the latest runs are looked at: reading more takes longer than it tells."""


def paced_by_runs(here: Machine, models: Mapping[str, DomainModel], energy: str = "all") -> Machine:
    """This machine, with what the runs say that its user made on it and kept in the default store.

    A run of a task in the data counts with what it needed, over what is predicted for the machine in the data that
    stands for this one; of these ratios the median. The same machine where it is in the data, or no run says anything.
    """
    if here.in_data or not here.columns:
        return here
    newest = tuple(str(path) for path in Store().newest(NEWEST))
    ratios = _ratios(models, newest, energy, tuple(sorted(here.columns.items()))) if newest else ()
    if not len(ratios):
        return here
    more, longer = (float(v) for v in np.exp(np.median(ratios, axis=0)))
    words = f"energy × {more:.2f} and time × {longer:.2f}, by {len(ratios)} of your runs here"
    return replace(here, slowdown=(more, longer), pace=words, typical=TRIED ** (1 / math.sqrt(len(ratios))))


@kept(4)
def _ratios(models: Mapping[str, DomainModel], files: tuple[str, ...], energy: str, columns: tuple) -> np.ndarray:
    """Logarithm of energy and time over what is predicted, (n, 2), of the runs that count."""
    records = [run.model_dump() for run in Store().collected([Path(file) for file in files])[0]]
    mine = [
        {**r, **dict.fromkeys(hardware_columns()), **dict(columns)} for r in records if _made_here(r, dict(columns))
    ]
    found = []
    for domain, model in models.items():
        for task in sorted({str(r["dataset"]) for r in mine if r["domain"] == domain} & set(model.correction)):
            usable = [r for r in mine if r["domain"] == domain and r["dataset"] == task and targets.usable(r, energy)]
            found += _of_task(model, task, usable, energy) if usable else []
    return np.array(found).reshape(-1, 2)


def _of_task(model: DomainModel, task: str, records: Sequence[Mapping[str, Any]], energy: str) -> list[np.ndarray]:
    data = targets.prepare(records, energy, model.reference)
    final = data.subset(data.last)
    said = domain_model.predict_rows(model, final.rows, domain_model.evidence(model, task))
    _, kwh, seconds = targets.restore(final.y, final.rows, model.reference)
    return list(np.log(np.column_stack([kwh / said.energy_kwh, seconds / said.duration_s])))


def _made_here(record: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
    """On this machine, and on what is asked about: its accelerator or its processor."""
    if columns.get("device") == "cpu":
        return record.get("device") == "cpu" and this_machine.is_cpu(record.get("cpu_model"))
    return record.get("gpu_model") is not None and record["gpu_model"] == this_machine.gpu_model()
