"""The cost before learning: it adds up what it says, and prices follow the runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor import physics, targets
from green_predictor.rows import recipe_rows


def a_row(**changes):
    record = {
        "epochs": 4, "batch_size": 10, "learning_rate": 1e-3, "n_train": 1000, "n_validation": 100,
        "flops_per_sample": 1e6, "n_trainable_parameters": 500, "n_linear_layers": 3, **changes,
    }  # fmt: skip
    return recipe_rows([record], [(0, float(record["epochs"]))])


def test_each_term_is_counted_as_it_is_named():
    (made,) = physics.quantities(a_row())
    steps = 4 * 1000 / 10
    assert made == pytest.approx([4 * 3000 * 1e6, 4 * 100 * 1e6, steps * 500, steps * 4, 4 * 1100, 4, 1, 0, 0])
    assert len(made) == len(physics.TERMS) == len(physics.PRICES)


SCORE, FAR = (physics.TERMS.index(name) for name in ("item score", "far item score"))


def test_a_recommender_is_trained_on_the_scores_of_all_items_at_every_place():
    small, large = (physics.quantities(a_row(sequence_length=32, n_items=n))[0] for n in (300, 9000))
    assert small[SCORE] == 4 * 1000 * 32 * 300 and large[SCORE] == 30 * small[SCORE]
    assert (small[:SCORE] == large[:SCORE]).all()


def test_scores_cost_more_where_those_of_a_batch_do_not_fit_into_the_cache():
    rows = [a_row(sequence_length=32, n_items=9000, batch_size=size) for size in (16, 64, 256)]
    fits, some, most = (physics.quantities(row)[0] for row in rows)
    assert fits[FAR] == 0 < some[FAR] < most[FAR] < most[SCORE] == fits[SCORE]


@given(st.floats(0.1, 1e4), st.integers(1, 512))
def test_no_more_places_are_filled_than_there_are_and_more_where_sequences_are_longer(mean, places):
    some, more = physics.filled(np.array([places, places]), np.array([mean, 2 * mean]))
    assert 0 < some <= more <= places and some <= mean * (1 + 1e-9)
    assert physics.filled(np.array([places]), np.array([np.nan])) == places


def test_the_mean_length_of_histories_follows_from_users_and_interactions():
    told, untold, full = (
        physics.quantities(a_row(sequence_length=50, n_items=500, n_users=1000, **more))[0][SCORE]
        for more in ({"mean_length": 10.0}, {"n_interactions": 10_000}, {})
    )
    assert told == pytest.approx(untold) and untold < 0.25 * full


def test_unknown_columns_leave_the_terms_that_are_known():
    assert np.isfinite(
        physics.log_cost(recipe_rows([{"epochs": 1, "batch_size": 1}], [(0, 1.0)]), physics.PRICES)
    ).all()


@pytest.mark.parametrize("more", [{"epochs": 8}, {"n_train": 2000}, {"flops_per_sample": 1e8}, {"batch_size": 5}])
def test_more_of_anything_costs_more(more):
    assert physics.log_cost(a_row(**more), physics.PRICES) > physics.log_cost(a_row(), physics.PRICES)


def test_prices_are_found_again_from_costs_made_with_them():
    rng = np.random.default_rng(0)
    records = [
        {
            "epochs": int(rng.integers(1, 20)), "batch_size": int(rng.integers(1, 200)), "learning_rate": 1e-3,
            "n_train": int(10 ** rng.uniform(2, 5)), "flops_per_sample": 10 ** rng.uniform(2, 9),
            "n_trainable_parameters": int(10 ** rng.uniform(2, 7)), "n_linear_layers": int(rng.integers(1, 30)),
        }
        for _ in range(300)
    ]  # fmt: skip
    rows = recipe_rows(records, [(i, float(r["epochs"])) for i, r in enumerate(records)])
    true = (3.0, 2.0, 5.0, 2e5, 3e4, 5e7, 2e8, 100.0, 50.0)
    truth = physics.log_cost(rows, true)
    found = physics.log_cost(rows, physics.fit_prices(rows, truth - 30, np.ones(300)))
    before = physics.log_cost(rows, physics.PRICES)
    assert np.std(found - truth) < 0.4 * np.std(before - truth)


def test_on_real_runs_fitted_prices_explain_energy_better_than_flops(snapshot):
    for domain in ("cv", "nlp"):
        data = targets.prepare([r for r in snapshot if r["domain"] == domain])
        last = data.subset(data.last)
        energy = np.log([data.records[i]["energy_kwh"] for i in last.run])
        flops = np.log(physics.quantities(last.rows)[:, 0])
        assert np.std(energy - physics.log_cost(last.rows, data.reference.prices)) < np.std(energy - flops)
