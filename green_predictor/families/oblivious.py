"""Oblivious trees: every level of a tree asks one question, the same in all its nodes.

A tree of depth d is then d column comparisons and one look-up in 2^d leaves, so a million rows take well under a second
in NumPy. (The tree shape of CatBoost, arXiv 1706.09516; this fitter is our own.)
"""

from __future__ import annotations

import numpy as np

MAX_BINS = 24


def threshold_of(thresholds: list[np.ndarray], feature: int, cut: int) -> float:
    """The value behind a bin number; infinity where the feature cannot be cut there."""
    return float(thresholds[feature][cut]) if cut < len(thresholds[feature]) else np.inf


def bins(x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Thresholds of each feature, and the data as bin numbers, (n, p) uint8: value > threshold[b] ⇔ bin > b."""
    thresholds, codes = [], np.empty(x.shape, np.uint8, order="F")
    for j in range(x.shape[1]):
        values = np.unique(x[:, j])
        if len(values) > MAX_BINS:
            values = np.unique(np.quantile(x[:, j], np.linspace(0, 1, MAX_BINS)).astype(np.float32))
        middle = ((values[:-1] + values[1:]) / 2).astype(np.float32)
        thresholds.append(middle)
        codes[:, j] = np.searchsorted(middle, x[:, j], side="left")
    return thresholds, codes


def grow(
    codes: np.ndarray,
    n_bins: np.ndarray,
    gradient: np.ndarray,
    weight: np.ndarray,
    depth: int,
    smoothing: float,
    features: np.ndarray,
    rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One tree. Returns (feature (depth,), bin (depth,), leaf of each row (n,)).

    Each level takes the question with the largest gain Σ (Σ w g)² / (Σ w + smoothing) over all leaves and targets.
    With `rng`, one random threshold a feature is tried instead of all (extremely randomised trees).
    """
    n, q = gradient.shape
    width = MAX_BINS + 1
    leaf = np.zeros(n, np.int64)
    repeated = [np.repeat(v, len(features)) for v in (weight, *(gradient * weight[:, None]).T)]
    chosen = codes[:, features].astype(np.int64)
    possible = np.arange(width - 1) < n_bins[features][:, None] - 1
    feature, cut = np.zeros(depth, np.int32), np.zeros(depth, np.int32)
    for level in range(depth):
        size = (1 << level) * width
        slot = (chosen + (leaf * width)[:, None] + np.arange(len(features)) * size).ravel()

        def below(values: np.ndarray, slot: np.ndarray = slot, size: int = size) -> np.ndarray:
            """Sums at or below each bin: (features, leaves, bins)."""
            sums = np.bincount(slot, values, len(features) * size)
            return sums.reshape(len(features), -1, width).cumsum(2)

        mass = below(repeated[0])
        left_mass = mass[:, :, :-1] + smoothing
        right_mass = mass[:, :, -1:] - mass[:, :, :-1] + smoothing
        gain = np.zeros(possible.shape)
        for c in range(q):
            total = below(repeated[1 + c])
            left = total[:, :, :-1]
            gain += (left**2 / left_mass + (total[:, :, -1:] - left) ** 2 / right_mass).sum(1)
        allowed = possible
        if rng is not None:
            drawn = (rng.random(len(features)) * (n_bins[features] - 1)).astype(int)
            allowed = possible & (np.arange(width - 1) == drawn[:, None])
        gain = np.where(allowed, gain, -np.inf)
        best = int(gain.argmax())
        j, b = divmod(best, width - 1)
        feature[level], cut[level] = features[j], b
        leaf = (leaf << 1) | (chosen[:, j] > b)
    return feature, cut, leaf


def leaf_values(leaf: np.ndarray, gradient: np.ndarray, weight: np.ndarray, depth: int, smoothing: float) -> np.ndarray:
    """Shrunken weighted mean of each leaf, (2^depth, q)."""
    mass = np.bincount(leaf, weight, 1 << depth)[:, None]
    sums = [np.bincount(leaf, weight * gradient[:, c], 1 << depth) for c in range(gradient.shape[1])]
    return np.stack(sums, 1) / (mass + smoothing)


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """Sum over trees: `features`, `thresholds` (trees, depth), `values` (trees, 2^depth, q) → (n, q).

    This loop waits for memory. So a question that several trees ask is answered once, and two trees are looked up as
    one in the table of their sums, 2^(2 depth) entries, where there are more rows than that.
    """
    features, thresholds, values = arrays["features"], arrays["thresholds"], arrays["values"].transpose(0, 2, 1).copy()
    adds = (values != 0).any(2)  # a tree need not say something of every target
    total = np.zeros((values.shape[1], len(x)), np.float32)
    leaves = values.shape[2]
    together = 2 if leaves**2 <= len(x) else 1
    leaf = np.empty(len(x), np.min_scalar_type(leaves**together - 1))
    looked_up = np.empty(len(x), np.float32)
    answers: dict[tuple[int, float], np.ndarray] = {}
    for first in range(0, len(features), together):
        some = range(first, min(first + together, len(features)))
        leaf.fill(0)
        for question in (q for tree in some for q in zip(features[tree], thresholds[tree], strict=True)):
            if question not in answers:
                answers[question] = (x[:, question[0]] > question[1]).view(np.uint8)
            np.left_shift(leaf, 1, out=leaf)
            np.bitwise_or(leaf, answers[question], out=leaf)
        place = leaf.astype(np.intp)
        for target in np.flatnonzero(adds[some].any(0)):
            table = values[first, target]
            if len(some) == 2:
                table = (table[:, None] + values[first + 1, target]).ravel()
            total[target] += table.take(place, out=looked_up, mode="clip")
    return total.T
