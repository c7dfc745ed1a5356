"""What is decided on held-out tasks is not decided by chance, and more is forgiven only where it costs nothing."""

from __future__ import annotations

import numpy as np

from green_predictor.preferences import QUALITY_PRICE
from green_predictor.selection import (
    JUDGED_BY,
    MORE_SLACK,
    USELESS,
    Asked,
    _loss,
    least_caution,
    regrets,
    slack_seen,
)

APART = np.array([[0.0, 1.0], [3.0, 3.0]])
LEAST = 0.1


def task(reached: list[float], said: list[float], n_validation: float = 1000) -> Asked:
    """Three recipes, each dearer than the one before, with the qualities given; they are unlike each other."""
    quality, kwh = np.array(reached), np.array([1.0, 2.0, 9.0])
    return Asked(quality, quality, kwh, np.array(said), kwh, np.arange(3.0)[:, None], n_validation)


def test_caution_is_taken_only_where_it_helps_beyond_chance():
    plain = np.random.default_rng(0).uniform(1, 2, 12)
    assert least_caution({0.0: plain, 1.0: plain - 0.5, 2.0: plain - 0.4}) == 1.0, "it helps on every task"
    assert least_caution({0.0: plain, 1.0: plain - 0.001, 2.0: plain + 1}) == 0.0, "by next to nothing"
    lucky = plain.copy()
    lucky[3] -= 0.9
    assert least_caution({0.0: plain, 1.0: lucky, 2.0: plain}) == 0.0, "on one task of twelve"


def test_where_the_cheap_ones_are_as_good_all_is_forgiven():
    assert slack_seen([task([0.90, 0.90, 0.90], [0.80, 0.85, 0.90])] * 5, APART, LEAST) == max(MORE_SLACK)


def test_where_the_cheap_ones_are_worse_no_more_is_forgiven_than_anywhere():
    assert slack_seen([task([0.60, 0.70, 0.90], [0.80, 0.85, 0.90])] * 5, APART, LEAST) == LEAST
    assert slack_seen([], APART, LEAST) == LEAST


def test_more_slack_that_happens_to_do_better_again_is_not_believed():
    better_cheapest = task([0.90, 0.60, 0.90], [0.83, 0.86, 0.90])
    kept = [better_cheapest.kept(JUDGED_BY[0], slack, APART) for slack in MORE_SLACK]
    assert kept[0] < 0.99 and kept[-1] == 1.0, "the middle is bad, the far end good again"
    assert slack_seen([better_cheapest], APART, LEAST) == LEAST


def test_a_larger_validation_set_forgives_less():
    few, many = (task([0.5, 0.9, 0.9], [0.86, 0.88, 0.90], n) for n in (60, 1_000_000_000))
    kept_few, kept_many = (one.kept(JUDGED_BY[0], max(MORE_SLACK), APART) for one in (few, many))
    assert kept_few < kept_many == 1.0


def test_regret_is_none_for_perfect_predictions_and_some_for_wrong_ones():
    right, wrong = task([0.5, 0.8, 0.9], [0.5, 0.8, 0.9]), task([0.5, 0.8, 0.9], [0.9, 0.8, 0.5])
    assert regrets([right, wrong])[0] == 0 < regrets([right, wrong])[1]
    assert (regrets([]) == [0.0]).all()


def test_a_useless_choice_has_a_regret_and_no_task_decides_all():
    """Ties at the top once took quality out of the regret; a near tie made the regret of one task 12,728."""
    tied = task([0.2, 0.9, 0.9], [0.9, 0.1, 0.1])
    near = task([0.5, 0.95, 0.9501], [0.9, 0.1, 0.1])
    assert 0 < regrets([tied])[0] < 3 * QUALITY_PRICE and 0 < regrets([near])[0] < 3 * QUALITY_PRICE
    assert all(0 < _loss(JUDGED_BY[1], one.quality, one.energy, 0) <= USELESS for one in (tied, near))
