"""Gradient boosting of small oblivious trees on what the linear base leaves over; one tree serves all targets."""

from __future__ import annotations

import numpy as np

from green_predictor.families import linear, oblivious

TREES = 60
DEPTH = 3
RATE = 0.12
SHARE_OF_FEATURES = 0.5


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Squared loss over targets in units of their spread; each tree sees half of the features."""
    rng = np.random.default_rng(seed)
    base, left, spread = linear.remainder(x, y, weight, strength, free)
    w = weight / weight.mean()
    thresholds, codes = oblivious.bins(x)
    n_bins = np.array([len(t) + 1 for t in thresholds])
    features, cuts, values = [], [], []
    for _ in range(TREES):
        some = rng.permutation(x.shape[1])[: max(1, int(SHARE_OF_FEATURES * x.shape[1]))]
        feature, cut, leaf = oblivious.grow(codes, n_bins, left, w, DEPTH, strength, some)
        value = RATE * oblivious.leaf_values(leaf, left, w, DEPTH, strength)
        left = left - value[leaf]
        features.append(feature)
        cuts.append([oblivious.threshold_of(thresholds, f, c) for f, c in zip(feature, cut, strict=True)])
        values.append(value * spread)
    return {
        **base,
        "features": np.array(features, np.int32),
        "thresholds": np.array(cuts, np.float32),
        "values": np.array(values, np.float32),
    }


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    return linear.predict(arrays, x) + oblivious.predict(arrays, x)
