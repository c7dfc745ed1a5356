"""Which candidates are close enough to a real run of their architecture to be recommended, and how well tried they are.

A model of few runs is sure of itself where nobody ever was: among ten thousand candidates the best-looking is then the
one it is most wrong about. So a design is cut to what somebody nearly did: on some task, the same architecture, with
numbers a step away at most. A step is a factor of `STEP` in one number, or two knobs set otherwise; a knob that no run
of the architecture turned may not even apply to it. A learning rate above all that were tried of it is no step but
perhaps a cliff: just beyond the best rate trainings learn nothing, and no smooth model sees that coming. Where the
cliff is depends on the optimizer, so runs with another one are near to nothing.

A recipe that did well on ten other tasks is a safer bet than one next to it that nobody ever ran, however much the same
is predicted of both. And one that did better than predicted wherever it was run will do so again: no model of few
parameters knows every recipe. Both follow from one assumption, that a recipe has an effect of its own, as large as what
differs from task to task, and that alike recipes share it (see `recipe_effect`).

What is predicted may jump from one recipe to the next, and of many recipes a jump upwards is what gets chosen. So what
is predicted of a recipe is steadied by what is predicted of alike ones that were run (kernel smoothing, Nadaraya 1964).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecotaskset.knobs import KNOBS
from green_predictor import threads
from green_predictor.rows import Rows, knobs_of

STEP = {"learning_rate": 4.0, "epochs": 2.0, "batch_size": 4.0, "data_fraction": 2.0, "width": 2.0}
KNOB = 0.5
NEAR = 1.0
ALIKE = 0.6
"""So many steps away a run says little of a recipe itself: it counts exp(-1), twice as far away nothing."""
OWN = 4.0
"""A run on the task at hand says as much of a recipe as runs on so many others."""
ITSELF = 4.0
"""What is predicted of a recipe counts as much as what is of an alike one that was run on so many tasks."""


@dataclass(frozen=True)
class Neighbours:
    """`near` (n,) bool: rows within a step of a run of the same architecture. `tried` (n,): on how many tasks somebody
    ran the recipe of a row; a task whose nearest run is d steps away counts exp(-(d / `ALIKE`)²). `better` (n,): by
    how much the quality target of the recipe is, by these runs, above what is predicted: the mean over these tasks and
    one more, on which it is what is predicted; and by how much more is predicted of alike recipes that were run."""

    near: np.ndarray
    tried: np.ndarray
    better: np.ndarray


def neighbours(
    rows: Rows,
    runs: Sequence[Mapping[str, Any]],
    unexplained: np.ndarray | None = None,
    said: tuple[np.ndarray, np.ndarray] | None = None,
) -> Neighbours:
    """How near candidates for one task, n rows, are to r runs. `unexplained` (r,): by how much the quality target of
    each run is above what is predicted of it; left out, nothing is known of that. `said` (n,), (r,): the quality target
    that is predicted of each row, and of the recipe of each run on the same task; left out, or NaN, rows are not
    steadied.
    """
    architecture, columns = rows.text("model"), _place(rows)
    turned = [knobs_of(run) for run in runs]
    codes, choice = _codes([*rows.knob_sets, *turned])
    designed, real = codes[: len(rows.knob_sets)], codes[len(rows.knob_sets) :]
    chosen, used = (np.array([_optimizer(knobs) for knobs in sets]) for sets in (rows.knob_sets, turned))
    made = np.array([run.get("model") for run in runs], object)
    near, tried, better = np.zeros(len(rows), bool), *np.zeros((2, len(rows)), np.float32)
    of_row, of_run = said if said is not None else np.full((2, max(len(rows), len(runs))), np.nan)
    above = np.zeros(len(runs)) if unexplained is None else unexplained
    task = next(iter(rows.text("dataset")), None)
    for name in dict.fromkeys(architecture):
        same, own = architecture == name, made == name
        strange = ((designed != 0) & ~(real[own] != 0).any(0)).any(1)
        for optimizer in dict.fromkeys(used[own]):
            mine = np.flatnonzero(same & ((chosen == optimizer) & ~strange)[rows.knob_set])
            others = np.flatnonzero(own & (used == optimizer))
            tasks = {on: k for k, on in enumerate(dict.fromkeys(runs[i].get("dataset") for i in others))}
            count = np.array([OWN if on == task and on is not None else 1.0 for on in tasks], np.float32)
            run_on: dict[tuple[Any, ...], dict[int, list[int]]] = {}
            for i in others:
                place = (*_place_of(runs[i], turned[i]), real[i, choice].tobytes())
                run_on.setdefault(place, {}).setdefault(tasks[runs[i].get("dataset")], []).append(i)
            sets, here = rows.knob_set[mine], [column[mine] for column in columns]
            distance = np.full(len(mine), np.inf, np.float32)
            # of each task and row: the largest weight of a run, the sum of weights, and of weighted figures
            nearest, weights, sums = np.zeros((3, len(tasks), len(mine)), np.float32)
            pull, pulled = np.zeros((2, len(mine)), np.float32)
            for (*there, setting), on in run_on.items():
                away = (KNOB * (designed[:, choice] != np.frombuffer(setting, real.dtype)).sum(1, dtype=np.float32))[
                    sets
                ]
                for column, value in zip(here, there, strict=True):
                    if value is not None:
                        away += np.abs(column - np.float32(value))
                np.minimum(distance, away, out=distance)
                alike = np.flatnonzero(away < 2 * ALIKE)
                weight = np.exp(-((away[alike] / ALIKE) ** 2))
                for k, made_there in on.items():
                    nearest[k, alike] = np.maximum(nearest[k, alike], weight)
                    weights[k, alike] += weight
                    sums[k, alike] += weight * float(above[made_there].mean())
                if None not in there:
                    pull[alike] += len(on) * weight
                    pulled[alike] += len(on) * weight * float(of_run[[i for made in on.values() for i in made]].mean())
            counts = nearest * count[:, None]
            tried[mine] = counts.sum(0)
            better[mine] = (counts * sums / np.maximum(weights, np.float32(1e-9))).sum(0) / (1 + tried[mine])
            better[mine] += np.nan_to_num((pulled - pull * of_row[mine]) / (ITSELF + pull))
            near[mine] = (distance <= NEAR + 1e-5) & (rows.learning_rate[mine] <= _fastest(runs, others) * (1 + 1e-3))
    return Neighbours(near, tried, better)


def _fastest(runs: Sequence[Mapping[str, Any]], which: np.ndarray) -> float:
    return max(float(runs[i].get("learning_rate") or np.inf) for i in which)


def _optimizer(knobs: Mapping[str, Any]) -> str:
    return str(knobs.get("optimizer", KNOBS["optimizer"].default))


def _codes(knob_sets: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """(k, p) a small number for each setting of each knob, 0 where not turned; but for data_fraction, and the number of
    threads, on which nothing that is learned hangs. And which of the knobs have no place among the numbers, (p,) bool.
    """
    names = sorted({name for knobs in knob_sets for name in knobs} - {"data_fraction", threads.KNOB})
    seen: dict[tuple[str, Any], int] = {}
    codes = [[seen.setdefault((n, k[n]), len(seen) + 1) if n in k else 0 for n in names] for k in knob_sets]
    return (
        np.array(codes, np.int16).reshape(len(knob_sets), len(names)),
        np.array([name not in STEP for name in names], bool),
    )


def _number(knobs: Mapping[str, Any], name: str) -> float:
    return float(knobs.get(name, KNOBS[name].default))


def _place(rows: Rows) -> list[np.ndarray]:
    of_knobs = (np.array([_number(knobs, n) for knobs in rows.knob_sets])[rows.knob_set] for n in STEP if n in KNOBS)
    numbers = (rows.learning_rate, rows.epochs, rows.batch_size, *of_knobs)
    return [
        (np.log(np.maximum(n, 1e-12)) / np.log(s)).astype(np.float32)
        for n, s in zip(numbers, STEP.values(), strict=True)
    ]


def _place_of(run: Mapping[str, Any], knobs: Mapping[str, Any]) -> list[float | None]:
    numbers = (_number(knobs, name) if name in KNOBS else run.get(name) for name in STEP)
    return [float(np.log(n) / np.log(s)) if n else None for n, s in zip(numbers, STEP.values(), strict=True)]
