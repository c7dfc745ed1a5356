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
    summed = np.stack([weight, *(gradient * weight[:, None]).T])
    chosen = codes[:, features].astype(np.int64)
    possible = np.arange(width - 1) < n_bins[features][:, None] - 1
    feature, cut = np.zeros(depth, np.int32), np.zeros(depth, np.int32)

    def count(rows: np.ndarray | slice, leaves: int) -> np.ndarray:
        """Sums over some rows in each bin: (1 + q, features, leaves, bins)."""
        size = leaves * width
        slot = (chosen[rows] + (leaf[rows] * width)[:, None] + np.arange(len(features)) * size).ravel()
        sums = [np.bincount(slot, np.repeat(v, len(features)), len(features) * size) for v in summed[:, rows]]
        return np.reshape(sums, (1 + q, len(features), leaves, width))

    sums = count(slice(None), 1)
    for level in range(depth):
        total = sums.cumsum(3)
        left, right = total[..., :-1], total[..., -1:] - total[..., :-1]
        gain = (left[1:] ** 2 / (left[0] + smoothing) + right[1:] ** 2 / (right[0] + smoothing)).sum((0, 2))
        allowed = possible
        if rng is not None:
            drawn = (rng.random(len(features)) * (n_bins[features] - 1)).astype(int)
            allowed = possible & (np.arange(width - 1) == drawn[:, None])
        j, b = divmod(int(np.where(allowed, gain, -np.inf).argmax()), width - 1)
        feature[level], cut[level] = features[j], b
        above = chosen[:, j] > b
        if level + 1 < depth:  # the rows of the smaller half are counted, the other half is what is left of all
            fewer = 2 * np.count_nonzero(above) <= n
            part = count(np.flatnonzero(above == fewer), 1 << level)
            halves = (sums - part, part) if fewer else (part, sums - part)
            sums = np.stack(halves, 3).reshape(1 + q, len(features), -1, width)
        leaf = (leaf << 1) | above
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
