"""Figures are legal Plotly, show what they should, and tell ran from predicted by shape."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from space import detail_figures, explore, figures
from space.answer import Answer, answer, cloud, current_source
from space.runs_table import MeasuredRun, measured_runs, sources
from space.state import DESCRIBED, Inputs
from space.steps import Step, steps_to


def legal(figure: dict[str, Any]) -> go.Figure:
    """Plotly's own validation, with the theme's variables replaced by a colour."""
    text = figures.as_json(figure)

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return "#123456" if value.startswith("var(--green-") else value
        if isinstance(value, list):
            return [plain(item) for item in value]
        return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    return go.Figure(plain(json.loads(text)))


def a_measured_run(**changes: Any) -> MeasuredRun:
    fields = {
        "name": "cnn · 2 epochs · batch 32", "model": "cnn", "recipe_id": "r", "metric": "accuracy", "quality": 0.9,
        "energy_kwh": 2e-6, "energy_low_kwh": 1e-6, "energy_high_kwh": 4e-6, "duration_s": 3.0, "counted": False,
        "source": "cpu_time_model", "machine": "a machine", "phases": {"training": 1.5e-6, "evaluation": 5e-7},
    }  # fmt: skip
    return MeasuredRun(**{**fields, **changes})


def the_front(answered: Answer, runs: list[MeasuredRun]) -> dict[str, Any]:
    found = answered.recommendation
    return figures.front_figure(found.front, answered.chosen, found.best, runs, cloud(found), found.metric)


def test_the_front_is_legal_and_says_what_it_shows(answered: Answer) -> None:
    figure = the_front(answered, answered.runs)
    legal(figure)
    assert "kWh" in figure["layout"]["xaxis"]["title"]["text"] or "Wh" in figure["layout"]["xaxis"]["title"]["text"]
    assert "(%)" in figure["layout"]["yaxis"]["title"]["text"]
    assert answered.chosen.name in figure["layout"]["meta"]["alt"]


def test_ran_is_filled_predicted_is_hollow_estimated_has_another_shape(answered: Answer) -> None:
    figure = the_front(answered, [a_measured_run(), a_measured_run(counted=True, source="nvml_counter")])
    by_name = {trace.get("name"): trace for trace in figure["data"]}
    assert by_name["Ran, energy measured"]["marker"]["symbol"] == "circle"
    assert by_name["Ran, energy estimated"]["marker"]["symbol"] == "square"
    assert by_name["Predicted, with 90 % interval"]["marker"]["symbol"] == "circle-open"
    assert by_name["Recommended"]["marker"]["symbol"] == "circle-open"
    assert "counter: nvml_counter" in by_name["Ran, energy measured"]["text"][0]
    assert "estimated by cpu_time_model" in by_name["Ran, energy estimated"]["text"][0]


def test_predicted_points_have_bars_on_both_sides_and_can_be_clicked(answered: Answer) -> None:
    figure = the_front(answered, [])
    bars = next(t for t in figure["data"] if t.get("name") == "Predicted, with 90 % interval")
    assert len(bars["customdata"]) == len(bars["x"]) == len(bars["error_x"]["array"])
    assert answered.chosen.choice in bars["customdata"]
    assert min(bars["error_x"]["array"] + bars["error_x"]["arrayminus"]) >= 0
    assert min(bars["error_y"]["array"] + bars["error_y"]["arrayminus"]) >= 0


def test_a_hostile_name_is_only_text(answered: Answer) -> None:
    figure = the_front(answered, [a_measured_run(name="<script>alert(1)</script>")])
    assert "<script" not in figures.as_json(figure)


@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=200, unique=True), st.integers(2, 20))
def test_a_thinned_front_keeps_its_ends_and_who_must_stay(energies: list[float], most: int) -> None:
    from types import SimpleNamespace

    front = [SimpleNamespace(energy_kwh=e, choice=str(i)) for i, e in enumerate(sorted(energies))]
    kept = figures.spread(front, most, always={str(len(front) // 2)})
    assert kept[0] is front[0] and kept[-1] is front[-1] and front[len(front) // 2] in kept
    assert len(kept) <= most + 2
    assert [p.energy_kwh for p in kept] == sorted(p.energy_kwh for p in kept)


@given(st.floats(1e-6, 1e3), st.floats(1.0, 1e6))
def test_a_logarithmic_axis_holds_its_values_and_is_labelled(low: float, ratio: float) -> None:
    axis = figures.log_axis(low, low * ratio)
    first, last = axis["range"]
    assert first < math.log10(low) and math.log10(low * ratio) < last
    assert len(axis["tickvals"]) == len(axis["ticktext"]) <= 20
    assert all(first <= math.log10(tick) <= last for tick in axis["tickvals"])


def test_curves_end_where_the_choice_does(answered: Answer) -> None:
    curve = answered.recommendation.curve(answered.chosen_position)
    figure = detail_figures.curves_figure(curve, "accuracy")
    legal(figure)
    assert figure["data"][2]["y"][-1] == pytest.approx(100 * answered.chosen.quality, abs=0.2)


def test_phases_add_up_to_the_predicted_energy() -> None:
    shares, count = detail_figures.phase_shares(
        [a_measured_run(), a_measured_run(), a_measured_run(model="vit")], "cnn"
    )
    assert count == 2 and sum(shares.values()) == pytest.approx(1) and shares["training"] == pytest.approx(0.75)
    figure = detail_figures.phases_figure(shares, 2e-6)
    legal(figure)
    assert sum(trace["x"][0] for trace in figure["data"]) == pytest.approx(2)  # mWh


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs(),
        Inputs(domain="recsys", dataset="movielens_small"),
        Inputs(domain="cv", dataset=DESCRIBED, task={"n_train": 5000, "n_classes": 10, "image_size": 28}),
    ],
    ids=["known", "small", "described"],
)
def test_steps_start_at_the_most_accurate_and_end_at_the_choice(inputs: Inputs) -> None:
    found = answer(inputs)
    assert isinstance(found, Answer)
    steps, top = steps_to(found), found.recommendation.most_accurate
    assert steps[0].energy_before_kwh == pytest.approx(top.energy_kwh, rel=1e-3)
    assert steps[0].quality_before == pytest.approx(top.quality, abs=1e-4)
    assert steps[-1].energy_after_kwh == pytest.approx(found.chosen.energy_kwh, rel=1e-3)
    assert steps[-1].quality_after == pytest.approx(found.chosen.quality, abs=1e-4)
    assert all(a.energy_after_kwh == b.energy_before_kwh for a, b in pairwise(steps))
    legal(detail_figures.steps_figure(steps))


def test_a_step_that_costs_more_points_the_other_way() -> None:
    up = detail_figures.steps_figure([Step("width 1 → 2", "model", 1e-3, 2e-3, 0.8, 0.85)])
    assert up["data"][0]["marker"]["symbol"][1] == "triangle-right"
    assert "+100 % energy, +5.0 points" in up["data"][0]["text"][1]


def test_any_two_columns_make_a_figure() -> None:
    rows = explore.select_runs(current_source().records)
    for x, y in (("energy_kwh", "quality_validation"), ("n_parameters", "duration_s"), ("gpu_tdp_w", "epochs")):
        figure = explore.scatter_figure(rows, x, y)
        legal(figure)
        assert sum(len(trace["x"]) for trace in figure["data"]) <= explore.MOST_POINTS


def test_filters_leave_what_they_say() -> None:
    records = current_source().records
    estimated = explore.select_runs(records, "cv", energy="estimated")
    assert estimated and all(r["domain"] == "cv" and not sources(r)[0] for r in estimated)
    headers, cells = explore.table(estimated)
    assert "energy (kWh)" in headers and len(cells) <= explore.MOST_ROWS
    assert all(len(row) == len(headers) for row in cells)


def test_only_runs_of_the_task_and_machine_stand_in_the_front() -> None:
    row = {"domain": "cv", "dataset": "d", "model": "m", "status": "completed", "energy_kwh": 1e-6, "device": "cuda",
           "quality_last": 0.5, "gpu_model": "H200", "cpu_model": "x"}  # fmt: skip
    rows = [
        row,
        {**row, "dataset": "e"},
        {**row, "gpu_model": "T4"},
        {**row, "status": "failed"},
        {**row, "energy_kwh": None},
    ]
    assert len(measured_runs(rows, "cv", "d", {"device": "cuda", "gpu_model": "H200", "cpu_model": "other"})) == 1
    assert len(measured_runs(rows, "cv", "d")) == 2


def test_runs_made_side_by_side_stand_beside_predictions_of_a_training_alone():
    row = {
        "domain": "cv", "dataset": "d", "model": "mlp", "status": "completed", "quality_last": 0.5, "energy_kwh": 3.0,
        "ram_energy_kwh": 2.0, "cpu_energy_kwh": 1.0, "ram_energy_method": "scope=machine; node_share=0.5",
    }  # fmt: skip
    (shown,) = measured_runs([row], "cv", "d")
    assert shown.energy_kwh == 5.0, "all of the memory's draw, as in the prediction"
