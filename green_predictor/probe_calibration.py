"""How sure a prediction is after a few probes on a new task: held-out tasks are probed with beginnings of runs.

Two things are learned: how far slopes may follow so few runs (`rigidity`), and the residuals that are left.
"""

from __future__ import annotations

import numpy as np

from green_predictor import calibration, features
from green_predictor.held_out import scaled
from green_predictor.targets import Training

RIGIDITIES = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 100_000.0)
"""Ridge penalties tried for the slopes of a task's own correction; the last leaves an offset only."""

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
) -> tuple[float, dict[str, np.ndarray]]:
    """The best rigidity, and residual quantiles (2, 3) by number of probes.

    `left` (n, 3): residuals of predictions made without the row's task. `scale`: that of the task's features.
    """
    spec = features.fit_spec(data.rows, data.weight, scale)
    x = features.feature_matrix(data.rows, spec)
    task = data.task.astype(str)
    begun = data.rows.epoch <= BEGINNING
    drawn = [(count, *probe) for count in PROBES for probe in _draws(data, task, begun, count, seed)]
    if not drawn:
        return RIGIDITIES[-1], {}

    def residuals(rigidity: float) -> list[np.ndarray]:
        found = []
        for _, _, rows, rest in drawn:
            weight = data.weight[rows] / np.bincount(data.run[rows], data.weight[rows])[data.run[rows]]
            made = calibration.local_correction(x[rows], left[rows], weight, between, within, rigidity)
            found.append(left[rest] - calibration.apply_correction(made, x[rest]))
        return found

    by_rigidity = {rigidity: residuals(rigidity) for rigidity in RIGIDITIES}
    spread = np.sqrt(between + within)
    best = min(
        RIGIDITIES, key=lambda r: float(np.mean([np.mean(np.abs(out[:, :2]) / spread[:2]) for out in by_rigidity[r]]))
    )
    quantiles = {}
    for count in PROBES:
        mine = [i for i, probe in enumerate(drawn) if probe[0] == count]
        if mine:
            rests = np.concatenate([drawn[i][3] for i in mine])
            after = np.concatenate([by_rigidity[best][i] for i in mine])
            groups = np.repeat([drawn[i][1] for i in mine], [len(drawn[i][3]) for i in mine])
            missed = scaled(data, rests, after, leverage[rests])
            quantiles[f"probe:{count}"] = calibration.group_quantiles(missed, groups)
    return best, quantiles


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
