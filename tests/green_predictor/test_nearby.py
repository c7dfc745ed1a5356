"""What is recommended is near what somebody did, and no better than anybody has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.load import load_runs
from green_predictor import domain_model, recommend
from green_predictor.candidates import from_recipes
from green_predictor.hardware import machine
from green_predictor.nearby import OWN, Neighbours, neighbours
from green_predictor.observed import observed_training
from green_predictor.recipe_effect import cautious, with_own
from green_predictor.recommender import model_of
from green_predictor.rows import recipe_rows
from green_predictor.tasks import task_record
from green_predictor.told_by_runs import neighbours_of

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
    near_one, far_one = {**RUN, "learning_rate": 0.8e-3}, {**RUN, "epochs": 9}
    rows = recipe_rows([RUN, other, near_one, far_one, {**RUN, "model": "vit-tiny"}], [(i, 4) for i in range(5)])
    same, others, close, far, strange = neighbours(rows, runs).tried
    assert 3 <= same < 4 and 1 <= others < same, "seeds of one task are one task"
    assert 2 < close < same and far < 0.2 and strange == 0


def test_a_run_on_the_task_itself_counts_as_runs_on_some_others():
    rows = recipe_rows([{**RUN, "dataset": "mine"}], [(0, 4)])
    (elsewhere,) = neighbours(rows, [{**RUN, "dataset": "other"}]).tried
    (here,) = neighbours(rows, [{**RUN, "dataset": "mine"}]).tried
    assert elsewhere == 1 and here == OWN > 1


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(-3, 3))
def test_a_recipe_is_believed_to_be_better_the_more_tasks_it_was_better_on(above, more):
    rows = recipe_rows([RUN], [(0, 4)])

    def better(values):
        runs = [{**RUN, "dataset": f"task {i}"} for i in range(len(values))]
        return float(neighbours(rows, runs, np.array(values)).better[0])

    assert better(above) == pytest.approx(sum(above) / (1 + len(above)), abs=1e-5)
    assert better([more]) == pytest.approx(more / 2, abs=1e-5), "one task may be luck"
    assert abs(better([more] * 20)) >= abs(better([more]))
    assert float(neighbours(rows, [RUN]).better[0]) == 0, "nothing is known of what was predicted"
    far = recipe_rows([{**RUN, "model": "vit-tiny"}], [(0, 4)])
    assert float(neighbours(far, [RUN], np.array([more])).better[0]) == 0


@given(st.lists(st.floats(0, 40), min_size=2, max_size=6))
def test_of_recipes_that_promise_the_same_the_best_tried_is_preferred(tried):
    model, tried = model_of("recsys"), np.sort(np.array(tried, np.float32))
    y = np.zeros((len(tried), 3), np.float32)
    there = Neighbours(np.ones(len(tried), bool), tried, np.zeros(len(tried), np.float32))
    quality, *costs = cautious(model, y, there, "unseen").T
    assert (np.diff(quality) >= 0).all() and (quality < 0).all()
    assert all((np.diff(cost) <= 0).all() and (cost > 0).all() for cost in costs)
    known = cautious(model, y, there, "seen")[:, 0]
    assert (quality < known).all() and (known < 0).all(), "less is in doubt where the task has runs"
    good = with_own(y, replace(there, better=np.full(len(tried), 0.5, np.float32)))
    assert np.allclose(cautious(model, good, there, "unseen").T, [quality + 0.5, *costs])


def test_many_alike_recipes_of_one_task_are_one_task():
    """Each once counted as a task of its own: ten runs of one task around a recipe made it as sure as ten tasks."""
    around = [{**RUN, "dataset": "a", "learning_rate": 1e-3 * 1.01**i} for i in range(-5, 6)]
    rows = recipe_rows([RUN], [(0, 4)])
    crowd = neighbours(rows, around, np.full(len(around), 0.4))
    (tried,), (better,) = crowd.tried, crowd.better
    assert tried == 1 and better == pytest.approx(0.2), "one task at 0.4, and one more at nothing"


def test_runs_that_somebody_observed_to_the_end_count_as_runs_on_the_task():
    model = model_of("cv")
    task = {**task_record(model.runs, "cv", {"n_train": 1_500, "n_classes": 10, "image_size": 8}), "dataset": "mine"}
    mine = {"model": "resnet-tiny", "epochs": 5, "batch_size": 32, "learning_rate": 1e-3}
    rows = from_recipes(model.runs, "cv", task, machine(model.runs, "Genoa").columns, [mine])

    def of(seen):
        known = domain_model.evidence(model, "mine", seen)
        return neighbours_of(model, rows, known, domain_model.raw_predict(model, rows, known), seen)

    alone = of(None)

    def after(**made):
        run = {**mine, "quality": 0.99, "energy_kwh": 1e-6, "duration_s": 5.0, **made}
        return of(observed_training([run], model, "cv", task, machine(model.runs, "Genoa")))

    assert after().tried == alone.tried + OWN and after().better > alone.better
    curves = {"curve_validation_quality": [0.99], "curve_energy_kwh": [1e-6], "curve_duration_s": [1.0]}
    assert after(status="interrupted", **curves).tried == alone.tried, "a beginning says little of the end"


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
