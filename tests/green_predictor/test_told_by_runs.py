"""On a task with runs, alike recipes steady each other: of a jump in what is predicted nobody should make a choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.load import load_runs
from green_predictor import GreenPredictor, domain_model, recommend
from green_predictor.candidates import design, from_recipes
from green_predictor.hardware import machine
from green_predictor.nearby import ALIKE, ITSELF, neighbours
from green_predictor.recommender import model_of
from green_predictor.rows import recipe_rows
from green_predictor.source import SHIPPED_MODEL
from green_predictor.targets import QUALITY
from green_predictor.tasks import known_tasks, task_record
from green_predictor.threads import on_count
from green_predictor.told_by_runs import neighbours_of

RUN = {"model": "mlp", "learning_rate": 1e-3, "epochs": 4, "batch_size": 32, "dataset": "a"}


def steadied(said, runs, of_runs):
    rows = recipe_rows([RUN], [(0, 4)])
    return float(neighbours(rows, runs, None, (np.array([said], float), np.array(of_runs, float))).better[0])


@given(st.floats(-3, 3), st.lists(st.tuples(st.floats(-3, 3), st.floats(0.3, 1.0)), min_size=1, max_size=5))
def test_what_is_said_moves_towards_what_is_said_of_alike_recipes_and_never_past_them(said, alike):
    runs = [{**RUN, "learning_rate": 1e-3 * factor} for _, factor in alike]
    of_runs = [figure for figure, _ in alike]
    moved = said + steadied(said, runs, of_runs)
    assert min(said, *of_runs) - 1e-4 <= moved <= max(said, *of_runs) + 1e-4


def test_the_more_tasks_an_alike_recipe_was_run_on_the_more_it_counts():
    on = [[{**RUN, "dataset": f"task {i}"} for i in range(n)] for n in (1, 4, 12)]
    moved = [steadied(0.0, runs, [1.0] * len(runs)) for runs in on]
    assert moved == pytest.approx([n / (ITSELF + n) for n in (1, 4, 12)], abs=1e-5)
    seeds = [RUN] * 5
    assert steadied(0.0, seeds, [1.0] * 5) == pytest.approx(moved[0]), "seeds of one task are one task"


def test_recipes_that_are_far_or_of_a_task_described_otherwise_steady_nothing():
    far = {**RUN, "learning_rate": 1e-3 / 4 ** (2 * ALIKE)}
    assert steadied(0.0, [far, {**RUN, "model": "vit-tiny"}], [1.0, 1.0]) == 0
    assert steadied(np.nan, [RUN], [1.0]) == 0
    assert steadied(0.0, [{**RUN, "learning_rate": None}], [1.0]) == 0, "it may have had any rate"


def test_of_recipes_that_differ_in_what_is_no_distance_the_mean_counts():
    both = [RUN, {**RUN, "weight_decay": 0.1}]
    one, other = steadied(0.0, both, [1.0, 0.0]), steadied(0.0, both, [0.0, 1.0])
    assert one == pytest.approx(other) and one > 0


def test_after_the_first_epoch_as_much_is_expected_as_trainings_showed():
    """What is said of the end of alike recipes once pulled up what was said of the beginning of this one."""
    some = [run for run in load_runs("cv").to_pylist() if run["status"] == "completed" and run["epochs"] >= 3][::25]
    said = GreenPredictor.load(SHIPPED_MODEL).predict([{**run, "epoch": 1} for run in some])
    shown = np.array([run["curve_validation_quality"][0] for run in some])
    assert abs(float(np.mean(said["quality"].to_numpy() - shown))) < 0.03


def _better(model, dataset, task, recipe):
    rows = from_recipes(model.runs, "recsys", task, machine(model.runs, "Genoa").told, [recipe])
    known = domain_model.evidence(model, dataset)
    y = domain_model.raw_predict(model, rows, known)
    alone = neighbours(rows, model.runs, model.unexplained).better[0]
    return float(neighbours_of(model, rows, known, y).better[0] - alone)


def test_only_a_task_with_runs_that_is_described_as_they_are_is_steadied():
    model = model_of("recsys")
    task = task_record(model.runs, "recsys", "movielens_100k")
    run = next(r for r in model.runs if r["model"] == "gru4rec" and not r.get("knobs"))
    recipe = {name: run[name] for name in ("model", "epochs", "batch_size", "learning_rate")}
    assert _better(model, "movielens_100k", task, recipe) != 0
    assert _better(model, None, {**task, "dataset": "mine"}, recipe) == 0
    assert _better(model, "movielens_100k", {**task, "n_train": 10 * task["n_train"]}, recipe) == 0
    assert _better(model, "movielens_100k", {**task, "majority_quality": 0.9}, recipe) == 0
    sparse = {name: value for name, value in task.items() if name in ("dataset", "n_train")}
    assert _better(model, "movielens_100k", sparse, recipe) == 0


def test_what_is_expected_of_candidates_jumps_less_than_what_the_model_says():
    """One recipe of six epochs once promised most on ten of twelve tasks; the same with five promised far less."""
    model = model_of("recsys")
    task = task_record(model.runs, "recsys", "movielens_100k")
    rows = design(model.runs, "recsys", task, machine(model.runs, "Genoa").told, 10_000)
    known = domain_model.evidence(model, "movielens_100k")
    y = domain_model.raw_predict(model, rows, known)
    there = neighbours_of(model, rows, known, y)
    best = np.argsort(-np.where(there.near, y[:, QUALITY], -np.inf))[:20]
    unsteadied = neighbours(rows.take(best), model.runs, model.unexplained).better
    assert np.mean(there.better[best] - unsteadied) < -0.01, "the highest are the luckiest"


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_an_answer_and_a_prediction_of_its_recipe_agree(domain):
    predictor, compared = GreenPredictor.load(SHIPPED_MODEL), 0
    for dataset in known_tasks(predictor.domains_[domain].runs):
        answer = recommend(domain=domain, dataset=dataset, max_quality_loss=0.02, hardware="Genoa")
        if answer.evidence.lowered:  # an answer moves all candidates of a task together
            continue
        recipe = answer.best.recipe
        there = on_count(answer.machine.told, recipe.knobs["cpu_threads"])
        said = predictor.predict([{**there, **recipe.model_dump()}])
        assert said["quality"][0] == pytest.approx(answer.best.quality, abs=1e-4)
        compared += 1
    assert compared >= 3
