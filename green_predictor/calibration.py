"""Intervals that hold on tasks never seen, and what a few runs on a task teach about it.

Residuals come from predictions made without the group they belong to. A group is a task: its rows are not independent,
so every task weighs the same in a quantile (hierarchical conformal prediction, Lee, Barber and Willett 2023), and the
intervals for a task that has been seen, probed or never met are calibrated apart. From a dozen tasks their widths are
known badly, so those for a new one are widened as Student's distribution is wider than the normal one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from green_predictor.link import sampling_error

LEVEL = 0.90
RIDGE = 10.0
"""Ridge penalty behind the leverage: a row that lies this far (squared) from all others, off their span, has 1."""
TYPICAL_VALIDATION = 1000
"""Validation examples of a task of which nobody says how many it has."""


def unit(quality: Any, n_validation: Any) -> np.ndarray:
    """In which unit errors of quality are counted: few validation examples, or a quality near 0 or 1, make them larger.
    How they follow the sampling error differs by domain, from hardly to in proportion; its root lies between."""
    n = np.asarray(n_validation, dtype=np.float64)
    return np.sqrt(sampling_error(quality, np.where(np.isfinite(n) & (n > 0), n, TYPICAL_VALIDATION)))


def widths(leverage: np.ndarray, quality: np.ndarray, n_validation: np.ndarray) -> np.ndarray:
    """By what the errors of rows are divided before their quantiles are taken, (n, 3) for quality, energy, duration:
    they grow with the distance from the training data, those of quality also with their `unit`."""
    wide = np.repeat(np.sqrt(1 + leverage)[:, None], 3, axis=1)
    wide[:, 0] *= unit(quality, n_validation)
    return wide


def group_quantiles(residual: np.ndarray, group: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Lower and upper residual quantile so that a share `level` lies between, groups weighing the same: (2, q)."""
    names, index, counts = np.unique(group, return_inverse=True, return_counts=True)
    weight = 1.0 / counts[index] / len(names)
    tail = (1 - level) / 2
    # one more row of each tail than the plain quantile: the split-conformal (n + 1) correction at row level
    margin = min(1.0 / max(len(residual), 1), tail / 2)
    return np.array([
        [weighted_quantile(residual[:, c], weight, tail - margin) for c in range(residual.shape[1])],
        [weighted_quantile(residual[:, c], weight, 1 - tail + margin) for c in range(residual.shape[1])],
    ])  # fmt: skip


def few_groups(count: int, level: float = LEVEL) -> float:
    """By how much an interval for a new group is widened because its width is known from so many groups only: the
    quantile of Student's distribution over that of the normal one."""
    from scipy.stats import norm, t  # slow to load, and only fitting needs it

    return float(t.ppf((1 + level) / 2, max(count - 1, 1)) / norm.ppf((1 + level) / 2))


def weighted_quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    """The smallest value with at least `share` of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    position = np.searchsorted(cumulated, share * cumulated[-1] - 1e-12, side="left")
    return float(values[order][min(position, len(values) - 1)])


def variances(residual: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variance of the group means and within the groups, (q,) each; never zero."""
    names, index = np.unique(group, return_inverse=True)
    means = np.stack([residual[index == g].mean(0) for g in range(len(names))])
    within = np.mean([residual[index == g].var(0) for g in range(len(names))], axis=0) + 1e-4
    between = (means**2).mean(0)
    return np.maximum(between, 0.1 * within), within


def local_correction(
    x: np.ndarray,
    residual: np.ndarray,
    weight: np.ndarray,
    between: np.ndarray,
    within: np.ndarray,
    rigidity: np.ndarray,
) -> np.ndarray:
    """What runs on one task add to the prediction for it: (p + 1, q), an offset and slopes.

    The posterior mean of a Bayesian linear model of the residual: the offset has the variance by which tasks differ,
    the noise is that within tasks, and slopes are held near zero by `rigidity` (q,), their ridge penalty.
    `weight` (n,): rows of one run share 1. Residuals that are not known (NaN) teach nothing.
    """
    design = np.column_stack([np.ones(len(x)), x]).astype(np.float64)
    found = np.zeros((design.shape[1], residual.shape[1]))
    for c in range(residual.shape[1]):
        known = np.isfinite(residual[:, c])
        weighted = design[known] * weight[known, None]
        penalty = np.full(design.shape[1], float(rigidity[c]))
        penalty[0] = within[c] / between[c]
        found[:, c] = np.linalg.solve(weighted.T @ design[known] + np.diag(penalty), weighted.T @ residual[known, c])
    return found.astype(np.float32)


def apply_correction(correction: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(p + 1, q), (n, p) → (n, q)."""
    return x @ correction[1:] + correction[0]


def leverage_factor(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A matrix L, (p, p), with leverage(x) = |x L|²: how far a row lies from what was trained on (ridge leverage)."""
    gram = (x.astype(np.float64) * weight[:, None]).T @ x
    gram[np.diag_indices_from(gram)] += RIDGE
    values, vectors = np.linalg.eigh(gram)
    return (vectors / np.sqrt(np.maximum(values, 1e-9))).astype(np.float32)


def leverage(factor: np.ndarray, x: np.ndarray, beyond: np.ndarray | float = 0.0) -> np.ndarray:
    """How far each row lies from the training data, (n,); 0 at its middle, about 1 where one row alone supports it.

    `beyond` (n,): squared distance by which its description lies outside those of the training data.
    """
    projected = x @ factor
    return np.einsum("ij,ij->i", projected, projected) + np.float32(1 / RIDGE) * beyond
