"""What is recommended is near what somebody did, and no better than anybody has seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.load import load_runs
from green_predictor import domain_model, recommend
from green_predictor.nearby import neighbours
from green_predictor.recommender import model_of
from green_predictor.rows import recipe_rows

RUN = {"model": "mlp", "learning_rate": 1e-3, "epochs": 4, "batch_size": 32, "knobs": {"schedule": "cosine"}}


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({}, True),
        ({"learning_rate": 2.5e-4}, True),
        ({"learning_rate": 2.4e-4}, False),
        ({"learning_rate": 1.1e-3}, False),
        ({"epochs": 8}, True),
        ({"epochs": 8, "learning_rate": 5e-4}, False),
        ({"knobs": {}}, True),
        ({"knobs": {"schedule": "linear", "data_fraction": 0.5}}, False),
        ({"knobs": {"schedule": "cosine", "lora": 4}}, False),
        ({"model": "vit-tiny"}, False),
    ],
)
def test_a_step_away_at_most(change, near):
    rows = recipe_rows([{**RUN, **change}], [(0, 4)])
    assert neighbours(rows, [RUN]).near.tolist() == [near]


def test_a_width_is_a_number_once_some_run_of_the_architecture_turned_it():
    """Four times the width was recommended where half the width was all that anybody had tried."""
    half, plain, twice, four_times = ({**RUN, "knobs": {"width": w} if w != 1 else {}} for w in (0.5, 1, 2, 4))
    rows = recipe_rows([half, plain, twice, four_times], [(i, 4) for i in range(4)])
    assert neighbours(rows, [half, plain]).near.tolist() == [True, True, True, False]
    assert neighbours(rows, [plain]).near.tolist() == [False, True, False, False], "it may not even have a width"


def test_a_rate_between_those_that_were_tried_is_near():
    rows = recipe_rows([{**RUN, "learning_rate": rate} for rate in (2e-3, 4e-3, 5e-3)], [(i, 4) for i in range(3)])
    assert neighbours(rows, [RUN, {**RUN, "learning_rate": 4e-3}]).near.tolist() == [True, True, False]


def test_a_rate_tried_with_one_optimizer_says_nothing_of_another():
    """Once RMSprop was recommended at a rate that only AdamW had been tried with: it learned nothing."""
    tried = [{**RUN, "learning_rate": 3e-2}, {**RUN, "knobs": {"optimizer": "rmsprop"}}]
    asked = [(3e-2, "adamw"), (3e-2, "rmsprop"), (2e-3, "rmsprop"), (1e-3, "rmsprop"), (1e-3, "sgd")]
    rows = recipe_rows(
        [{**RUN, "learning_rate": rate, "knobs": {"optimizer": name}} for rate, name in asked],
        [(i, 4) for i in range(len(asked))],
    )
    assert neighbours(rows, tried).near.tolist() == [True, False, False, True, False]


def test_a_recipe_is_tried_on_as_many_tasks_as_ran_it_and_hardly_by_runs_of_others():
    other = {**RUN, "knobs": {"schedule": "linear"}}
    runs = [{**RUN, "dataset": name} for name in ("a", "a", "b", "c")] + [{**other, "dataset": "d"}]
    near_one = {**RUN, "learning_rate": 0.9e-3}
    rows = recipe_rows(
        [RUN, other, near_one, {**RUN, "epochs": 8}, {**RUN, "model": "vit-tiny"}], [(i, 4) for i in range(5)]
    )
    same, others, close, far, strange = neighbours(rows, runs).tasks
    assert 3 <= same < 3.1 and 1 <= others < 1.2, "seeds of one task are one task"
    assert 2 < close < same and far < 0.1 and strange == 0


@given(st.lists(st.floats(0, 40), min_size=2, max_size=6))
def test_of_recipes_that_promise_the_same_the_best_tried_is_preferred(tried):
    model, tried = model_of("recsys"), np.sort(np.array(tried, np.float32))
    y = np.zeros((len(tried), 3), np.float32)
    quality, *costs = domain_model.cautious(model, y, tried, "unseen").T
    assert (np.diff(quality) >= 0).all() and (quality < 0).all()
    assert all((np.diff(cost) <= 0).all() and (cost > 0).all() for cost in costs)
    known = domain_model.cautious(model, y, tried, "seen")[:, 0]
    assert (quality < known).all() and (known < 0).all(), "less is in doubt where the task has runs"


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_every_pick_on_every_known_task_is_near_a_run_and_within_what_was_ever_reached(domain):
    table = load_runs(domain)
    runs = model_of(domain).runs
    best_anywhere = max(q for q in table["quality_validation"].to_pylist() if q is not None)
    for dataset in sorted(set(table["dataset"].to_pylist())):
        answer = recommend(domain=domain, dataset=dataset, max_quality_loss=0.02)
        fields = answer.best.recipe.model_dump()
        assert neighbours(recipe_rows([fields], [(0, fields["epochs"])]), runs).near.all(), answer.command
        tried = max(run["learning_rate"] for run in runs if run["model"] == fields["model"])
        assert fields["learning_rate"] <= tried * 1.001, answer.command
        assert answer.best.quality <= 0.5 * (1 + best_anywhere)
        assert np.isfinite(answer.best.energy_kwh)


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
@pytest.mark.parametrize("facts", [{"n_train": 2000}, {"n_train": 20_000, "n_classes": 5}, {"n_train": 1_000_000}])
def test_of_a_task_of_which_little_is_said_all_that_is_near_a_run_may_be_recommended(domain, facts):
    """Once 4 of 10,000 candidates were left: how strange the task is was held against most of its recipes."""
    known = load_runs(domain)["dataset"][0].as_py()
    usual = recommend(domain=domain, dataset=known, max_quality_loss=0.01).choosable.sum()
    answer = recommend(domain=domain, dataset=facts, max_quality_loss=0.01)
    assert answer.choosable.sum() > 0.5 * usual
    if facts["n_train"] == 2000:
        assert answer.support.level != "far", "trainings of that length were run"
