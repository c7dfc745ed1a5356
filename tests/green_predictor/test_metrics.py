"""Metrics against other implementations and against what their definitions promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import ndcg_score

from green_predictor import metrics

values = st.lists(st.integers(0, 9).map(float), min_size=5, max_size=20)


@given(st.data())
def test_spearman_as_scipy(data):
    truth = np.array(data.draw(values))
    guess = np.array(data.draw(st.lists(st.integers(0, 9).map(float), min_size=len(truth), max_size=len(truth))))
    ours = metrics.spearman(truth, guess)
    if truth.std() == 0 or guess.std() == 0:
        assert ours is None
    else:
        assert ours == pytest.approx(spearmanr(truth, guess).statistic)


def test_ndcg_as_scikit_learn():
    rng = np.random.default_rng(0)
    relevance, score = rng.random(12), rng.random(12)
    relevance -= relevance.min()
    assert metrics.ndcg(relevance, score, 5) == pytest.approx(ndcg_score([relevance], [score], k=5))
    assert metrics.ndcg(relevance, relevance, 5) == pytest.approx(1)


@given(st.integers(0, 1000))
def test_sova_is_zero_for_the_true_ranking_and_stays_within_0_and_1(seed):
    rng = np.random.default_rng(seed)
    quality, energy = rng.random(10), rng.random(10) + 0.1
    objectives = metrics.normalised(quality, energy)
    truth = metrics.utility(objectives, 0.5)
    weights = np.array([0.5, 0.5])
    assert metrics.sova(objectives, truth, truth, weights) == 0
    assert 0 <= metrics.sova(objectives, truth, rng.random(10), weights) <= 1


def test_sova_weighs_the_first_places_most():
    quality, energy = np.linspace(1, 0, 6), np.ones(6)
    objectives = metrics.normalised(quality, energy)
    truth = quality.copy()
    early, late = truth.copy(), truth.copy()
    early[[0, 5]] = early[[5, 0]]
    late[[4, 5]] = late[[5, 4]]
    weights = np.array([1.0, 0.0])
    assert metrics.sova(objectives, truth, early, weights) > metrics.sova(objectives, truth, late, weights)


def test_energy_error_is_the_factor_either_way():
    truth = np.array([1.0, 1.0])
    assert metrics.energy_error(truth, np.array([1.25, 0.8])) == pytest.approx([0.25, 0.25])


def test_bootstrap_brackets_the_mean_and_needs_two_tasks():
    low, high = metrics.bootstrap(np.array([0.1, 0.2, 0.3, 0.4]))
    assert low < 0.25 < high
    assert metrics.bootstrap(np.array([0.1])) is None
