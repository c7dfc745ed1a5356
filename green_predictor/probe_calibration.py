"""How sure a prediction is after a few probes on a new task: held-out tasks are probed with beginnings of runs.

Two things are learned: how far slopes may follow so few runs (`rigidity`), and the residuals that are left.
"""

from __future__ import annotations

import numpy as np

from green_predictor import calibration, features
from green_predictor.held_out import scaled
from green_predictor.targets import Training

RIGIDITIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 100_000.0)
"""Ridge penalties tried for the slopes of a task's own correction, for each target; the last leaves an offset only."""

PROBES = (1, 2, 5)
DRAWS = 10
BEGINNING = 2
"""Epochs of a probe."""


def probe_calibration(
    data: Training,
    left: np.ndarray,
    leverage: np.ndarray,
    between: np.ndarray,
    within: np.ndarray,
    scale: float,
    seed: int,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The best rigidity of each target (3,), and residual quantiles (2, 3) by number of probes.

    `left` (n, 3): residuals of predictions made without the row's task. `scale`: that of the task's features.
    """
    spec = features.fit_spec(data.rows, data.weight, scale)
    x = features.feature_matrix(data.rows, spec)
    task = data.task.astype(str)
    begun = data.rows.epoch <= BEGINNING
    drawn = [(count, *probe) for count in PROBES for probe in _draws(data, task, begun, count, seed)]
    if not drawn:
        return stiffest(), {}

    def residuals(rigidity: float) -> np.ndarray:
        found = []
        for _, _, rows, rest in drawn:
            weight = data.weight[rows] / np.bincount(data.run[rows], data.weight[rows])[data.run[rows]]
            made = calibration.local_correction(x[rows], left[rows], weight, between, within, np.full(3, rigidity))
            found.append(left[rest] - calibration.apply_correction(made, x[rest]))
        return np.concatenate(found)

    rests, sizes = np.concatenate([probe[3] for probe in drawn]), np.array([len(probe[3]) for probe in drawn])
    best, after = least_left({rigidity: residuals(rigidity) for rigidity in RIGIDITIES}, np.repeat(1 / sizes, sizes))
    missed = scaled(data, rests, after, leverage[rests])
    groups, counts = (np.repeat([probe[part] for probe in drawn], sizes) for part in (1, 0))
    quantiles = {}
    for count in np.unique(counts):
        mine = counts == count
        few = calibration.few_groups(len(np.unique(groups[mine])))
        quantiles[f"probe:{count}"] = few * calibration.group_quantiles(missed[mine], groups[mine])
    return best, quantiles


def stiffest() -> np.ndarray:
    """The rigidity that leaves an offset only, (3,)."""
    return np.full(3, RIGIDITIES[-1])


def least_left(left: dict[float, np.ndarray], weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rigidity of each target (3,) that leaves least by weight (n,) of the rows, and what it leaves of all, (n, 3).

    `left`: what each of `RIGIDITIES` leaves, (n, 3).
    """
    missed = np.stack([weight @ np.abs(left[r]) for r in RIGIDITIES])
    best = missed.argmin(0)
    return np.array(RIGIDITIES)[best], np.stack([left[RIGIDITIES[b]][:, c] for c, b in enumerate(best)], 1)


def _draws(
    data: Training, task: np.ndarray, begun: np.ndarray, count: int, seed: int
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(task, rows of the probes, final rows of the task's other runs), some random draws a task."""
    rng = np.random.default_rng(seed + count)
    found = []
    for name in np.unique(task):
        runs = np.unique(data.run[(task == name) & begun])
        if len(runs) <= count + 1:
            continue
        for _ in range(DRAWS):
            probe = np.isin(data.run, rng.choice(runs, count, replace=False))
            rest = np.flatnonzero((task == name) & data.last & ~probe)
            found.append((str(name), np.flatnonzero(probe & begun), rest))
    return found
