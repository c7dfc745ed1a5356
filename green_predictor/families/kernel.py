"""Kernel ridge regression on chosen centres (Nyström): the mean of a Gaussian process with a linear trend."""

from __future__ import annotations

import numpy as np

from green_predictor.families import linear

CENTRES = 96


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Radial basis functions over at most `CENTRES` rows spread out over the data (farthest-point sampling)."""
    base, left, spread = linear.remainder(x, y, weight, strength, free)
    centres = x[_farthest(x, min(CENTRES, len(x)), seed)]
    width = np.float32(0.5 / max(np.median(squared_distances(x[:500], centres)), 1e-6))
    k = np.exp(-width * squared_distances(x, centres)).astype(np.float64)
    w = (weight / weight.mean())[:, None]
    gram = k.T @ (k * w) + strength * (
        np.exp(-width * squared_distances(centres, centres)) + 1e-6 * np.eye(len(centres))
    )
    weights = np.linalg.solve(gram, k.T @ (left * w)) * spread
    return {
        **base,
        "centres": centres.astype(np.float32),
        "width": np.array([width], np.float32),
        "weights": weights.astype(np.float32),
    }


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    distances = squared_distances(x, arrays["centres"])
    distances *= -arrays["width"][0]
    return linear.predict(arrays, x) + np.exp(distances, out=distances) @ arrays["weights"]


def _farthest(x: np.ndarray, count: int, seed: int) -> np.ndarray:
    chosen = [int(np.random.default_rng(seed).integers(len(x)))]
    nearest = squared_distances(x, x[chosen])[:, 0]
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, squared_distances(x, x[chosen[-1:]])[:, 0])
    return np.array(chosen)


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, p), (m, p) → (n, m), as one product of matrices."""
    products = x @ y.T
    products *= -2
    products += np.einsum("ij,ij->i", x, x)[:, None]
    products += np.einsum("ij,ij->i", y, y)
    return np.maximum(products, 0, out=products)
