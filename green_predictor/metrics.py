"""How good predictions and choices are, as the papers define it. Arrays are over the candidates of one task."""

from __future__ import annotations

import numpy as np

from green_predictor.preferences import AUGMENTATION


def spearman(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    """Rank correlation with shared ranks for ties; None where one side does not vary."""
    if len(truth) < 3:
        return None
    a, b = _ranks(truth), _ranks(predicted)
    if a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def energy_error(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Multiplicative error minus one: 0.25 means off by a factor of 1.25, in either direction."""
    return np.exp(np.abs(np.log(predicted / truth))) - 1


def normalised(quality: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Objectives (n, 2), 0 best and 1 worst of the candidates: lost quality, logarithm of energy."""
    loss, cost = -np.asarray(quality, float), np.log(np.asarray(energy, float))
    return np.stack([_unit(loss), _unit(cost)], axis=1)


def _unit(values: np.ndarray) -> np.ndarray:
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else np.zeros_like(values)


def utility(objectives: np.ndarray, energy_weight: float) -> np.ndarray:
    """1 minus the augmented Chebyshev distance to the best of everything: higher is better."""
    weighted = objectives * np.array([1 - energy_weight, energy_weight])
    return 1 - (weighted.max(1) + AUGMENTATION * weighted.sum(1))


def ndcg(relevance: np.ndarray, score: np.ndarray, k: int = 5) -> float:
    """Normalised discounted cumulative gain of the ranking by `score`; 1 is the ideal ranking."""
    relevance = relevance - relevance.min()
    k = min(k, len(relevance))
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = float((np.sort(relevance)[::-1][:k] * discount).sum())
    got = float((relevance[np.argsort(-score, kind="stable")][:k] * discount).sum())
    return got / ideal if ideal > 0 else 1.0


def sova(objectives: np.ndarray, true_score: np.ndarray, score: np.ndarray, weights: np.ndarray, k: int = 5) -> float:
    """Set-based order value alignment (arXiv 2505.01468): 0 is the true ranking, 1 the worst; lower is better.

    At each of the first k places, the distance between the true objective values of what stands there and of what
    should, weighted by objective (`weights` add to 1) and by exp(-rank), where equal scores share a rank.
    """
    k = min(k, len(score))
    should = np.argsort(-true_score, kind="stable")[:k]
    stands = np.argsort(-score, kind="stable")[:k]
    rank = np.unique(-true_score[should], return_inverse=True)[1]
    place = np.exp(-rank.astype(float))
    distance = np.abs(objectives[should] - objectives[stands]) @ weights
    return float((place * distance).sum() / place.sum())


def bootstrap(values: np.ndarray, draws: int = 2000, seed: int = 0) -> list[float] | None:
    """90 % interval of the mean over tasks, by drawing tasks with replacement; None for fewer than two tasks."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    return [float(v) for v in np.quantile(values[drawn].mean(1), [0.05, 0.95])]
