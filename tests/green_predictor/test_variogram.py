"""Errors of alike recipes are alike, and count in units of their task."""

from __future__ import annotations

import numpy as np

from green_predictor.variogram import typical_difference, variogram


def test_errors_of_alike_recipes_differ_less_and_repeats_do_not_count():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    smooth = x[:, 0] + 0.01 * rng.normal(size=300)
    group = np.repeat(["a", "b", "c"], 100)
    level = np.repeat([0.0, 5.0, -5.0], 100)
    knots, typical = variogram(x, smooth + level, group)
    assert (np.diff(knots) > 0).all() and (np.diff(typical) >= 0).all()
    assert typical[-1] > 3 * typical[0], "far ones differ more; the level of a group is no difference"
    twice = variogram(np.vstack([x, x]), np.append(smooth + level, smooth + level + 9), np.tile(group, 2))
    assert twice[1][0] > typical[0], "pairs with the other half are counted, but not a recipe with itself"
    assert variogram(x[:3], smooth[:3], np.array(["a", "b", "c"])).shape == (2, 1)
    alike = variogram(np.repeat(x[:1], 5, 0), np.arange(5.0), np.repeat("a", 5))
    assert (alike == 0).all(), "repeats say nothing of how recipes differ"


def test_between_its_knots_a_variogram_is_a_line():
    knots = np.array([[0.0, 2.0], [1.0, 3.0]])
    x = np.array([[0.0, 0.0], [3.0, 4.0], [0.6, 0.8]])
    np.testing.assert_allclose(typical_difference(knots, x, np.zeros(2)), [1.0, 3.0, 2.0])
