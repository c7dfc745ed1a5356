"""Knobs together: the arithmetic on stacks whose truth is known, and a published set of measurements."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import UsageError
from green_predictor.cascade import Cascade, cascade
from green_predictor.cascade_figure import waterfall_figure
from green_predictor.cascade_model import fit_stacks, held_out_errors, product_rule
from green_predictor.cascade_page import cascade_page
from green_predictor.cascade_runs import CascadeRuns, Measured

# Tu(r)ning AI Green (arXiv 2506.18289), table of variants: change of energy in per cent, one run each
PUBLISHED_SINGLES = {
    "gradient_checkpointing": 30.7, "lora": -85.3, "optimizer": -4.6, "precision": -20.5, "input_size": -46.6,
    "onnx_runtime": -8.1, "pin_memory": -20.4, "torch_compile": -38.4, "attention": -26.8, "layer_drop": -49.0,
    "gradient_accumulation": 0.0,
}  # fmt: skip
PUBLISHED_TOGETHER = {
    ("attention", "pin_memory", "optimizer", "gradient_accumulation"): 12.9,
    ("onnx_runtime", "gradient_checkpointing", "lora", "precision"): 86.6,
    ("gradient_accumulation", "precision", "gradient_checkpointing"): -34.4,
    ("layer_drop", "input_size", "torch_compile"): 80.8,
    ("torch_compile", "precision"): 46.0,
    ("layer_drop", "torch_compile", "precision"): 73.7,
    ("attention", "pin_memory", "optimizer"): 30.5,
}


def stack(*names):
    return frozenset((n, 1) for n in names)


def made_of(logs, quality=None, noise=0.02, n=3):
    """Stacks with these log energies; the empty one is the baseline at 0."""
    measured = {s: Measured(v, (quality or {}).get(s, 0.9), n) for s, v in {stack(): 0.0, **logs}.items()}
    return CascadeRuns("cv", "a task", "a model", {}, {}, measured, (noise, 0.01), True)


@pytest.fixture(scope="module")
def published():
    logs = {stack(n): math.log(1 + v / 100) for n, v in PUBLISHED_SINGLES.items()}
    logs |= {stack(*names): math.log(1 - v / 100) for names, v in PUBLISHED_TOGETHER.items()}
    return made_of(logs, noise=0.05, n=1)


def test_untried_combinations_are_predicted_better_than_by_the_product_rule(published):
    held = held_out_errors(published)
    assert len(held) == len(PUBLISHED_TOGETHER)
    by_rule = np.mean([abs(h["measured"] - h["product_rule"]) for h in held])
    by_model = np.mean([abs(h["measured"] - h["predicted"]) for h in held])
    assert by_rule == pytest.approx(0.122, abs=0.003)  # the published product rule, reproduced
    assert by_model < 0.6 * by_rule


def test_synergies_and_collisions_are_told_from_noise(published):
    found = Cascade(published, fit_stacks(published)).combinations()
    worst = found[-1]
    assert worst["verdict"] == "collides" and "pin_memory" in worst["stack"]
    assert worst["product_rule"] == pytest.approx(0.444, abs=0.002) and worst["saving"] == pytest.approx(0.129)
    assert [c["interaction"] for c in found] == sorted(c["interaction"] for c in found)
    assert any(c["verdict"] == "can't tell" for c in found)


@given(st.lists(st.floats(-1, 0.5), min_size=3, max_size=3))
def test_where_effects_multiply_the_product_rule_is_exact_and_shares_are_the_singles(effects):
    names = ("precision", "schedule", "width")
    alone = dict(zip(names, effects, strict=True))
    logs = {stack(*part): sum(alone[n] for n in part) for k in (1, 2, 3) for part in itertools.combinations(names, k)}
    runs = made_of(logs)
    whole = stack(*names)
    assert product_rule(runs, whole) == pytest.approx(sum(effects), abs=1e-9)
    found = {f["knob"].split("=")[0]: f["log_ratio"] for f in Cascade(runs, fit_stacks(runs)).shapley(whole)}
    assert found == pytest.approx(alone, abs=1e-9)


def test_shapley_shares_add_up_to_the_whole_saving(published):
    analysis = Cascade(published, fit_stacks(published))
    whole = stack("layer_drop", "torch_compile", "precision")
    shares = analysis.shapley(whole)
    assert sum(s["log_ratio"] for s in shares) == pytest.approx(analysis.log_ratio(whole)[0])
    assert sum(s["share"] for s in shares) == pytest.approx(1)


def test_the_best_stack_keeps_the_quality():
    logs = {stack("lora"): -2.0, stack("precision"): -0.5}
    runs = made_of(logs, quality={stack("lora"): 0.5, stack("precision"): 0.89})
    analysis = Cascade(runs, fit_stacks(runs))
    assert analysis.best() == stack("precision")
    assert analysis.best(least_quality=0.5) == stack("lora")


def test_a_knob_never_run_alone_has_no_product_rule_but_a_prediction():
    runs = made_of({stack("precision"): -0.3, stack("precision", "schedule"): -0.8})
    assert product_rule(runs, stack("precision", "schedule")) is None
    assert fit_stacks(runs).predict(stack("schedule"))[0] < 0


def test_the_waterfall_ends_at_the_best_stack(published, tmp_path):
    analysis = Cascade(published, fit_stacks(published))
    steps = analysis.waterfall()
    assert 1 - steps[-1]["left"] == pytest.approx(published.saving(analysis.best()))
    assert all(a["left"] == b["left_before"] for a, b in itertools.pairwise(steps))
    waterfall_figure(analysis, tmp_path / "w.png")
    assert (tmp_path / "w.png").stat().st_size > 5000


def record(seed, energy, quality=0.9, **knobs):
    served = {"inference_kwh_per_1000": 1e-6, "inference_latency_p50_ms": 2.0, "inference_quality": quality}
    if "int8_dynamic" in knobs:
        served = {"inference_kwh_per_1000": 4e-7, "inference_latency_p50_ms": 1.0, "inference_quality": quality - 0.01}
    return {
        "domain": "cv", "dataset": "a", "model": "vit-tiny", "epochs": 2, "batch_size": 32, "learning_rate": 1e-3,
        "weight_decay": 0.0, "seed": seed, "status": "completed", "energy_kwh": energy, "quality_test": quality,
        "quality_last": quality, "quality_validation": quality, "cpu_model": "x", "knobs": knobs,
        "run_id": f"{seed}{energy}", "n_train": 100, "flops_per_sample": 1e6, "quality_metric": "accuracy", **served,
    }  # fmt: skip


def test_the_best_stack_is_checked_on_seeds_that_did_not_choose_it():
    lucky = {("width", 0.5): [0.2, 1.0, 1.0], ("precision", "bf16"): [0.8, 0.8, 0.8]}
    rows = [record(seed, 1.0) for seed in range(3)]
    rows += [record(s, e, **{n: v}) for (n, v), made in lucky.items() for s, e in enumerate(made)]
    analysis = cascade("cv", "a", data=rows)
    assert analysis.best() == frozenset([("width", 0.5)]), "its one lucky seed makes it look best"
    fresh = analysis.best_on_fresh_seeds()
    assert fresh["seeds"] == 3 and fresh["saving"] == pytest.approx((0.2 + 0.0 + 0.0) / 3)


def test_runs_that_shared_the_memory_are_compared_as_if_alone():
    def shared(seed, total, **knobs):
        method = "constant draw; node_share=0.5"
        return {**record(seed, total, **knobs), "ram_energy_kwh": 0.2, "ram_energy_method": method}

    rows = [record(s, 1.0) for s in range(2)] + [shared(s, 0.8, width=0.5) for s in range(2)]
    assert cascade("cv", "a", data=rows).runs.saving(frozenset([("width", 0.5)])) == pytest.approx(0.0)


def test_inference_knobs_are_compared_within_the_same_training():
    rows = [record(s, 1.0, **k) for s in range(2) for k in ({}, {"int8_dynamic": True}, {"width": 0.5})]
    rows += [record(s, 0.7, width=0.5, int8_dynamic=True) for s in range(2)]
    (effect,) = cascade("cv", "a", data=rows).to_dict()["inference"]
    assert effect["knob"] == "int8_dynamic=true" and effect["trainings"] == 2
    assert effect["saving"] == pytest.approx(0.6) and effect["latency_ratio"] == pytest.approx(0.5)
    assert effect["quality_change"] == pytest.approx(-0.01)
    assert effect["saving_low"] <= effect["saving"] <= effect["saving_high"]


def test_the_page_holds_the_waterfall_and_every_table_and_loads_nothing(tmp_path):
    rows = [record(s, e, **k) for s in range(2) for e, k in ((1.0, {}), (0.6, {"width": 0.5}), (0.9, {"lora": 4}))]
    rows += [record(s, 0.5, width=0.5, lora=4) for s in range(2)]
    analysis = cascade("cv", "a", data=rows)
    cascade_page(analysis, tmp_path / "w.html")
    page = (tmp_path / "w.html").read_text()
    assert "<svg" in page and "width=0.5 + lora=4" in page.replace("lora=4 + width=0.5", "width=0.5 + lora=4")
    assert "product rule" in page and "<script" not in page and 'src="http' not in page
    with pytest.raises(UsageError, match="cannot write") as caught:
        cascade_page(analysis, tmp_path / "w.html" / "below.html")
    assert "--plot" in caught.value.hint and "--store" not in caught.value.hint


def test_real_runs_are_analysed_end_to_end(snapshot):
    analysis = None
    for domain, dataset in sorted({(r["domain"], r["dataset"]) for r in snapshot}):
        try:
            analysis = analysis or cascade(domain, dataset, data=snapshot)
        except UsageError as error:
            assert "green-collect --campaign cascade" in error.hint
    assert analysis is not None, "the shipped snapshot holds the cascade campaign"
    found = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
    assert found["baseline"]["energy_kwh"] > 0 and found["best"]["saving"] >= 0
    for effect in found["effects"]:
        assert effect["saving_low"] <= effect["saving"] <= effect["saving_high"] < 1


def test_names_that_do_not_exist_are_refused(snapshot):
    with pytest.raises(UsageError, match="did you mean 'digits'"):
        cascade("cv", "digit", data=snapshot)
    with pytest.raises(UsageError, match="unknown model"):
        cascade("cv", "digits", "resnet-9000", data=snapshot)
