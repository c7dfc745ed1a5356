"""A run and the candidate that would repeat it are the same row; unknown fields are normal."""

from __future__ import annotations

import numpy as np
import pytest

from ecotaskset.load import load_runs
from green_predictor import features, targets
from green_predictor.architectures import SizeTable, architectures, reshape_task
from green_predictor.candidates import from_recipes
from green_predictor.machines import hardware_columns
from green_predictor.rows import knobs_of, recipe_rows
from green_predictor.tasks import task_record


@pytest.fixture(scope="module")
def learned(digits):
    data = targets.prepare(digits)
    return data, features.fit_spec(data.rows, data.weight)


def test_a_candidate_has_the_features_of_the_run_it_repeats(digits, learned):
    _, spec = learned
    kept = [{**r, "knobs": knobs_of(r)} for r in digits]
    for run in kept[:: max(1, len(kept) // 8)]:
        recipe = {n: run[n] for n in ("model", "epochs", "batch_size", "learning_rate", "weight_decay", "knobs")}
        machine = {c: run.get(c) for c in hardware_columns()}
        made = from_recipes(kept, "cv", task_record(kept, "cv", "digits"), machine, [recipe])
        candidate = dict(zip(spec.names, features.feature_matrix(made, spec)[0], strict=True))
        original = recipe_rows([run], [(0, run["epochs"])])
        wanted = dict(zip(spec.names, features.feature_matrix(original, spec)[0], strict=True))
        error = 0.04 if run["knobs"].get("data_selection") == "balanced" else 0.02  # that leaves a few examples out
        for name, value in wanted.items():
            assert candidate[name] == pytest.approx(value, abs=error), (run["run_id"], name)


def test_runs_near_the_best_of_their_task_weigh_most(digits):
    other = [{**r, "dataset": "harder", "quality_last": (r["quality_last"] or 0) / 2} for r in digits]
    data = targets.prepare([*digits, *other])
    weighed = targets.emphasised(data)
    assert weighed.weight.sum() == pytest.approx(data.weight.sum())
    for task in ("digits", "harder"):
        final = data.last & (data.task == task)
        share = (weighed.weight / data.weight)[final]
        order = np.argsort(data.y[final, targets.QUALITY])
        assert (np.diff(share[order]) >= -1e-9).all(), "the better, the more"
        assert share.max() / share.min() <= 1 / targets.LEAST_WORTH + 1e-6
    best = [(weighed.weight / data.weight)[data.last & (data.task == t)].max() for t in ("digits", "harder")]
    assert best[0] == pytest.approx(best[1], rel=1e-3), "by the best of the own task, not of all"


def test_nothing_known_is_the_middle_of_everything(learned):
    _, spec = learned
    bare = {"domain": "cv", "model": "never-seen", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
    x = features.feature_matrix(recipe_rows([bare], [(0, 4.0)]), spec)
    assert np.isfinite(x).all()
    described = [j for j, n in enumerate(spec.names) if n in ("n_parameters", "flops_per_sample", "work", "moved")]
    assert (x[0, described] == 0).all()


def test_scaled_features_have_the_training_mean_and_spread(learned):
    data, spec = learned
    x = features.feature_matrix(data.rows, spec)
    weight = data.weight / data.weight.sum()
    np.testing.assert_allclose(weight @ x, 0, atol=1e-3)
    names = set(spec.names)
    assert {"lr", "b", "steps", "work"} <= names
    assert "seed" not in names and not any("quality_" in n or "energy" in n or "duration" in n for n in names)


def test_a_training_longer_than_any_counts_as_the_longest(digits, learned):
    _, spec = learned
    run = {**digits[0], "knobs": knobs_of(digits[0])}
    rows = recipe_rows([{**run, "epochs": 10**6}], [(0, 10**6)])
    x = features.feature_matrix(rows, spec)
    assert (np.abs(x) <= spec.reach * (1 + 1e-5)).all() and (np.abs(x) >= spec.reach * (1 - 1e-5)).any()


@pytest.mark.parametrize("times", [1e-3, 1e3])
def test_a_description_beyond_all_that_was_seen_counts_as_the_farthest_and_is_known_to_be_far(digits, learned, times):
    data, spec = learned
    run = {**digits[0], "knobs": knobs_of(digits[0])}
    strange = {**run, "n_parameters": times * run["n_parameters"]}
    usual, odd = (recipe_rows([r], [(0, run["epochs"])]) for r in (run, strange))
    column = spec.names.index("n_parameters")
    seen = np.abs(features.feature_matrix(data.rows, spec)[:, column]).max()
    assert abs(features.feature_matrix(odd, spec)[0, column]) == pytest.approx(seen, rel=1e-4)
    assert features.plan(usual, spec).beyond[0] == pytest.approx(0, abs=1e-6) and features.plan(odd, spec).beyond[0] > 1


def test_costs_do_not_hang_on_how_the_task_is_described(learned):
    free = dict(zip(learned[1].names, features.free_of_task(learned[1], targets.TASK_MATTERS), strict=True))
    assert free["n_train"].tolist() == [True, False, False] and free["work"].all() and free["n_parameters"].all()


def test_names_of_data_sets_and_machines_are_not_looked_up(learned):
    assert not any(n.startswith(("dataset", "cpu_model", "gpu_model")) for n in learned[1].names)


def test_targets_come_back_as_what_they_were(learned):
    data, _ = learned
    last = data.subset(data.last)
    quality, energy, duration = targets.restore(last.y, last.rows, data.reference)
    for i, run in enumerate(last.run):
        record = data.records[run]
        assert quality[i] == pytest.approx(np.clip(targets.final_quality(record), 1e-3, 1 - 1e-3), abs=1e-4)
        assert energy[i] == pytest.approx(record["energy_kwh"], rel=1e-4)
        assert duration[i] == pytest.approx(record["duration_s"], rel=1e-4)


def test_runs_of_equal_weight_whatever_their_curves(learned):
    data, _ = learned
    np.testing.assert_allclose(np.bincount(data.run, data.weight), 1)


def test_sizes_are_copied_where_known_and_grow_with_the_input_where_not(digits):
    kept = [{**r, "knobs": knobs_of(r)} for r in digits]
    table, task = SizeTable(kept), task_record(kept, "cv", "digits")
    for model, pretrained in architectures(kept):
        run = next(r for r in kept if r["model"] == model)
        known = table.columns((model, pretrained), reshape_task(task, run["knobs"], "cv"), run["knobs"])
        assert known["n_parameters"] == run["n_parameters"]
        other = reshape_task({**task, "dataset": "other"}, run["knobs"], "cv")
        larger = table.columns((model, pretrained), other, run["knobs"])
        assert 0.3 < larger["flops_per_sample"] / run["flops_per_sample"] < 3


def test_a_power_limit_counts_as_a_share_of_what_the_accelerator_may_draw():
    def run(limit, own):
        knobs = {} if limit is None else {"gpu_power_limit": limit}
        return {"domain": "cv", "model": "net", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3, "n_train": 100,
                "gpu_tdp_w": own, "knobs": knobs}  # fmt: skip

    rows = recipe_rows([run(150, 300), run(125, 250), run(150, 250), run(None, 300)], [(i, 4.0) for i in range(4)])
    spec = features.fit_spec(rows, np.ones(4))
    x = dict(zip(spec.names, features.feature_matrix(rows, spec).T, strict=True))
    assert x["gpu_power_limit share"][0] == pytest.approx(x["gpu_power_limit share"][1])
    assert x["gpu_power_limit share"][0] < x["gpu_power_limit share"][2] < x["gpu_power_limit share"][3]
    assert "gpu_power_limit" not in spec.names, "watts alone say nothing of another accelerator"


def test_a_falling_learning_rate_is_told_from_a_constant_one(digits):
    run = {**digits[0], "learning_rate": 0.03}
    schedules = [{}, {"schedule": "one_cycle"}]
    rows = recipe_rows([{**run, "knobs": knobs} for knobs in schedules], [(i, 4.0) for i in range(2)])
    constant, falling = features.row_features(rows, [])["lr*annealed"]()
    assert constant == 0 and falling == pytest.approx(np.log(30), rel=1e-3)


def test_a_run_that_prepared_the_data_for_all_others_teaches_nothing_of_costs(digits):
    first = {**digits[0], "data_cached": False, "knobs": {}}
    assert not targets.usable(first)
    assert targets.usable({**first, "data_cached": True})
    assert targets.usable(first, partial=True), "it still says what its task allows to somebody who has no other"
    assert targets.usable({**first, "knobs": {"cached_preprocessing": False}}), "there, preparing is the recipe"


def test_energy_without_that_of_the_accelerator_teaches_nothing(digits):
    unread = {**digits[0], "device": "cuda", "gpu_energy_kwh": None, "gpu_energy_quality": "missing"}
    assert not targets.usable(unread) and not targets.usable(unread, partial=True)
    assert targets.usable({**unread, "gpu_energy_kwh": 1e-3, "gpu_energy_quality": "measured"})
    assert targets.usable({**unread, "device": "cpu"}), "nothing was missed"


@pytest.mark.parametrize(("domain", "model"), [("nlp", "bag-of-embeddings"), ("recsys", "gru4rec"), ("cv", "vgg-tiny")])
def test_a_task_of_which_little_is_said_has_networks_of_the_usual_size(domain, model):
    """Without a vocabulary a network of words once had no weights, and every text task was EXTRAPOLATED."""
    runs = [{**run, "knobs": knobs_of(run)} for run in load_runs(domain).to_pylist()]
    sizes = [r["n_parameters"] for r in runs if r["model"] == model and r["n_parameters"] and not r["knobs"]]
    found = SizeTable(runs).columns((model, False), {"dataset": "mine", "n_train": 2000.0}, {})
    assert min(sizes) / 2 < found["n_parameters"] < 2 * max(sizes)
