"""On how many threads: what is chosen, what it costs, and what runs on several of them say of a recipe."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from green_predictor import GreenPredictor, judge, probing, recommend, targets, this_machine, threads
from green_predictor.machines import machines
from green_predictor.physics import TERMS
from green_predictor.recommender import model_of
from green_predictor.rows import recipe_rows, settings

ASKED = {"domain": "recsys", "dataset": "movielens_100k", "max_quality_loss": 0.01, "hardware": "Genoa"}
KNOB = threads.KNOB

PRICES = model_of("cv").reference.prices
amounts = st.lists(st.floats(1.0, 1e12), min_size=len(PRICES), max_size=len(PRICES)).map(lambda v: np.array([v]))


@given(used=amounts)
def test_two_threads_are_faster_where_layers_have_much_to_do_and_never_twice_as_fast(used):
    energy, time = np.exp(threads.more(np.array([2.0]), used, PRICES))[0]
    busier = used * np.where(np.array(TERMS) == "operation", 1e3, 1.0)
    assert 0.5 < time < energy < 2 * time, "both threads draw all the time, memory once"
    alone = np.where(np.isin(TERMS, ("example", "epoch", "run")), used, 0.0)
    assert np.exp(threads.more(np.array([2.0]), alone, PRICES))[0, 1] == pytest.approx(1.0), "nothing is shared"
    assert np.exp(threads.more(np.array([2.0]), busier, PRICES))[0, 1] <= max(time, 0.7)


@given(used=amounts, count=st.sampled_from([1.0, np.nan]))
def test_on_one_thread_or_on_nobody_knows_how_many_nothing_changes(used, count):
    assert threads.more(np.array([count]), used, PRICES) == pytest.approx(0.0, abs=1e-12)


def record(domain="recsys", **fields):
    run = next(r for r in model_of(domain).runs if r["device"] == "cpu")
    return {**run, "weight_decay": 0.0, **fields}


@pytest.mark.parametrize("most", [1, 2, 64])
def test_each_candidate_gets_the_number_of_threads_that_needs_least_energy(most):
    model = model_of("cv")
    much, little = {"flops_per_sample": 1e9}, {"flops_per_sample": 1.0, "n_trainable_parameters": 1.0, "batch_size": 1}
    some = [
        record("cv", **{KNOB: None, **fields}) for fields in (*({**much, "batch_size": b} for b in (8, 512)), little)
    ]
    rows = recipe_rows(some, [(i, float(r["epochs"])) for i, r in enumerate(some)])
    chosen = threads.greenest(rows, model.reference.prices, most)
    counts = [chosen.knob_sets[k][KNOB] for k in chosen.knob_set]
    assert counts == list(chosen.number(KNOB)), "what the knob says is what the cost is of"
    assert counts == [min(most, threads.MOST_TRIED)] * 2 + [1], "a layer with next to nothing to do stays on one"

    def energy(count):
        there = threads.on_all(rows, count)
        return targets.log_costs(there, model.reference)[:, 0]

    least = np.min([energy(n) for n in range(1, min(most, threads.MOST_TRIED) + 1)], axis=0)
    assert targets.log_costs(chosen, model.reference)[:, 0] == pytest.approx(least)
    without = [{n: v for n, v in chosen.knob_sets[k].items() if n != KNOB} for k in chosen.knob_set]
    assert without == [rows.knob_sets[k] for k in rows.knob_set] and (chosen.epochs == rows.epochs).all()


def test_what_is_recommended_for_a_processor_says_its_threads():
    free = recommend(**ASKED)
    one = recommend(**{**ASKED, "hardware": {**free.hardware, KNOB: 1}})
    assert {pick.recipe.knobs[KNOB] for pick in one.front} == {1} and "--knob cpu_threads=1" in one.command
    assert {pick.recipe.knobs[KNOB] for pick in free.front} <= {1, 2}
    assert free.best.energy_kwh <= one.best.energy_kwh * (1 + 1e-6)


def test_on_an_accelerator_nothing_is_said_of_threads():
    card = recommend(**{**ASKED, "hardware": "H100"})
    assert not any(KNOB in pick.recipe.knobs for pick in card.front)


def test_candidates_of_ones_own_stay_as_they_are_and_train_on_all_threads_unless_they_say_otherwise():
    fields = {"domain": "nlp", "dataset": "tweets", "model": "bag-of-embeddings"}
    open_, said = Recipe.create(**fields), Recipe.create(**fields, knobs={KNOB: 1})
    asked = {"domain": "nlp", "dataset": "tweets", "hardware": "Genoa"}
    all_, one = (recommend(**asked, candidates=[recipe]).best for recipe in (open_, said))
    assert all_.recipe == open_ and one.recipe == said
    assert one.energy_kwh < all_.energy_kwh and one.quality == all_.quality
    two = recommend(**asked, candidates=[Recipe.create(**fields, knobs={KNOB: 2})]).best
    assert two.energy_kwh == pytest.approx(all_.energy_kwh)


def test_records_that_say_their_threads_are_predicted_on_them():
    asked = {"domain": "nlp", "dataset": "tweets", "model": "bag-of-embeddings", "epochs": 3, "batch_size": 32,
             "learning_rate": 1e-3, "device": "cpu", "cpu_model": record("nlp")["cpu_model"]}  # fmt: skip
    said = GreenPredictor.load(_shipped()).predict([asked, {**asked, KNOB: 1}, {**asked, KNOB: 2}])
    assert said.energy_kwh[2] > 1.05 * said.energy_kwh[1] and said.quality.nunique() == 1
    assert said.energy_kwh[0] == said.energy_kwh[2], "left open: all of that processor"
    knob = GreenPredictor.load(_shipped()).predict([{**asked, "knobs": {KNOB: n}} for n in (1, 2)])
    assert list(knob.energy_kwh) == pytest.approx(list(said.energy_kwh[1:])), "a knob says the same as the column"
    del asked["cpu_model"], asked["device"]  # this machine, whichever that is
    here = GreenPredictor.load(_shipped()).predict([{**asked, KNOB: 2}, {**asked, "knobs": {KNOB: 2}}])
    assert here.energy_kwh[0] == pytest.approx(here.energy_kwh[1]) and here.quality[0] == here.quality[1]


def _shipped():
    from pathlib import Path

    import green_predictor

    return Path(green_predictor.__file__).parent / "model"


def test_a_run_on_two_threads_teaches_what_one_on_one_thread_would():
    reference = model_of("recsys").reference
    one = record(run_id="a", **{KNOB: 1}, quality_last=0.05, status="completed")
    rows = recipe_rows([{**one, KNOB: 2}], [(0, float(one["epochs"]))])
    alone = recipe_rows([one], [(0, float(one["epochs"]))])
    more = np.exp(targets.log_costs(rows, reference) - targets.log_costs(alone, reference))[0]
    two = {**one, KNOB: 2, "energy_kwh": one["energy_kwh"] * more[0], "duration_s": one["duration_s"] * more[1]}
    two["matmul_gflops"] = 2 * one["matmul_gflops"]
    taught = [targets.prepare([run], reference=reference) for run in (one, two)]
    assert taught[0].y == pytest.approx(taught[1].y, abs=1e-5)
    assert taught[0].rows.numbers["matmul_gflops"] == taught[1].rows.numbers["matmul_gflops"]


def test_the_rate_of_a_processor_is_that_of_one_thread_and_that_of_an_accelerator_its_own():
    columns = {"matmul_gflops": 100.0, KNOB: 4}
    assert settings([{**columns, "device": "cpu"}])[0]["matmul_gflops"] == [25.0]
    assert settings([{**columns, "device": "cuda", "gpu_model": "a card"}])[0]["matmul_gflops"] == [100.0]


def test_runs_on_any_number_of_threads_are_of_one_recipe():
    fields = {"domain": "cv", "dataset": "digits", "model": "mlp", "knobs": {"precision": "bf16"}}
    open_ = Recipe.create(**fields)
    two = Recipe.create(**{**fields, "knobs": {"precision": "bf16", KNOB: 2}})
    assert threads.left_open(two) == open_ and two.recipe_id != open_.recipe_id
    told = [{**r.model_dump(), "recipe_id": r.recipe_id} for r in (open_, two)]
    assert {targets.recipe_key(r) for r in told} == {open_.recipe_id}
    as_kept = {**told[1], "knobs": [{"name": n, "value": str(v)} for n, v in two.knobs.items()]}
    assert targets.recipe_key(as_kept) == open_.recipe_id


def test_an_advice_whose_recipe_ran_on_another_number_of_threads_stands_on_those_runs():
    model = model_of("cv")
    run = next(r for r in model.runs if r["dataset"] == "digits" and not r.get("knobs"))
    fields = {n: run[n] for n in ("dataset", "model", "epochs", "batch_size", "learning_rate")}
    made = recommend(domain="cv", dataset="digits", hardware="Genoa",
                     candidates=[Recipe.create(domain="cv", weight_decay=run.get("weight_decay") or 0.0, **fields,
                                               knobs={KNOB: 1})])  # fmt: skip
    assert made.support.runs_of_recipe >= 1 and made.support.level == "run"


BAG = {"domain": "nlp", "dataset": "tweets", "model": "bag-of-embeddings", "epochs": 3, "batch_size": 32,
       "learning_rate": 1e-3}  # fmt: skip
STRANGER = {"device": "cpu", "cpu_model": "some other processor", "cpu_count": 16}


def test_who_asks_in_whatever_way_about_whatever_leaves_threads_open_gets_the_same():
    predictor = GreenPredictor.load(_shipped())
    recipe = {name: value for name, value in BAG.items() if name not in ("domain", "dataset")}
    asked = {"domain": "nlp", "dataset": "tweets", "data": predictor, "candidates": [recipe]}
    for hardware in (STRANGER, {**STRANGER, KNOB: 8}, {**STRANGER, KNOB: 8, "matmul_gflops": 600.0}):
        told = recommend(**asked, hardware=hardware).best
        silent = recommend(**asked, hardware={n: v for n, v in hardware.items() if n != "device"}).best
        assert silent.energy_kwh == pytest.approx(told.energy_kwh), "what names no accelerator is a processor"
        row = predictor.predict([{**BAG, **hardware, KNOB: hardware.get(KNOB, 16)}]).iloc[0]
        assert row.energy_kwh == pytest.approx(told.energy_kwh, rel=1e-3)
        assert row.quality == pytest.approx(told.quality, abs=1e-4)


def test_what_was_observed_counts_with_its_threads_whether_a_knob_or_a_column_says_them():
    asked = {"domain": "nlp", "dataset": "tweets", "hardware": "Genoa"}
    run = {**{n: v for n, v in BAG.items() if n != "domain"}, "quality": 0.7, "energy_kwh": 5e-6, "duration_s": 3.0}
    candidates = [Recipe.create(**BAG, knobs={KNOB: 1})]
    said = [
        recommend(**asked, observed=[{**run, **how}], candidates=candidates).best.energy_kwh
        for how in ({KNOB: 2}, {"knobs": {KNOB: 2}}, {}, {KNOB: 1})
    ]
    assert said[0] == pytest.approx(said[1]) and said[0] == pytest.approx(said[2]), "left open: all two of them"
    assert said[3] > said[0], "on one thread it took as much as all that on two: so more is expected"


@pytest.mark.parametrize("own", [None, 8])
def test_the_rate_of_a_thread_stays_when_a_run_is_moved_to_another_machine(own):
    machine = {"device": "cpu", "matmul_gflops": 100.0 * (own or 1), KNOB: own}
    for count in (None, 1, 4):
        moved = threads.on_count(machine, count)
        assert moved[KNOB] == (count or own)
        assert settings([moved])[0]["matmul_gflops"] == [100.0]
    card = {"device": "cuda", "gpu_model": "a card", "matmul_gflops": 100.0}
    assert threads.on_count(card, 4) == card


def on_many(run, reference, count=16):
    """The same run on so many threads, as physics has it."""
    pairs = [(0, float(run["epochs"]))]
    more = (targets.log_costs(recipe_rows([{**run, KNOB: n}], pairs), reference)[0] for n in (count, 1))
    energy, time = np.exp(np.subtract(*more))
    curves = {c: [v * f for v in run[c]] for c, f in (("curve_energy_kwh", energy), ("curve_duration_s", time))}
    return {**run, **curves, KNOB: count, "energy_kwh": run["energy_kwh"] * energy, "run_id": None,
            "duration_s": run["duration_s"] * time, "matmul_gflops": run["matmul_gflops"] * count}  # fmt: skip


def test_a_store_of_runs_on_all_threads_says_the_same_as_one_of_runs_on_one(snapshot):
    some = [r for r in snapshot if r["dataset"] == "digits" and targets.usable(r) and r[KNOB] == 1][::2]
    reference = targets.prepare(some).reference
    many = [on_many(run, reference) for run in some]
    ones, others = machines(some), machines(many)
    assert [m["matmul_gflops"] for m in others] == pytest.approx([m["matmul_gflops"] for m in ones])
    there = targets.prepare(many).reference
    assert there.paces.keys() == reference.paces.keys() and reference.paces
    for name, pace in reference.paces.items():
        assert there.paces[name] == pytest.approx(pace, abs=0.15)
    task = judge.measured_task("digits", many)
    assert task.noise is not None and np.isfinite(task.energy).all() and judge._own(task.records).any()


def test_runs_on_more_threads_do_not_say_what_a_recipe_costs_on_one(snapshot):
    reference = model_of("cv").reference
    some = [r for r in snapshot if r["dataset"] == "digits" and targets.usable(r) and r[KNOB] == 1 and r["recipe_id"]]
    name = some[0]["cpu_model"]
    some = [r for r in some if r["cpu_model"] == name and "contended" not in r["flags"]][:40]
    alone, both = (judge.measured_task("digits", runs) for runs in (some, [on_many(r, reference) for r in some] + some))
    assert both.energy == pytest.approx(alone.energy)
    assert all(both.records[i][KNOB] == 1 for i in both.first)


def test_a_limit_on_time_is_kept_by_more_threads_where_one_would_be_too_slow():
    asked = {"domain": "cv", "dataset": "mnist"}
    two = recommend(**asked, hardware="Genoa").hardware

    def least(hardware):
        with pytest.raises(UsageError, match="the least is") as refused:
            recommend(**asked, hardware=hardware, max_hours=1e-9)
        return float(re.search(r"the least is ([\d.e-]+) h", refused.value.hint).group(1))

    hours = {count: least({**two, KNOB: count, "matmul_gflops": count * two["matmul_gflops"]}) for count in (1, 2)}
    assert hours[2] < 0.95 * hours[1]
    in_time = recommend(**asked, hardware=two, max_hours=1.01 * hours[2])
    assert in_time.best.recipe.knobs[KNOB] == 2 and in_time.best.duration_s <= 1.01 * hours[2] * 3600


def test_more_threads_than_anybody_tried_are_said_to_be_and_the_interval_is_wider():
    recipe = {name: value for name, value in BAG.items() if name not in ("domain", "dataset")}
    asked = {"domain": "nlp", "dataset": "tweets", "candidates": [recipe]}
    two, many = (recommend(**asked, hardware={**STRANGER, "cpu_count": n}) for n in (2, 64))
    assert "64 threads, the most that were tried are 2" in many.support.sentence
    assert "threads" not in two.support.sentence
    widths = [a.best.energy_high_kwh / a.best.energy_low_kwh for a in (two, many)]
    assert widths[1] > 2 * widths[0]


def test_a_processor_of_which_no_count_is_told_is_taken_to_have_two_threads():
    made = recommend(**{**ASKED, "hardware": {"cpu_model": "X"}})
    assert made.machine.threads == 2 and "--knob cpu_threads=" in made.command


def test_what_is_set_for_all_programs_limits_the_threads_here(monkeypatch):
    monkeypatch.setattr(this_machine.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    for said, counts in (("1", 1), ("0", 1), ("4", 4), ("64", 6), ("", 6), ("many", 6)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert this_machine.threads() == counts


def test_a_recipe_for_more_threads_than_there_are_here_is_trained_on_those_there_are(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(probing, "threads", lambda: 1)
    monkeypatch.setattr(probing.subprocess, "Popen", lambda command, **_: nullcontext(started.append(command)))
    with probing.collecting(Recipe.create(domain="cv", dataset="digits", model="mlp", knobs={KNOB: 2}), tmp_path):
        pass
    assert "cpu_threads=1" in started[0]


def test_a_recipe_of_which_too_little_is_said_keeps_its_name():
    assert targets.recipe_key({"recipe_id": "a", "knobs": {KNOB: 2}}) == "a"


def test_the_host_of_several_accelerators_can_be_named_in_a_record():
    run = model_of("cv").runs[0]
    cards = [{**run, "device": "cuda", "gpu_model": name, "cpu_model": "a host"} for name in ("A100", "H100")]
    model = replace(model_of("cv"), runs=cards)
    assert GreenPredictor.load(_shipped())._machine(model, [{"cpu_model": "a host"}], "a host").threads is None
