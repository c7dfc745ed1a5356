"""Following the advice: its own first epochs are the probe, and they may change it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.recipe import Recipe
from ecotaskset.store import Store
from green_predictor import recommend
from green_predictor.follow import follow
from green_predictor.preferences import Preference, preference
from green_predictor.probes import better_to_switch, first_epochs
from green_predictor.recommend_command import came_out

share, kwh = st.floats(0.05, 0.99), st.floats(1e-6, 1.0)
CHEAPEST = preference(max_quality_loss=0.01)


@given(st.tuples(share, share), st.tuples(kwh, kwh), st.floats(0, 1), st.floats(0, 1))
def test_the_more_is_spent_already_the_more_speaks_for_going_on(quality, energy, one, other):
    less, more = sorted((one * energy[0], other * energy[0]))
    assert better_to_switch(CHEAPEST, quality, energy, less) or not better_to_switch(CHEAPEST, quality, energy, more)


def test_what_is_spent_is_gone_either_way():
    same = (0.9, 0.9)
    assert better_to_switch(CHEAPEST, same, (1.0, 0.7), spent_kwh=0.1)
    assert not better_to_switch(CHEAPEST, same, (1.0, 0.7), spent_kwh=0.4)
    assert better_to_switch(CHEAPEST, (0.5, 0.9), (1.0, 5.0), spent_kwh=0.9), "a quality nobody asked for is no bargain"
    assert not better_to_switch(Preference(1.0), (0.5, 0.9), (1.0, 5.0), spent_kwh=0.0)


def test_a_little_more_quality_than_was_asked_for_is_not_bought_at_any_price():
    quality = (0.97, 1.0)  # 2 % beyond the loss that is allowed: worth a factor of four in energy
    assert better_to_switch(CHEAPEST, quality, (1.0, 3.9), spent_kwh=0.0)
    assert not better_to_switch(CHEAPEST, quality, (1.0, 4.1), spent_kwh=0.0)
    assert not better_to_switch(CHEAPEST, quality, (1.0, 3.9), spent_kwh=0.1)


def test_a_short_training_shows_one_epoch():
    assert [first_epochs(n) for n in (1, 3, 7, 8, 40)] == [1, 1, 1, 2, 2]


@pytest.fixture(scope="module")
def asked():
    pytest.importorskip("accelerate")
    return {"domain": "cv", "dataset": "digits", "max_quality_loss": 0.01}


def test_good_advice_is_trained_to_the_end(asked, tmp_path):
    answer, told = recommend(**asked), []
    done = follow(asked, answer, Store(tmp_path), told.append)
    kept = Store(tmp_path).runs()
    assert [r.run_id for r in done.runs] == [r.run_id for r in kept] and kept[-1].status == "completed"
    assert kept[-1].recipe_id == done.answer.best.recipe.recipe_id
    assert abs(kept[-1].quality_validation - done.answer.best.quality) < 0.1
    assert done.to_dict()["energy_kwh"] == pytest.approx(sum(r.energy_kwh for r in kept))
    for flags, says in ((["contended"], True), ([], False)):
        runs = [run.model_copy(update={"flags": flags}) for run in done.runs]
        assert ("other work ran" in came_out(replace(done, runs=runs))) is says


def test_a_training_that_learns_nothing_is_stopped_for_a_better_one(asked, tmp_path):
    """The pick is replaced by a recipe with a rate at which nothing is learned; its first epochs show it."""
    answer, told = recommend(**asked), []
    slow = Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=20, batch_size=64, learning_rate=1e-6)
    misled = replace(answer, best=replace(answer.best, recipe=slow))
    done = follow(asked, misled, Store(tmp_path), told.append)
    stopped, made = done.runs
    assert (stopped.status, stopped.epochs_run) == ("interrupted", 2) and stopped.recipe_id == slow.recipe_id
    assert made.recipe_id == done.answer.best.recipe.recipe_id != slow.recipe_id and made.status == "completed"
    assert made.quality_validation > stopped.quality_validation + 0.3
    assert done.to_dict()["switched"] and np.isfinite(done.to_dict()["energy_kwh"])
    assert any(line.startswith("stopped:") for line in told)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups here")
def test_ctrl_c_in_mid_training_is_said_once(asked, tmp_path):
    """Once the training said it was interrupted, and whoever had asked for it said so again."""
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    ask = "from green_predictor.cli import recommend_main; recommend_main()"
    words = ("--domain", "cv", "--dataset", "digits", "--prefer", "energy=0", "--train", "--store", str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", start + ask, *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        before = next(line for line in process.stderr if line.startswith("epoch"))
    finally:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all that run in it
    said = before + process.communicate(timeout=60)[1]
    assert process.returncode == 130 and said.count("interrupted") == 1, said
    assert [run.status for run in Store(tmp_path).runs()] == ["interrupted"]
