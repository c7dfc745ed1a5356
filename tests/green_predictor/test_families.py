"""Each family learns what it should, and its NumPy evaluation is what was fitted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from green_predictor.families import FAMILIES, boosting, linear, oblivious


def curved(n: int, seed: int):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)).astype(np.float32)
    y = np.stack([x[:, 0] + np.sin(2 * x[:, 1]), x[:, 2] * (x[:, 3] > 0), x[:, 0]], axis=1)
    return x, (y + 0.05 * rng.normal(size=y.shape)).astype(np.float32)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_beats_the_mean_on_unseen_rows_and_is_deterministic(name):
    x, y = curved(1500, 0)
    x_new, y_new = curved(200, 1)
    family, weight = FAMILIES[name], np.ones(1500)
    arrays = family.fit(x, y, weight, 0, 10.0)
    error = np.abs(family.predict(arrays, x_new) - y_new).mean(0)
    assert (error < 0.9 * np.abs(y_new - y.mean(0)).mean(0)).all()
    again = family.fit(x, y, weight, 0, 10.0)
    assert all(np.array_equal(arrays[k], again[k]) for k in arrays)
    assert all(isinstance(v, np.ndarray) and v.dtype.kind in "fi" for v in arrays.values())


@pytest.mark.parametrize("name", ["kernel", "boosting", "forest", "random_features"])
def test_what_bends_is_learned_better_than_by_a_line(name):
    x, y = curved(600, 2)
    x_new, y_new = curved(300, 3)
    line = np.abs(linear.predict(linear.fit(x, y, np.ones(600)), x_new) - y_new).mean()
    family = FAMILIES[name]
    assert np.abs(family.predict(family.fit(x, y, np.ones(600), 0, 1.0), x_new) - y_new).mean() < line


def test_ridge_is_scikit_learns():
    x, y = curved(80, 4)
    weight = np.linspace(0.5, 1.5, 80)
    theirs = Ridge(alpha=3.0).fit(x, y, sample_weight=weight / weight.mean())
    ours = linear.fit(x, y, weight, strength=3.0)
    np.testing.assert_allclose(linear.predict(ours, x), theirs.predict(x), atol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_line_of_a_target_hangs_only_on_what_it_is_free_to_use(name):
    x, y = curved(300, 6)
    free = np.ones((6, 3), bool)
    free[2, 1:] = False
    arrays = FAMILIES[name].fit(x, y, np.ones(300), 0, 10.0, free)
    line = arrays["coefficients"]
    assert (line[2, 1:] == 0).all() and (line[free] != 0).all()
    alone = linear.fit(x[:, [0, 1, 3, 4, 5]], y[:, 1:], np.ones(300))
    np.testing.assert_allclose(line[[0, 1, 3, 4, 5], 1:], alone["coefficients"], atol=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 3), st.sampled_from([1, 12, 80]))
def test_oblivious_trees_are_evaluated_as_written(seed, trees, depth, rows):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    features = rng.integers(0, 5, (trees, depth)).astype(np.int32)
    thresholds = rng.normal(size=(trees, depth)).astype(np.float32)
    values = rng.normal(size=(trees, 2**depth, 2)).astype(np.float32)
    expected = np.zeros((rows, 2), np.float32)
    for i, row in enumerate(x):
        for tree in range(trees):
            leaf = 0
            for level in range(depth):
                leaf = 2 * leaf + int(row[features[tree, level]] > thresholds[tree, level])
            expected[i] += values[tree, leaf]
    made = oblivious.predict({"features": features, "thresholds": thresholds, "values": values}, x)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_targets_that_hang_on_other_features_have_trees_of_their_own():
    x, y = curved(300, 5)
    free = np.ones((6, 3), bool)
    free[2, 1:] = False
    arrays = boosting.fit(x, y, np.ones(300), 0, 10.0, free)
    adds = {tuple(row) for row in (arrays["values"] != 0).any(1)}
    assert adds == {(True, False, False), (False, True, True)}
    others = arrays["features"][(arrays["values"][:, :, 1] != 0).any(1)]
    assert 2 not in others, "their trees ask for what they may hang on only"
    alone = boosting.fit(x, y[:, :1], np.ones(300), 0, 10.0)
    np.testing.assert_allclose(boosting.predict(arrays, x)[:, :1], boosting.predict(alone, x), atol=1e-5)
