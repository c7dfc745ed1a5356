"""The report finds what was put in: spreads, outliers, contention, gaps and leaks with known answers."""

from __future__ import annotations

import io
import json
import statistics
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ecotaskset.report import Row, report
from ecotaskset.report_drift import drift, hour_factors
from ecotaskset.report_figures import write_figures
from ecotaskset.report_leaks import leak_check
from ecotaskset.report_outliers import outliers
from ecotaskset.report_repeats import UNSTEADY_CV, repeatability, variation
from ecotaskset.report_text import render


def described(runs):
    return report([Row(run) for run in runs])


def energies(make_run, values, **changes):
    return [make_run(seed=s, energy_kwh=v, cpu_energy_kwh=v, **changes) for s, v in enumerate(values)]


def test_counts_and_coverage(make_runs, make_run):
    knob = {"phase": "training", "name": "precision", "value": "bf16"}
    other = {"phase": "system", "name": "torch_compile", "value": "true"}
    runs = [*make_runs(4, seeds=3), make_run(domain="nlp", knobs=[knob, other], status="diverged", n_train=None)]
    data = described(runs)
    assert (data["runs"], data["recipes"]) == (13, 5)
    cv, nlp = data["domains"]["cv"], data["domains"]["nlp"]
    assert (cv["runs"], cv["recipes"], cv["recipes_with_seeds"]) == (12, 4, 4)
    assert cv["total_energy_kwh"] == pytest.approx(12 * 2e-5, rel=0.01)
    assert cv["learning_rate"] == {"min": 1e-4, "median": pytest.approx(3e-4), "max": pytest.approx(4e-4)}
    assert (nlp["recipes_with_seeds"], nlp["runs_with_several_knobs"]) == (0, 1)
    assert nlp["knob_phases"] == {"system": 1, "training": 1}
    assert data["statuses"] == {"completed": 12, "diverged": 1} and "recsys" not in data["domains"]
    assert "n_train" in data["missing"]["nlp"]["never"] and "n_train" not in data["missing"]["cv"]["never"]


def test_energy_says_what_was_measured(make_run):
    measured = make_run(
        gpu_energy_kwh=6e-5,
        gpu_energy_source="nvml_counter",
        gpu_energy_quality="measured",
        energy_kwh=8e-5,
        energy_measured_kwh=6e-5,
        seed=1,
    )
    data = described([make_run(), measured, make_run(energy_kwh=None, cpu_energy_kwh=None, seed=2)])["energy"]
    assert data["measured_share"] == pytest.approx(6e-5 / 1e-4)
    assert data["runs_without_energy"] == 1 and data["runs_fully_measured"] == 0
    assert data["components"]["gpu"] == {"none (missing)": 2, "nvml_counter (measured)": 1}


def test_repeatability_by_source(make_run):
    steady, wild = [1.0, 1.02, 0.98], [1.0, 2.0, 3.0]
    runs = energies(make_run, steady) + energies(make_run, wild, epochs=3, epochs_run=3)
    runs += energies(make_run, [5.0, 9.0], cpu_energy_source="rapl_package", cpu_energy_quality="measured", epochs=4)
    data = repeatability(runs)["seeds"]
    model = data["cpu:cpu_time_model"]
    assert (model["groups"], model["runs"]) == (2, 6)
    assert model["energy_cv"]["max"] == pytest.approx(statistics.stdev(wild) / 2)
    (marked,) = model["unsteady"]
    assert marked["energy_cv"] > UNSTEADY_CV and len(marked["runs"]) == 3
    assert data["cpu:rapl_package"]["groups"] == 1
    assert repeatability(runs)["repeats"] == {}  # every seed is another


def test_repeats_need_the_same_seed_and_the_same_machine(make_run):
    here = [make_run(energy_kwh=v, cpu_energy_kwh=v) for v in (1.0, 1.1)]
    there = make_run(energy_kwh=7.0, cpu_energy_kwh=7.0, cpu_model="other")
    data = repeatability([*here, there])["repeats"]["cpu:cpu_time_model"]
    assert (data["groups"], data["runs"]) == (1, 2) and data["energy_cv"]["max"] == pytest.approx(variation([1.0, 1.1]))


def test_early_stopping_is_not_taken_for_noise_of_the_meter(make_run):
    runs = [
        make_run(seed=s, epochs=9, epochs_run=n, energy_kwh=n * 1e-5, curve_energy_kwh=[], curve_validation_quality=[])
        for s, n in enumerate((3, 6, 9))
    ]
    (data,) = repeatability(runs)["seeds"].values()
    assert data["energy_cv"]["median"] > 0.4 and data["energy_per_epoch_cv_median"] == pytest.approx(0, abs=1e-9)


def test_the_spread_is_told_by_the_length_of_trainings(make_run):
    short, long = ((0.5, (1.0, 1.3)), (40.0, (1.0, 1.01)))
    runs = [
        make_run(seed=seed, epochs=2 if seconds < 1 else 3, duration_s=seconds, energy_kwh=kwh, cpu_energy_kwh=kwh)
        for seconds, kwhs in (short, long)
        for seed, kwh in enumerate(kwhs)
    ]
    (data,) = repeatability(runs)["seeds"].values()
    assert [(of["from_s"], of["groups"]) for of in data["energy_cv_by_length"]] == [(0, 1), (15, 1)]
    assert data["energy_cv_by_length"][0]["energy_cv_median"] == pytest.approx(variation([1.0, 1.3]))


def test_repeats_that_nobody_timed_have_no_length(make_run):
    (data,) = repeatability([make_run(seed=s, duration_s=None, curve_duration_s=[]) for s in (0, 1)])["seeds"].values()
    assert data["groups"] == 1 and data["energy_cv_by_length"] == []


def test_the_spread_is_told_by_processor_a_shared_machine_spreads_more(make_run):
    runs = [
        make_run(seed=seed, epochs=epochs, cpu_model=name, energy_kwh=kwh, cpu_energy_kwh=kwh)
        for name, kwhs, lengths in (("shared", (1.0, 1.3), (2, 3)), ("quiet", (1.0, 1.01), (2,)))
        for epochs in lengths
        for seed, kwh in enumerate(kwhs)
    ]
    (data,) = repeatability(runs)["seeds"].values()
    spreads = {of["processor"]: (of["groups"], of["energy_cv_median"]) for of in data["energy_cv_by_processor"]}
    assert list(spreads) == ["shared", "quiet"]
    assert spreads["shared"] == (2, pytest.approx(variation([1.0, 1.3])))
    assert spreads["quiet"] == (1, pytest.approx(variation([1.0, 1.01])))


def test_failed_runs_are_no_repeats(make_run):
    assert repeatability([make_run(), make_run(seed=1, status="diverged")])["seeds"] == {}


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=10), st.floats(1e-3, 1e3))
def test_variation_has_no_unit(values, factor):
    assert variation(values) == pytest.approx(variation([v * factor for v in values]), abs=1e-9)
    assert variation(values[:1]) is None


def test_outliers_by_physics_and_by_siblings(make_run):
    family = [make_run(seed=s, duration_s=6.0 + 0.1 * s) for s in range(4)]
    slow = make_run(seed=9, duration_s=20.0)
    hot = make_run(seed=10, energy_kwh=1.0, cpu_energy_kwh=1.0)  # 600 kW
    found = {(item["run_id"], item["kind"]) for item in outliers([*family, slow, hot])}
    assert (slow.run_id, "throughput") in found and (hot.run_id, "P101") in found and (hot.run_id, "power") in found
    assert not {run.run_id for run in family} & {run_id for run_id, _ in found}


def test_contention_counts_collected_runs_only(make_run):
    runs = [
        make_run(flags=["contended"], foreign_cpu_share=0.4),
        make_run(seed=1),
        make_run(seed=2, foreign_cpu_share=None),
        make_run(seed=3, origin="imported:x"),
    ]
    data = described(runs)["contention"]
    assert (data["runs"], data["contended"], data["not_observed"]) == (3, 1, 1)
    assert data["contended_share"] == pytest.approx(1 / 3)


def test_leaks_near_duplicates_and_copied_curves(make_run):
    one, twin = make_run(), make_run(learning_rate=1.001e-3)
    compiled = make_run(knobs=[{"phase": "system", "name": "torch_compile", "value": "true"}])
    other = make_run(knobs=[{"phase": "model", "name": "width", "value": "2.0"}])
    data = leak_check([(one, "train"), (twin, "test"), (compiled, "validation"), (other, "test")])
    assert data["recipes"] == []
    (group,) = data["near_duplicates"]
    assert set(group["recipes"]) == {one.recipe_id, twin.recipe_id, compiled.recipe_id}
    assert leak_check([(one, "train"), (make_run(seed=1), "test")])["recipes"] == [one.recipe_id]
    curve = {"curve_validation_quality": [0.1, 0.2, 0.3], "curve_energy_kwh": []}
    copies = [(make_run(**curve), "train"), (make_run(epochs=7, **curve), "test")]
    assert len(leak_check(copies)["equal_curves"]) == 1


def test_a_split_as_built_has_no_leak(make_runs):
    assert leak_check([(run, None) for run in make_runs(40)])["recipes"] == []


def test_the_report_is_json_text_and_pictures(make_runs, make_run, tmp_path, capsys):
    from ecotaskset.console import Output

    runs = [*make_runs(5), make_run(domain="nlp", origin="imported:x[y]"), make_run(duration_s=60.0)]
    data = described(runs)
    json.dumps(data, allow_nan=False)
    Output().result(data, human=render(data))
    text = capsys.readouterr().out
    assert "17 runs" in text and "imported:x[y]" in text and "leaks: 0 recipes in two splits" in text
    written = write_figures(runs, data, tmp_path / "figures")
    assert [path.name for path in written] == ["coverage.png", "energy_quality.png", "repeatability.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)


def shown(data, width):
    console = Console(width=width, file=io.StringIO(), highlight=False)
    for part in render(data):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue()


def test_tables_fit_a_narrow_terminal(make_runs):
    memory = {"ram_energy_kwh": 1e-6, "ram_energy_source": "ram_model", "ram_energy_quality": "modelled"}
    runs = make_runs(130, **memory)
    runs += [run.model_copy(update={"run_id": f"again-{run.run_id}", "duration_s": 6.5}) for run in runs[:30]]
    text = shown(described(runs), width=80)
    tables = text.split("outliers:")[0]
    assert "…" not in tables and tables.count("cpu:cpu_time_model+ram:ram_model") == 1
    for header in (
        ("over", "n", "runs", "median", "p90", "max", "per", "epoch", ">", "15%"),
        ("domain", "runs", "recipes", "3", "seeds", "data", "sets", "models", "knobs", "energy"),
    ):
        assert header in {tuple(line.split()) for line in tables.splitlines()}
    total = sum(run.energy_kwh for run in runs)
    assert f"{total * 1000:.2g} Wh" in tables and "kWh" not in tables


@pytest.mark.parametrize(("lone", "verdict"), [(100, "few"), (10, "many")])
def test_leaks_are_explained_and_judged(make_run, lone, verdict):
    curve = {"curve_validation_quality": [0.1, 0.2, 0.3], "curve_energy_kwh": []}
    rows = [Row(make_run(learning_rate=n + 1.0), "train") for n in range(lone)]
    rows += [Row(make_run(**curve), "train"), Row(make_run(epochs=7, **curve), "test")]
    rows += [Row(make_run(seed=1), "train"), Row(make_run(learning_rate=1.001e-3), "test")]
    lines = {line.split(":")[0]: line for line in shown(report(rows), width=80).splitlines()}
    assert "must be 0" in lines["leaks"] and "system or inference knobs" in lines["near-duplicates"]
    assert "same quality" in lines["equal curves"]
    for name in ("near-duplicates", "equal curves"):
        assert " 1 " in lines[name] and verdict in lines[name]


def test_nothing_and_unknowns_are_described_too(make_run):
    from ecotaskset.run import Run

    bare = Run(domain="cv", dataset="d", model="m", origin="imported:x")
    for runs in ([], [bare]):
        data = described(runs)
        json.dumps(data, allow_nan=False)
        assert render(data) and data["energy"]["measured_share"] is None


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=4))
def test_hours_that_made_all_recipes_dearer_are_found(speeds):
    recipes, hours, costs = [], [], []
    for recipe in range(300):
        for hour, speed in enumerate(speeds):
            recipes.append(recipe)
            hours.append(hour)
            costs.append((1 + recipe) * speed)
    found = hour_factors(recipes, hours, costs)
    typical = statistics.geometric_mean(speeds)
    for hour, speed in enumerate(speeds):
        assert found[hour] == (300, pytest.approx(speed / typical, rel=0.01))


def test_drift_is_told_by_repeats_alone(make_run):
    def at(hour, cost, **changes):
        when = datetime(2026, 5, 1, hour, 30, tzinfo=timezone.utc)
        return make_run(collected_at=when, energy_kwh=cost, cpu_energy_kwh=cost, **changes)

    slow = [at(9, 2e-5 * 1.5, seed=s, epochs=3 + s, epochs_run=3 + s) for s in range(20)]
    quick = [at(7, 2e-5, seed=s + 50, epochs=3 + s, epochs_run=3 + s) for s in range(20)]
    found = drift([*quick, *slow, at(11, 9.0, epochs=99), at(9, 8.0, epochs=4, flags=["contended"])])
    (hours,) = found.values()
    assert [(item["hour"], item["runs"]) for item in hours] == [("2026-05-01 07:00", 20), ("2026-05-01 09:00", 20)]
    assert hours[1]["factor"] / hours[0]["factor"] == pytest.approx(1.5, rel=0.05)
    assert drift(quick) == {}
