"""How much energy and time one processor takes beside another, from runs of the same architectures on the same tasks.

An accelerator is described by its columns; a processor's name says nothing, and the rate of its matrix products little:
small trainings wait for memory and for Python. So what its runs needed is taken out before anything is learned, and put
back into what is predicted for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from green_predictor.physics import PRICES, log_cost
from green_predictor.rows import Rows

LEAST_RUNS = 3
"""With fewer runs beside those of the commonest processor nothing is taken out."""

MOST = 10.0
"""No processor is more than e^10 times as fast as another: an energy in another unit is."""

Paces = dict[str, tuple[float, float]]
"""Processor → logarithm of its energy and of its time, beside those of the commonest one, which is left out."""


def paces(rows: Rows, log_costs: np.ndarray) -> Paces:
    """Of every processor but the commonest: by how much it needs more than that one does, beyond what physics expects
    (`physics.log_cost`), as the median over its runs of a task and an architecture that ran on both.

    Args:
        rows: the final rows of runs, (n,).
        log_costs: their logarithm of energy and of time, (n, 2).
    """
    name, usual_one = names(rows)[rows.setting], commonest(rows)
    beyond = log_costs - log_cost(rows, PRICES)[:, None]
    place = list(zip(rows.text("dataset"), rows.text("model"), strict=True))
    there: dict[Any, list[int]] = defaultdict(list)
    for i in np.flatnonzero(name == usual_one):
        there[place[i]].append(i)
    usual = {where: _median(beyond[index]) for where, index in there.items()}
    found = {}
    for other in sorted(set(name.tolist()) - {usual_one, ""}):
        more = [beyond[i] - usual[place[i]] for i in np.flatnonzero(name == other) if place[i] in usual]
        if len(more) >= LEAST_RUNS:
            energy, time = np.clip(_median(np.array(more)), -MOST, MOST)
            if np.isfinite(energy):
                found[other] = (float(energy), float(time if np.isfinite(time) else energy))
    return found


def commonest(rows: Rows) -> str | None:
    """The processor that most rows are of; None where none is named."""
    name = names(rows)[rows.setting]
    counted = Counter(name[name != ""].tolist())
    return counted.most_common(1)[0][0] if counted else None


def _median(values: np.ndarray) -> list[float]:
    """Column by column, of what is known, (2,)."""
    return [
        float(np.median(column[np.isfinite(column)])) if np.isfinite(column).any() else np.nan for column in values.T
    ]


def names(rows: Rows) -> np.ndarray:
    """The processor of each setting of the rows, (m,); empty where an accelerator trained, or nobody knows."""
    device, cpu, gpu = (rows.texts[column] for column in ("device", "cpu_model", "gpu_model"))
    trained = zip(device, cpu, gpu, strict=True)
    return np.array([c or "" if d == "cpu" or not (d or g) else "" for d, c, g in trained], dtype=str)


def log_paces(rows: Rows, found: Paces) -> np.ndarray:
    """What is added to the logarithm of energy and of time of each row, (n, 2)."""
    if not found:
        return np.zeros((len(rows), 2), np.float32)
    added = [found.get(name, (0.0, 0.0)) for name in names(rows).tolist()]
    return np.array(added, np.float32).reshape(-1, 2)[rows.setting]
