"""A forest of extremely randomised oblivious trees (Geurts et al. 2006) on what the linear base leaves over."""

from __future__ import annotations

import numpy as np

from green_predictor.families import linear, oblivious

TREES = 40
DEPTH = 6
SMOOTHING = 2.0
TRIED = 12
"""Features that are tried at each tree, each at one random threshold."""


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """The mean of `TREES` trees, each on a bootstrap sample."""
    rng = np.random.default_rng(seed)
    base, left, spread = linear.remainder(x, y, weight, strength, free)
    w = weight / weight.mean()
    thresholds, codes = oblivious.bins(x)
    n_bins = np.array([len(t) + 1 for t in thresholds])
    features, cuts, values = [], [], []
    for _ in range(TREES):
        drawn = w * rng.multinomial(len(x), np.full(len(x), 1 / len(x)))
        some = rng.permutation(x.shape[1])[:TRIED]
        feature, cut, leaf = oblivious.grow(codes, n_bins, left, drawn, DEPTH, SMOOTHING, some, rng)
        value = oblivious.leaf_values(leaf, left, drawn, DEPTH, SMOOTHING)
        features.append(feature)
        cuts.append([oblivious.threshold_of(thresholds, f, c) for f, c in zip(feature, cut, strict=True)])
        values.append(value * spread / TREES)
    return {
        **base,
        "features": np.array(features, np.int32),
        "thresholds": np.array(cuts, np.float32),
        "values": np.array(values, np.float32),
    }


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    return linear.predict(arrays, x) + oblivious.predict(arrays, x)
