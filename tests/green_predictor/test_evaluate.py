"""Protocols hold out what they say, and the figures are what they are called."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecotaskset.errors import UsageError
from green_predictor import (
    baselines,
    domain_model,
    evaluate,
    evaluate_figures,
    fitting,
    judge,
    preferences,
    probes,
    protocols,
    targets,
)

KEYS = {
    "energy_saved_mean", "energy_saved_worst", "quality_kept_mean", "quality_kept_worst", "on_front", "coverage_90",
    "energy_error_median", "quality_mae", "spearman_energy", "spearman_quality", "ndcg_5", "sova_5",
    "hypervolume_ratio", "oracle_energy_saved_mean", "headroom_reached", "per_task",
}  # fmt: skip


def as_two_tasks(records):
    """The same real runs seen as two tasks, split by recipe: enough to exercise protocols that need several."""
    ids = sorted({r["recipe_id"] for r in records})
    return [{**r, "dataset": f"part {ids.index(r['recipe_id']) % 2}"} for r in records]


@pytest.mark.parametrize("name", protocols.PROTOCOLS)
def test_no_held_out_group_is_seen_in_training(digits, name):
    records = as_two_tasks(digits)
    key = {
        "random_recipes": lambda r: r["recipe_id"],
        "leave_one_dataset_out": lambda r: r["dataset"],
        "leave_one_source_out": lambda r: r["dataset"].partition("-")[0],
        "leave_one_family_out": lambda r: r["model_family"],
        "leave_one_hardware_out": lambda r: r["cpu_model"],
        "paper": lambda r: r["dataset"],
    }[name]
    for _, inside, outside in protocols.PROTOCOLS[name](records):
        assert name != "leave_one_hardware_out" or len(inside) >= len(outside)
        assert {key(r) for r in inside}.isdisjoint({key(r) for r in outside})
        assert inside and outside


def test_folds_side_by_side_say_the_same_as_one_by_one(digits):
    """One by one first: trees are then grown on OpenMP threads here, which a forked child would wait for, for ever."""
    records, lines = as_two_tasks(digits), ([], [])
    found = [
        evaluate.evaluate(records, protocols=["leave_one_dataset_out"], families=["linear"], jobs=jobs, say=said.append)
        for jobs, said in zip((1, 2), lines, strict=True)
    ]
    assert found[0] == found[1] and lines[0] == lines[1] and len(lines[0]) == 2


def test_tasks_made_of_the_same_data_are_held_out_together(digits):
    names = ("digits", "digits-parity", "mnist")
    records = [{**r, "dataset": names[i % 3]} for i, r in enumerate(digits)]
    held = {name: {r["dataset"] for r in outside} for name, _, outside in protocols.leave_one_source_out(records)}
    assert held == {"digits": {"digits", "digits-parity"}, "mnist": {"mnist"}}
    assert protocols.data_behind("csv:shop-2024.csv@3fa9c1d2") != protocols.data_behind("csv:shop-2025.csv@99fa01c4")


def test_random_recipes_covers_every_run_once(digits):
    held = [r["run_id"] for _, _, outside in protocols.random_recipes(digits) for r in outside]
    assert sorted(held) == sorted(r["run_id"] for r in digits)


@pytest.fixture(scope="module")
def found(digits):
    return evaluate.evaluate(
        as_two_tasks(digits), protocols=["leave_one_dataset_out", "random_recipes"], families=["linear"]
    )


def test_the_result_has_the_promised_shape_and_is_json(found):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["among_half"]["per_task"]) == {"cv/part 0", "cv/part 1"}
    for figures in (*found["protocols"].values(), found["with_one_probe"], *found["baselines"].values()):
        assert set(figures) >= KEYS
    assert {"random", "cheapest", "fastest", "largest_batch", "nearest_neighbour", "plain_boosting"} <= set(
        found["baselines"]
    )
    per_task = found["protocols"]["leave_one_dataset_out"]["per_task"]
    assert set(per_task) == {"cv/part 0", "cv/part 1"}


def test_means_and_worst_cases_are_those_of_the_tasks(found):
    figures = found["protocols"]["leave_one_dataset_out"]
    saved = [t["energy_saved"] for t in figures["per_task"].values()]
    assert figures["energy_saved_mean"] == pytest.approx(np.mean(saved))
    assert figures["energy_saved_worst"] == min(saved)
    assert 1 - figures["energy_saved_geometric"] == pytest.approx(np.prod([1 - s for s in saved]) ** (1 / len(saved)))


def test_the_trade_off_is_reported_and_holds_the_headline(found):
    losses = [point["max_quality_loss"] for point in found["trade_off"]]
    assert losses == sorted(losses) and all(0 <= point["quality_kept_mean"] <= 1.5 for point in found["trade_off"])
    headline = found["protocols"]["leave_one_dataset_out"]
    same = next(p for p in found["trade_off"] if p["max_quality_loss"] == judge.HEADLINE.max_quality_loss)
    assert same["energy_saved_mean"] == headline["energy_saved_mean"]


def test_the_figures_show_the_rules_and_the_tasks(found, tmp_path):
    made = evaluate_figures.write_figures(found, tmp_path)
    assert [path.name for path in made] == ["rules.png", "tasks.png"]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in made)
    assert evaluate_figures.write_figures({**found, "protocols": {}}, tmp_path) == []


def test_a_shortlist_tries_every_architecture_before_any_twice():
    quality = np.array([0.90, 0.91, 0.92, 0.80, 0.70])
    energy = np.array([1.0, 2.0, 3.0, 1.0, 1.0])
    kinds = np.array(["a", "a", "a", "b", "c"])
    wanted = preferences.Preference(rule="cheapest", max_quality_loss=0.0)
    assert probes.shortlist(quality, energy, kinds, 4, wanted) == [2, 3, 4, 1]
    assert probes.shortlist(quality, energy, kinds, 9, wanted, left=quality > 0.75) == [2, 3, 1, 0]
    least = preferences.Preference(rule="cheapest", min_quality=0.85)
    assert probes.shortlist(quality, energy, kinds, 3, least) == [0], "no other architecture is good enough"


def test_an_unknown_protocol_is_refused(digits):
    with pytest.raises(UsageError, match="did you mean 'random_recipes'"):
        evaluate.evaluate(digits, protocols=["random_recipe"])


@pytest.fixture(scope="module")
def task(digits):
    return judge.measured_task("digits", digits)


def test_the_oracle_cannot_be_beaten_at_its_quality(task):
    for chosen in range(len(task.quality)):
        made = judge.outcome(task, chosen)
        if task.quality[chosen] >= (1 - judge.HEADLINE.max_quality_loss) * task.quality.max():
            assert made["energy_saved"] <= made["oracle_energy_saved"] + 1e-9
        assert made["headroom_reached"] <= 1
    tops = np.flatnonzero(task.quality >= task.quality.max() - 1e-9)  # somebody who looks at quality alone takes any
    saved = [judge.outcome(task, int(top))["energy_saved"] for top in tops]
    assert min(saved) <= 0 <= max(saved) and (len(tops) > 1 or saved == [0])


def test_recipes_are_chosen_in_validation_and_judged_on_the_test_split(digits):
    lucky, steady = ("lucky", 0.99, 0.90), ("steady", 0.98, 0.95)
    records = [
        {
            **digits[0],
            "recipe_id": name,
            "quality_last": validation,
            "quality_test": test,
            "energy_kwh": kwh,
            "ram_energy_method": None,
        }
        for (name, validation, test), kwh in ((lucky, 2e-6), (steady, 1e-6), (("poor", 0.5, 0.5), 1e-7))
    ]
    task = judge.measured_task("digits", records)
    chosen = int(np.argmin(np.abs(task.quality - 0.98)))
    made = judge.outcome(task, chosen)
    assert made["quality_kept"] == pytest.approx(0.95 / 0.90) and made["energy_saved"] == pytest.approx(0.5)
    without = [{**record, "quality_test": None} for record in records]
    assert judge.outcome(judge.measured_task("digits", without), chosen)["quality_kept"] == pytest.approx(0.98 / 0.99)


def test_what_a_recipe_costs_is_said_by_undisturbed_runs_where_there_are_any(digits):
    made = [
        {**digits[0], "recipe_id": name, "energy_kwh": kwh, "ram_energy_method": None, "flags": flags}
        for name, kwh, flags in (
            ("a", 1e-6, []), ("a", 3e-6, ["contended"]), ("b", 5e-6, ["contended"]), ("c", 2e-6, []), ("c", 2e-6, None),
        )
    ]  # fmt: skip
    assert sorted(judge.measured_task("digits", made).energy) == pytest.approx([1e-6, 2e-6, 5e-6])


def test_probing_is_on_the_bill(task):
    free, paid = judge.outcome(task, 0), judge.outcome(task, 0, extra_kwh=float(task.energy[0]))
    assert 1 - paid["energy_saved"] == pytest.approx(2 * (1 - free["energy_saved"]))


def test_a_perfect_guess_reaches_everything(task):
    made = judge.judge(task, judge.Guess(task.quality, task.energy))
    assert made["headroom_reached"] == 1 and made["on_front"] == 1 and made["sova_5"] == 0
    assert made["ndcg_5"] == pytest.approx(1) and made["spearman_energy"] == pytest.approx(1)


def test_among_a_half_all_is_of_that_half(task):
    """A perfect guess saves what the oracle saves, whatever half is there; a pick out of reach would save more."""
    drawn = judge.among_half(task, judge.Guess(task.quality, task.energy))
    assert len(drawn) == judge.HALVES and len({d["energy_saved"] for d in drawn}) > 1
    for made in drawn:
        assert made["energy_saved"] == pytest.approx(made["oracle_energy_saved"])
        assert made["headroom_reached"] == pytest.approx(1.0 if made["quality_kept"] >= judge.LEAST_KEPT else 0.0)
    only = np.zeros(len(task.quality), bool)
    only[[0, 1]] = True  # few may be recommended: in halves without them, the others may
    assert len(judge.among_half(task, judge.Guess(task.quality, task.energy, choosable=only))) == judge.HALVES


@pytest.mark.parametrize("name", baselines.RULES)
def test_rules_of_thumb_choose_one_recipe(task, name):
    made = judge.judge(task, baselines.RULES[name](task))
    assert made["energy_saved"] <= 1 and 0 <= made["quality_kept"] <= 1.5


def test_the_beginning_of_a_run_is_its_first_epochs_and_costs_less(digits):
    whole = next(r for r in digits if len(r["curve_energy_kwh"]) > 3)
    begun = probes.beginning(whole, 2)
    assert len(begun["curve_energy_kwh"]) == 2 and begun["status"] == "interrupted"
    assert probes.probe_cost_kwh(begun) == whole["curve_energy_kwh"][1] < whole["energy_kwh"]
    assert probes.beginning({**whole, "curve_validation_quality": []}) is None


def test_one_run_teaches_the_offset_of_a_new_task(zeus):
    """On the Zeus traces, a new task's energy is known far better after one run."""
    records = [r for r in zeus if r["domain"] in ("cv", "nlp")]
    records = [{**r, "domain": "cv"} for r in records]
    inside = [r for r in records if r["dataset"] != "squad"]
    outside = [r for r in records if r["dataset"] == "squad"]
    model = fitting.fit_domains(inside, families=["linear"])["cv"]
    squad = judge.measured_task("squad", outside)
    probe = targets.prepare(outside[:1], "all", model.reference)
    guesses = [judge.guess(model, squad, domain_model.evidence(model, None, seen)) for seen in (None, probe)]
    errors = [np.median(np.abs(np.log(g.prediction.energy_kwh / squad.energy))) for g in guesses]
    assert errors[1] < 0.7 * errors[0]
