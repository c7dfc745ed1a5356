"""Quality goes onto the line and back, in order, and what a validation set cannot tell apart is close together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor.link import LEAST, SOFT, expit, logit, sampling_error


@given(st.floats(LEAST, 1.0))
def test_there_and_back_is_the_same(quality):
    assert expit(logit(quality)) == pytest.approx(quality, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_better_is_never_lower(one, other):
    low, high = sorted((one, other))
    assert logit(low) <= logit(high)


@given(st.floats(-1e6, 1e6))
def test_whatever_is_predicted_is_a_quality(value):
    assert 0 <= float(expit(value)) <= 1


def test_near_perfect_differences_are_small_and_the_middle_is_that_of_log_odds():
    assert logit(0.999) - logit(0.997) < 0.2 < 1.0 < logit(0.90) - logit(0.75)
    middle = np.array([0.2, 0.5, 0.8])
    np.testing.assert_allclose(logit(middle), np.log(middle / (1 - middle)), atol=SOFT / 0.2)


def test_nothing_and_unknown_stay_what_they_are():
    assert np.isfinite(logit(0.0)) and logit(0.0) == logit(LEAST)
    assert np.isnan(logit(np.nan))


@given(st.floats(0.05, 0.95), st.integers(200, 5000), st.integers(0, 2**32 - 1))
def test_the_sampling_error_is_what_drawing_examples_again_shows(quality, n, seed):
    drawn = logit(np.random.default_rng(seed).binomial(n, quality, 2000) / n)
    assert sampling_error(quality, n) == pytest.approx(drawn.std(), rel=0.25)


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_more_examples_err_less_and_no_score_is_certain(quality, n):
    assert 0 < sampling_error(quality, 4 * n) < sampling_error(quality, n) < np.inf
