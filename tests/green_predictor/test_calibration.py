"""Intervals cover what they say, and a few runs on a task teach its offset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor import calibration
from green_predictor.fit_domain import fit_domain
from green_predictor.probe_calibration import RIGIDITIES, least_left


def test_group_quantiles_cover_new_groups():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        offsets = rng.normal(size=40)
        residual = offsets.repeat(20)[:, None] + 0.5 * rng.normal(size=(800, 1))
        low, high = calibration.group_quantiles(residual, np.arange(40).repeat(20))
        new = rng.normal(size=200)[:, None] + 0.5 * rng.normal(size=(200, 1))
        covered.append(np.mean((new >= low) & (new <= high)))
    assert 0.86 < np.mean(covered) < 0.94


def test_groups_weigh_the_same_however_many_rows_they_have():
    residual = np.concatenate([np.zeros(1000), np.full(10, 5.0)])[:, None]
    group = np.concatenate([np.zeros(1000), np.ones(10)])
    assert calibration.group_quantiles(residual, group)[1, 0] == 5.0


def test_the_fewer_groups_are_known_the_wider_is_the_interval_of_a_new_one():
    factors = [calibration.few_groups(count) for count in (2, 3, 5, 12, 40, 100_000)]
    assert all(np.diff(factors) < 0) and factors[-1] == pytest.approx(1, abs=1e-4) and 1.05 < factors[3] < 1.15
    assert calibration.few_groups(1) == factors[0], "of one group nothing follows; two say the least there is"


def test_intervals_of_tasks_never_seen_or_only_probed_are_widened_for_how_few_tasks_are_known(snapshot, monkeypatch):
    runs = [r for r in snapshot if r["dataset"] in ("digits", "digits-parity", "digits-0to4")][::4]

    def widths():
        quantiles = fit_domain("cv", runs, families=["linear"]).quantiles
        return {basis: float(np.ptp(quantiles[basis][:, 1])) for basis in ("seen", "unseen", "probe:1")}

    wide = widths()
    monkeypatch.setattr(calibration, "few_groups", lambda count: 1.0)
    plain = widths()
    assert wide["seen"] == plain["seen"] and wide["unseen"] >= plain["unseen"]
    assert wide["probe:1"] > 1.5 * plain["probe:1"], "of three tasks: 2.92 instead of 1.64 standard deviations"


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0, 1))
def test_weighted_quantile_is_the_plain_one_for_equal_weights(values, share):
    found = calibration.weighted_quantile(np.array(values), np.ones(len(values)), share)
    assert found in values
    assert np.mean(np.array(values) <= found) >= share - 1e-9


def test_one_run_moves_the_offset_by_what_tasks_differ_more_than_runs():
    x = np.zeros((1, 3), np.float32)
    for between, within, expected in ((9.0, 1.0, 0.9), (1.0, 1.0, 0.5)):
        made = calibration.local_correction(
            x, np.ones((1, 1)), np.ones(1), np.array([between]), np.array([within]), np.array([10.0])
        )
        assert calibration.apply_correction(made, x)[0, 0] == pytest.approx(expected, abs=0.01)


def test_many_runs_teach_slopes_too():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype(np.float32)
    residual = (2 + x @ np.array([1.0, 0, -1]))[:, None]
    one, noise = np.ones(2), np.full(2, 0.1)
    both = np.hstack([residual, residual])
    made = calibration.local_correction(x, both, np.ones(300), one, noise, np.array([1.0, 1e9]))
    np.testing.assert_allclose(calibration.apply_correction(made, x)[:, :1], residual, atol=0.1)
    assert np.abs(made[1:, 1]).max() < 1e-3, "each target has a rigidity of its own"


def test_each_target_follows_a_few_runs_as_far_as_it_pays():
    """What two epochs show of a recipe's energy lasts, what they show of its quality beside others does not."""
    errors = {r: np.full((8, 3), 1.0) for r in RIGIDITIES}
    errors[RIGIDITIES[-1]][:, 0] = 0.5
    errors[RIGIDITIES[1]][:, 1:] = 0.2
    best, left = least_left(errors, np.ones(8))
    assert best.tolist() == [RIGIDITIES[-1], RIGIDITIES[1], RIGIDITIES[1]]
    assert left[0].tolist() == [0.5, 0.2, 0.2]
    errors[RIGIDITIES[-1]][4:, 0] = 9.0
    judged = (np.arange(8) < 4).astype(float)
    assert least_left(errors, judged)[0][0] == RIGIDITIES[-1] and least_left(errors, np.ones(8))[0][0] != RIGIDITIES[-1]


def test_leverage_grows_with_distance_and_is_small_in_the_middle():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)).astype(np.float32)
    factor = calibration.leverage_factor(x, np.ones(200))
    near, far = calibration.leverage(factor, np.array([[0, 0, 0, 0], [9, 9, 9, 9]], np.float32))
    assert near == 0 and far > 10 * calibration.leverage(factor, x).mean()
    assert calibration.leverage(factor, x[:1], 20.0) == pytest.approx(calibration.leverage(factor, x[:1]) + 2.0)


def test_errors_count_in_smaller_units_where_more_is_known_of_a_task():
    unit = calibration.unit
    assert unit(0.9, 10_000) < unit(0.9, 1000) < unit(0.9, 100), "more validation examples"
    assert unit(0.7, 1000) < unit(0.97, 1000), "farther from solved"
    assert unit(0.9, np.nan) == unit(0.9, calibration.TYPICAL_VALIDATION) == unit(0.9, 0)


def test_intervals_of_quality_alone_are_wider_where_a_score_says_little():
    near, far = calibration.widths(np.array([0.0, 3.0]), np.array([0.9, 0.9]), np.array([100.0, 100.0]))
    np.testing.assert_allclose(far, 2 * near)
    wide, narrow = calibration.widths(np.zeros(2), np.array([0.9, 0.9]), np.array([100.0, 10_000.0]))
    assert wide[0] > narrow[0] and (wide[1:] == narrow[1:]).all()
