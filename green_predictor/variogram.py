"""How well two recipes of one task can be told apart: errors of alike recipes are alike.

A variogram (Matheron, Principles of geostatistics, 1963) of held-out residuals, in medians.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from green_predictor.calibration import unit

CLASSES = 10
"""Classes of distance, as many pairs in each."""
SAME = 1e-3
"""Rows no farther apart than this are repeats: their difference is noise, not error."""


def variogram(x: np.ndarray, residual: np.ndarray, group: np.ndarray) -> np.ndarray:
    """By how much the errors of two rows of one group typically differ, given how far apart the rows are: (2, k), knots
    of the distance and the difference there, which never falls. Groups weigh the same.

    Args:
        x: scaled features, (n, p).
        residual: errors, (n,).
        group: the task of each row, (n,).
    """
    from scipy.spatial.distance import pdist  # slow to load, and only fitting needs it

    pairs = []
    for name in np.unique(group):
        mine = np.flatnonzero(group == name)
        away, differ = pdist(x[mine]), pdist(residual[mine, None])
        pairs.append((away[away > SAME], differ[away > SAME]))
    known = [away for away, _ in pairs if len(away)]
    if not known:
        return np.zeros((2, 1))
    edges = np.quantile(np.concatenate(known), np.linspace(0, 1, CLASSES + 1))
    middle, typical = [], []
    for low, high in pairwise(edges):
        of_group = [differ[(away >= low) & (away <= high)] for away, differ in pairs]
        typical.append(np.mean([np.median(differ) for differ in of_group if len(differ)]))
        middle.append((low + high) / 2)
    return np.stack([middle, np.maximum.accumulate(typical)])


def typical_difference(knots: np.ndarray, x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What a variogram says of rows (k, p) and one other (p,): (k,)."""
    return np.interp(np.linalg.norm(x - at, axis=1), *knots)


def indistinct(knots: np.ndarray, x: np.ndarray, at: np.ndarray, quality: float, n_validation: float) -> np.ndarray:
    """Log-odds by which the errors of rows (k, p) and of one of that quality, (p,), typically differ, (k,)."""
    return unit(quality, n_validation) * typical_difference(knots, x, at)
