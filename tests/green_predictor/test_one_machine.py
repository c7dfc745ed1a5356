"""A choice is judged on one machine; what ran on another processor counts as what it would need there."""

from __future__ import annotations

import numpy as np
import pytest

from green_predictor import judge, targets
from green_predictor.one_machine import by_machine, comparable, converted
from green_predictor.protocols import machine_of

TURIN = {"cpu_model": "AMD EPYC (Turin, family 26 model 2)"}


@pytest.fixture(scope="module")
def genoa(digits):
    return [r for r in digits if "Genoa" in r["cpu_model"] and targets.usable(r)]


def elsewhere(record, factor=0.5, **more):
    """The same training on a machine that needs so much of the energy and the time."""
    scaled = {n: record[n] * factor for n in ("energy_kwh", "duration_s")}
    curves = {n: [v * factor for v in record[n]] for n in ("curve_energy_kwh", "curve_duration_s")}
    return {**record, **scaled, **curves, **TURIN, "cpu_count": 64, "flags": [], **more}


def test_a_run_of_another_processor_is_converted_back_to_what_it_would_need_here(genoa):
    there = [r for r in genoa if r["recipe_id"] != genoa[0]["recipe_id"]]
    both = [*genoa, *map(elsewhere, there)]
    (runs,) = by_machine(both, comparable(both)).values()
    assert len(runs) == len(both) and {machine_of(r) for r in runs} == {genoa[0]["cpu_model"]}
    for before, after in zip(there, runs[len(genoa) :], strict=True):
        assert after["energy_kwh"] == pytest.approx(targets.as_if_alone(before)["energy_kwh"], rel=0.15)
        assert after["curve_duration_s"] == pytest.approx(before["curve_duration_s"], rel=0.15)
        assert after["quality_validation"] == before["quality_validation"], "quality does not hang on the machine"
        assert after["cpu_threads"] == before["cpu_threads"] and after["flags"] == ["converted"]


def test_a_recipe_costs_what_it_did_on_the_machine_itself_and_a_converted_one_only_adds_to_its_quality(genoa):
    first = genoa[0]
    own = [r for r in genoa if r["recipe_id"] == first["recipe_id"]]
    strange = elsewhere(first, 40.0, quality_validation=0.5, quality_last=0.5, quality_test=0.5)
    there = converted(strange, first, {machine_of(first): (0.0, 0.0), machine_of(strange): (0.0, 0.0)})
    others = [r for r in genoa if r["recipe_id"] != first["recipe_id"]]
    before, after = (judge.measured_task("digits", [*others, *own, *more]) for more in ([], [there]))
    place = [before.records[i]["recipe_id"] for i in before.first].index(first["recipe_id"])
    assert after.energy[place] == pytest.approx(before.energy[place]) and after.quality[place] < before.quality[place]
    assert after.noise[0] == before.noise[0], "what is converted says nothing of how energy wavers here"


def test_all_energies_of_a_run_are_converted_alike_and_none_is_made_up(genoa):
    first = {**genoa[0], "energy_measured_kwh": None, "energy_high_kwh": 2 * genoa[0]["energy_kwh"]}
    there = elsewhere(first)
    after = converted(there, first, {machine_of(first): (0.7, 0.5), machine_of(there): (0.0, 0.0)})
    whole = targets.as_if_alone(there)
    for name in ("energy_kwh", "energy_high_kwh", "cpu_energy_kwh", "ram_energy_kwh"):
        assert after[name] == pytest.approx(whole[name] * np.exp(0.7))
    assert after["duration_s"] == pytest.approx(there["duration_s"] * np.exp(0.5))
    assert after["energy_measured_kwh"] is None and after["gpu_energy_kwh"] is None


def test_what_only_ran_elsewhere_is_there_to_be_chosen(genoa):
    ids = sorted({r["recipe_id"] for r in genoa})
    both = [elsewhere(r) if r["recipe_id"] in ids[::3] else r for r in genoa]
    (runs,) = by_machine(both, comparable(both)).values()
    task, whole = judge.measured_task("digits", runs), judge.measured_task("digits", genoa)
    assert len(task.quality) == len(whole.quality)
    assert np.median(np.abs(np.log(task.energy / whole.energy))) < 0.15


def test_machines_that_cannot_be_compared_are_judged_apart_where_they_ran_enough(genoa):
    card = [{**r, "device": "cuda", "gpu_model": "H100"} for r in genoa]
    ids = sorted({r["recipe_id"] for r in genoa})
    few, many = ([r for r in card if r["recipe_id"] in ids[:count]] for count in (5, 2 * len(ids) // 3))
    paces = comparable([*genoa, *card])
    assert by_machine([*genoa, *few], paces) == {"": genoa}
    assert set(by_machine([*genoa, *many], paces)) == {genoa[0]["cpu_model"], "H100"}
