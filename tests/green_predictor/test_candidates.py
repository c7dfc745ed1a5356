"""What can be recommended: recipes that somebody ran, and a design around them, each once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor import candidates
from green_predictor.hardware import machine
from green_predictor.nearby import neighbours
from green_predictor.recommender import model_of
from green_predictor.tasks import task_record


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
