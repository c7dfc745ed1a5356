"""Weighted ridge regression: the base of every family, and a family by itself."""

from __future__ import annotations

import numpy as np


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Minimise Σ w (y - b - xβ)² + strength |β|², with weights of mean 1 and an unpenalised intercept.

    `free` (p, q) bool: which coefficients may differ from 0; None for all.
    """
    w = (weight / weight.mean()).astype(np.float64)
    x64, y64 = x.astype(np.float64), y.astype(np.float64)
    x_mean, y_mean = (w @ x64) / w.sum(), (w @ y64) / w.sum()
    xc = (x64 - x_mean) * np.sqrt(w)[:, None]
    yc = (y64 - y_mean) * np.sqrt(w)[:, None]
    gram, wanted = xc.T @ xc, xc.T @ yc
    gram[np.diag_indices_from(gram)] += strength
    coefficients = np.zeros_like(wanted)
    for used, alike in alike_targets(np.ones(wanted.shape, bool) if free is None else free):
        coefficients[np.ix_(used, alike)] = np.linalg.solve(gram[np.ix_(used, used)], wanted[np.ix_(used, alike)])
    return {
        "coefficients": coefficients.astype(np.float32),
        "intercept": (y_mean - x_mean @ coefficients).astype(np.float32),
    }


def alike_targets(free: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Targets that may hang on the same features: (those features, those targets) by their numbers."""
    return [(np.flatnonzero(mask), np.flatnonzero((mask == free.T).all(1))) for mask in np.unique(free, axis=1).T]


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    return x @ arrays["coefficients"] + arrays["intercept"]


def remainder(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, strength: float, free: np.ndarray | None = None
) -> tuple[dict, np.ndarray, np.ndarray]:
    """The base ridge, what it leaves over in units of its spread (n, q), and that spread (q,)."""
    base = fit(x, y, weight, strength=strength, free=free)
    left = y - predict(base, x)
    spread = np.sqrt((weight @ left**2) / weight.sum()) + 1e-6
    return base, (left / spread).astype(np.float32), spread.astype(np.float32)
