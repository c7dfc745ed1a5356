"""Gradient boosting of small oblivious trees on what the linear base leaves over.

Targets that may hang on the same features share their trees; others would vote on each other's questions.
"""

from __future__ import annotations

import numpy as np

from green_predictor.families import linear, oblivious

TREES = 160
DEPTH = 6
RATE = 0.25
SHARE_OF_FEATURES = 0.3
SMOOTHING = 30.0


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Squared loss over targets in units of their spread; each tree sees a share of the features.

    `strength` is that of the base: the stiffer the line, the more the trees learn.
    """
    base, left, spread = linear.remainder(x, y, weight, strength, free)
    w = weight / weight.mean()
    thresholds, codes = oblivious.bins(x)
    n_bins = np.array([len(t) + 1 for t in thresholds])
    everything = np.ones((x.shape[1], y.shape[1]), bool)
    features, cuts, values = [], [], []
    for used, targets in linear.alike_targets(everything if free is None else free):
        rng = np.random.default_rng(seed)
        rest = left[:, targets]
        for _ in range(TREES):
            some = rng.permutation(used)[: max(DEPTH, int(SHARE_OF_FEATURES * len(used)))]
            feature, cut, leaf = oblivious.grow(codes, n_bins, rest, w, DEPTH, SMOOTHING, some)
            value = RATE * oblivious.leaf_values(leaf, rest, w, DEPTH, SMOOTHING)
            rest = rest - value[leaf]
            features.append(feature)
            cuts.append([oblivious.threshold_of(thresholds, f, c) for f, c in zip(feature, cut, strict=True)])
            values.append(np.zeros((len(value), y.shape[1])))
            values[-1][:, targets] = value * spread[targets]
    return {
        **base,
        "features": np.array(features, np.int32),
        "thresholds": np.array(cuts, np.float32),
        "values": np.array(values, np.float32),
    }


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    return linear.predict(arrays, x) + oblivious.predict(arrays, x)
