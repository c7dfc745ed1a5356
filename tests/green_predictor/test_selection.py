"""What is decided on held-out tasks is not decided by chance, and more is forgiven only where it costs nothing."""

from __future__ import annotations

import numpy as np

from green_predictor.preferences import QUALITY_PRICE
from green_predictor.selection import JUDGED_BY, USELESS, Asked, _loss, regrets


def task(reached: list[float], said: list[float]) -> Asked:
    """Three recipes, each dearer than the one before, with the qualities given."""
    quality, kwh = np.array(reached), np.array([1.0, 2.0, 9.0])
    return Asked(quality, kwh, np.array(said), kwh)


def test_regret_is_none_for_perfect_predictions_and_some_for_wrong_ones():
    right, wrong = task([0.5, 0.8, 0.9], [0.5, 0.8, 0.9]), task([0.5, 0.8, 0.9], [0.9, 0.8, 0.5])
    assert regrets([right, wrong])[0] == 0 < regrets([right, wrong])[1]
    assert (regrets([]) == [0.0]).all()


def test_a_useless_choice_has_a_regret_and_no_task_decides_all():
    """Ties at the top once took quality out of the regret; a near tie made the regret of one task 12,728."""
    tied = task([0.2, 0.9, 0.9], [0.9, 0.1, 0.1])
    near = task([0.5, 0.95, 0.9501], [0.9, 0.1, 0.1])
    assert 0 < regrets([tied])[0] < 3 * QUALITY_PRICE and 0 < regrets([near])[0] < 3 * QUALITY_PRICE
    assert all(0 < _loss(JUDGED_BY[1], one) <= USELESS for one in (tied, near))


def test_somebody_who_knows_the_best_recipe_and_nothing_else_has_a_regret():
    """When only the pick among all recipes counted, luck told predictors apart: the next best may be far off."""
    rng = np.random.default_rng(0)
    quality, kwh = np.linspace(0.5, 0.9, 40), np.ones(40)
    lucky = Asked(quality, kwh, np.append(rng.permutation(quality[:-1]), 0.95), kwh)
    assert all(_loss(rule, lucky) == 0 for rule in JUDGED_BY)
    about_right = Asked(quality, kwh, quality + rng.normal(0, 0.005, 40), kwh)
    assert regrets([lucky])[0] > 4 * regrets([about_right])[0]
