"""Choosing by one run of each recipe, beside choosing by prediction, judged by runs that neither has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor import evaluate, judge
from green_predictor.run_once import run_once


def made_of(digits, seeds):
    """A task from {recipe: [(validation, test, kWh) of each seed]}."""
    base = {**digits[0], "ram_energy_method": None, "flags": []}
    runs = [
        {**base, "recipe_id": name, "seed": seed, "quality_last": q, "quality_test": test, "energy_kwh": kwh}
        for name, made in seeds.items()
        for seed, (q, test, kwh) in enumerate(made)
    ]
    return judge.measured_task("digits", runs)


def told(task, chosen):
    """A guess that chooses this recipe."""
    quality = np.where(np.arange(len(task.quality)) == chosen, 0.9, 0.1)
    return judge.Guess(quality, np.ones(len(quality)))


@given(st.lists(st.tuples(st.floats(0.1, 0.95), st.floats(1e-7, 1e-3)), min_size=3, max_size=8, unique=True))
def test_where_seeds_agree_one_run_of_each_is_as_good_as_the_oracle(digits, recipes):
    task = made_of(digits, {f"r{i}": [(q, q, e)] * 3 for i, (q, e) in enumerate(recipes)})
    ideal = judge.outcome(task, judge.Guess(task.quality, task.energy).choice(judge.HEADLINE))
    one, perfect = run_once(task, judge.Guess(task.quality, task.energy))
    for figures in (one, perfect):
        assert figures["energy_saved"] == pytest.approx(ideal["energy_saved"])
        assert figures["quality_kept"] == pytest.approx(ideal["quality_kept"]) and figures["on_front"] == 1


def test_a_lucky_seed_misleads_who_saw_it_and_not_who_did_not(digits):
    steady, poor = [(0.90, 0.90, 2e-6)] * 2, [(0.2, 0.2, 1e-6)] * 2
    task = made_of(digits, {"lucky": [(0.99, 0.50, 1e-6), (0.50, 0.50, 1e-6)], "steady": steady, "poor": poor})
    one, predicted = run_once(task, told(task, int(np.argmax(task.test))))
    assert predicted["quality_kept"] > one["quality_kept"] + 0.1
    assert one["on_front"] < 1, "in half of the draws the lucky seed was seen, and the other one judges"


def test_only_repeated_recipes_take_part(digits):
    seeds = {"once": [(0.99, 0.99, 1e-7)], **{f"r{i}": [(0.5 + i / 10, 0.5 + i / 10, 1e-6)] * 2 for i in range(3)}}
    task = made_of(digits, seeds)
    _, predicted = run_once(task, told(task, int(np.argmax(task.quality))))
    assert predicted["energy_saved"] == 0, "the recipe that was run once can neither be chosen nor compared with"
    forbidden = replace(told(task, 3), choosable=np.arange(len(task.quality)) == 1)
    assert run_once(task, forbidden)[1]["quality_kept"] == pytest.approx(task.test[1] / task.test[3])
    assert run_once(made_of(digits, {name: made[:1] for name, made in seeds.items()}), told(task, 0)) is None


def test_a_repeat_with_the_same_seed_is_no_judge(digits):
    task = made_of(digits, {f"r{i}": [(0.5 + i / 10, 0.5 + i / 10, 1e-6)] * 2 for i in range(3)})
    same = replace(task, records=[{**record, "seed": 0} for record in task.records])
    assert run_once(task, told(task, 0)) is not None and run_once(same, told(same, 0)) is None


def test_the_evaluation_tells_both(digits):
    repeated = [{**r, "dataset": f"part {i % 2}"} for i, r in enumerate(sorted(digits, key=lambda r: r["model"]))]
    twice = [*repeated, *({**r, "seed": 7, "energy_kwh": 1.1 * r["energy_kwh"]} for r in repeated)]
    found = evaluate.evaluate(twice, protocols=["random_recipes"], families=["linear"])
    both = found["each_recipe_run_once"]["random_recipes"]
    assert set(both) == {"told_one_run", "predicted"}
    one, predicted = both.values()
    assert one["n_tasks"] == predicted["n_tasks"] > 0
    assert one["quality_kept_mean"] == pytest.approx(1, abs=0.01), "the seeds of a recipe agree here"
