"""What can be recommended: recipes that somebody ran, and a design around them, each once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.knobs import DOMAINS
from green_predictor import candidates
from green_predictor.features import feature_matrix
from green_predictor.hardware import machine
from green_predictor.nearby import neighbours
from green_predictor.recommender import model_of
from green_predictor.rows import knobs_of
from green_predictor.tasks import known_tasks, task_record


@pytest.fixture(scope="module", params=["cv", "nlp", "recsys"])
def asked(request):
    runs = model_of(request.param).runs
    task = task_record(runs, request.param, runs[0]["dataset"])
    return request.param, runs, task, machine(runs).columns


def recipes(rows, domain):
    return [candidates.recipe_of(rows, i, domain) for i in range(len(rows))]


@pytest.mark.parametrize("count", [1, 10, 500, 3000])
def test_exactly_so_many_candidates_each_once(asked, count):
    domain, runs, task, target = asked
    found = recipes(candidates.design(runs, domain, task, target, count), domain)
    assert len(found) == count
    assert len({recipe.recipe_id for recipe in found}) > 0.98 * count, "rates are rounded in a recipe"


def test_what_was_run_on_any_task_can_be_recommended_on_this_one(asked):
    """Once what leads everywhere was a candidate only where its rate happened to be a level of the design."""
    domain, runs, task, target = asked
    rows = candidates.design(runs, domain, task, target)
    made = {(r.model, r.epochs, r.batch_size, f"{r.learning_rate:.3g}", str(r.knobs)) for r in recipes(rows, domain)}
    elsewhere = [r for r in runs if r["dataset"] != task["dataset"] and not r.get("knobs")]
    tried = {(r["model"], r["epochs"], r["batch_size"], f"{r['learning_rate']:.3g}", "{}") for r in elsewhere}
    assert tried <= made
    assert neighbours(rows, runs).near.sum() >= len(tried)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 400), st.integers(0, 99))
def test_a_design_is_drawn_in_full_each_once_and_half_of_it_without_knobs(plain, others, count, seed):
    drawn = candidates._drawn(plain, plain + others, count, np.random.default_rng(seed))
    assert (np.diff(drawn) > 0).all() and len(drawn) == min(count, plain + others)
    assert not len(drawn) or 0 <= drawn[0] <= drawn[-1] < plain + others
    without = int((drawn < plain).sum())
    assert without >= min(plain, (count + 1) // 2) and len(drawn) - without >= min(others, count // 2)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_candidate_looks_to_the_model_as_a_run_of_the_same_recipe_does(domain):
    """Images made smaller by a knob once counted as a task of smaller images, halved data as whole, and a frozen
    network as one that learns: runs said otherwise."""
    model = model_of(domain)
    told = machine(model.runs, "Genoa").told
    for dataset in known_tasks(model.runs):
        mine = [i for i, run in enumerate(model.runs) if run["dataset"] == dataset and not _odd(run, domain)]
        task = task_record(model.runs, domain, dataset)
        rows = candidates.from_recipes(model.runs, domain, task, told, [_recipe(model.runs[i]) for i in mine])
        again, which = candidates.of_runs(model.runs, domain, task, told)
        ours = [i for i, name in enumerate(model.spec.names) if not {"gflops", "seconds"} & set(name.split("_"))]
        listed = feature_matrix(rows, model.spec)[:, ours]
        np.testing.assert_allclose(feature_matrix(again, model.spec)[which[mine]][:, ours], listed, atol=1e-4)
        off = np.abs(listed - model.near[mine][:, ours]).max(0)
        worst = int(np.argmax(off))
        assert off[worst] < 0.15, f"{dataset}: {model.spec.names[ours[worst]]} is off by {off[worst]:.2f} deviations"


@pytest.mark.parametrize("domain", ["cv", "nlp"])
def test_which_examples_a_model_is_shown_is_nothing_to_its_size(domain):
    runs = model_of(domain).runs
    for dataset in known_tasks(runs):
        task = task_record(runs, domain, dataset)
        for model in sorted({run["model"] for run in runs if run["dataset"] == dataset and not run.get("knobs")}):
            recipe = {"model": model, "epochs": 2, "batch_size": 32, "learning_rate": 1e-3}
            chosen = [
                {**recipe, "knobs": knobs} for knobs in ({}, {"data_selection": "el2n"}, {"data_fraction": 0.123})
            ]
            rows = candidates.from_recipes(runs, domain, task, machine(runs).told, chosen)
            for name in ("n_parameters", "flops_per_sample", "n_linear_layers"):
                assert len(np.unique(rows.number(name))) == 1, (dataset, model, name)
            assert (rows.number("n_train") / rows.number("n_train")[0]).tolist() == pytest.approx([1, 0.5, 0.123])


def test_larger_images_need_more_operations_also_where_nobody_made_them_so():
    runs = model_of("cv").runs
    task = task_record(runs, "cv", "mnist")
    recipe = {"model": "resnet-tiny", "epochs": 2, "batch_size": 32, "learning_rate": 1e-3}
    sizes = [{**recipe, "knobs": {"input_size": side}} for side in (8, 12, 24)]
    rows = candidates.from_recipes(runs, "cv", task, machine(runs).told, sizes)
    assert (np.diff(rows.number("flops_per_sample")) > 0).all()


def test_runs_of_half_of_the_data_tell_how_many_there_are():
    whole = {"dataset": "mine", "n_train": 500}
    for knobs in ({"data_selection": "el2n"}, {"data_fraction": "0.5"}):
        assert task_record([{**whole, "knobs": knobs}], "cv", "mine")["n_train"] == 1000


def _odd(run, domain):
    """How many examples are left depends on the data there: of equal numbers a class, of histories cut shorter."""
    knobs = run.get("knobs") or {}
    return knobs.get("data_selection") == "balanced" or (domain == "recsys" and knobs.get("input_size") == "16")


def _recipe(run):
    fields = {name: run[name] for name in ("model", "epochs", "batch_size", "learning_rate")}
    knobs = knobs_of(run)
    return {**fields, "pretrained": bool(run.get("pretrained")), "weight_decay": run.get("weight_decay") or 0.0,
            "knobs": {name: value for name, value in knobs.items() if name != "cpu_threads"}}  # fmt: skip
