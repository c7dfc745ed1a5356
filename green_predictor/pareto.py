"""Fronts and hypervolume of (quality, energy), on moocore, which knows about ties and duplicates."""

from __future__ import annotations

import numpy as np


def front(quality: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Indices of the candidates that no other beats in both quality (higher) and energy (lower), cheapest first.

    Of candidates with equal values one is kept. Candidates with a NaN are never on the front.
    """
    quality, energy = np.asarray(quality, np.float64), np.asarray(energy, np.float64)
    known = np.flatnonzero(np.isfinite(quality) & np.isfinite(energy))
    if not len(known):
        return known
    import moocore

    points = np.column_stack([-quality[known], energy[known]])
    chosen = known[moocore.is_nondominated(points)]
    return chosen[np.argsort(energy[chosen], kind="stable")]


def hypervolume(quality: np.ndarray, energy: np.ndarray, worst: tuple[float, float]) -> float:
    """Area that the points dominate, up to the reference `worst` = (lowest quality, highest energy)."""
    import moocore

    points = np.column_stack([-np.asarray(quality, np.float64), np.asarray(energy, np.float64)])
    points = points[np.isfinite(points).all(1)]
    return float(moocore.hypervolume(points, ref=(-worst[0], worst[1]))) if len(points) else 0.0


def hypervolume_ratio(quality: np.ndarray, energy: np.ndarray, chosen: np.ndarray) -> float:
    """Hypervolume of the chosen points over that of all, energy as a logarithm; 1 is the whole front."""
    logs = np.log(np.asarray(energy, np.float64))
    worst = (float(np.nanmin(quality)) - 1e-9, float(np.nanmax(logs)) + 1e-9)
    whole = hypervolume(quality, logs, worst)
    return hypervolume(np.asarray(quality)[chosen], logs[chosen], worst) / whole if whole > 0 else 1.0
