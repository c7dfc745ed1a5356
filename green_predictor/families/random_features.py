"""A neural network whose hidden layer is drawn at random and only the output is learned (Rahimi and Recht 2008)."""

from __future__ import annotations

import numpy as np

from green_predictor.families import linear

HIDDEN = 64


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Ridge regression of what the linear base leaves over on `HIDDEN` random rectified features."""
    rng = np.random.default_rng(seed)
    base, left, spread = linear.remainder(x, y, weight, strength, free)
    hidden = rng.normal(0, 1 / np.sqrt(x.shape[1]), (x.shape[1], HIDDEN)).astype(np.float32)
    offset = rng.uniform(-1, 1, HIDDEN).astype(np.float32)
    output = linear.fit(np.maximum(x @ hidden + offset, 0), left, weight, strength=strength)
    return {
        **base,
        "hidden": hidden,
        "offset": offset,
        "output": output["coefficients"] * spread,
        "constant": output["intercept"] * spread,
    }


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    hidden = x @ arrays["hidden"]
    hidden += arrays["offset"]
    np.maximum(hidden, 0, out=hidden)
    return linear.predict(arrays, x) + hidden @ arrays["output"] + arrays["constant"]
