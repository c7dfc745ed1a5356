"""Which candidates are close enough to a real run of their architecture to be recommended.

A model of few runs is sure of itself where nobody ever was: among ten thousand candidates the best-looking is then the
one it is most wrong about. So a design is cut to what somebody nearly did: on some task, the same architecture, with
numbers a step away at most. A step is a factor of `STEP` in one number, or two knobs set otherwise; a knob that no run
of the architecture turned may not even apply to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from green_predictor.rows import Rows, knobs_of

STEP = {"learning_rate": 4.0, "epochs": 2.0, "batch_size": 4.0, "data_fraction": 2.0}
KNOB = 0.5
NEAR = 1.0


def near_a_run(rows: Rows, runs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Which rows lie within a step of a run of the same architecture, (n,) bool."""
    architecture = rows.text("model")
    place, knob_sets = _place(rows), [_others(knobs) for knobs in rows.knob_sets]
    near = np.zeros(len(rows), bool)
    for name in dict.fromkeys(architecture):
        mine = np.flatnonzero(architecture == name)
        distance = np.full(len(mine), np.inf, np.float32)
        own = [run for run in runs if run.get("model") == name]
        known = {"data_fraction"}.union(*(knobs_of(run) for run in own))
        strange = np.array([not knobs.keys() <= known for knobs in knob_sets])[rows.knob_set[mine]]
        for run in own:
            there, knobs = _place_of(run), _others(knobs_of(run))
            turned = np.array([KNOB * _differences(knobs, other) for other in knob_sets], np.float32)
            away = turned[rows.knob_set[mine]]
            for column, value in enumerate(there):
                if value is not None:
                    away = away + np.abs(place[column][mine] - value)
            np.minimum(distance, away, out=distance)
        near[mine] = (distance <= NEAR + 1e-6) & ~strange
    return near


def _place(rows: Rows) -> list[np.ndarray]:
    share = np.array([float(knobs.get("data_fraction", 1.0)) for knobs in rows.knob_sets])[rows.knob_set]
    numbers = (rows.learning_rate, rows.epochs, rows.batch_size, share)
    return [
        (np.log(np.maximum(n, 1e-12)) / np.log(s)).astype(np.float32)
        for n, s in zip(numbers, STEP.values(), strict=True)
    ]


def _place_of(run: Mapping[str, Any]) -> list[float | None]:
    share = float(knobs_of(run).get("data_fraction", 1.0))
    numbers = (run.get("learning_rate"), run.get("epochs"), run.get("batch_size"), share)
    return [np.log(n) / np.log(s) if n else None for n, s in zip(numbers, STEP.values(), strict=True)]


def _others(knobs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in knobs.items() if name != "data_fraction"}


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())
