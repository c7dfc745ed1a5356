"""On a machine that is not in the data, its user's own runs say how much energy and time a training takes there."""

from __future__ import annotations

import math

import pytest

from ecotaskset.load import load_tables
from ecotaskset.run import from_table
from ecotaskset.store import STORE_VARIABLE, Store
from green_predictor import GreenPredictor, hardware, recommend, this_machine
from green_predictor.pace import AT_ONCE, NEWEST
from green_predictor.source import SHIPPED_MODEL, models_for

MINE = "a processor nobody has"
ASKED = {"domain": "cv", "dataset": "mnist", "max_quality_loss": 0.01}


@pytest.fixture(scope="module")
def shipped():
    runs = (run for table in load_tables().values() for run in from_table(table))
    return [r for r in runs if r.status == "completed" and r.data_cached and "Genoa" in r.cpu_model]


@pytest.fixture
def store(monkeypatch, tmp_path):
    """The default store, empty, on a machine that is not in the data and twice as slow by its matrix products."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    monkeypatch.setattr(this_machine, "is_cpu", lambda name: name == MINE)
    monkeypatch.setattr(this_machine, "gpu_model", lambda: None)
    rate = hardware.machine(models_for()["cv"].runs, "Genoa").columns["matmul_gflops"]
    monkeypatch.setattr(this_machine, "thread_gflops", lambda: rate / 2)
    return Store()


def keep(store, run, energy=3.0, time=2.5, **changed):
    """Keep a run as if it had been made here, with so many times the energy and the time."""
    values = {**run.model_dump(), "run_id": "", "cpu_model": MINE, "duration_s": run.duration_s * time}
    for name, value in values.items():
        if name.endswith("_kwh") and value is not None:
            values[name] = [v * energy for v in value] if isinstance(value, list) else value * energy
    store.append(type(run).model_validate({**values, **changed}))


def on(shipped, dataset, count):
    """Some runs of a task in the data, every tenth of them."""
    return [run for run in shipped if run.dataset == dataset][: 10 * count : 10]


def test_a_few_runs_of_any_task_settle_energy_and_time_of_all(store, shipped):
    unpaced = recommend(**ASKED)
    assert "× 2.00, as for a matrix product" in unpaced.hardware_basis
    for run in on(shipped, "digits", 7) + on(shipped, "tweets", 7):
        keep(store, run)
    paced, known = recommend(**ASKED), recommend(**ASKED, hardware="Genoa")
    assert "by 14 of your runs here" in paced.hardware_basis
    assert paced.best.recipe == known.best.recipe and paced.best.quality == known.best.quality
    assert paced.best.energy_kwh == pytest.approx(3.0 * known.best.energy_kwh, rel=0.15)
    assert paced.best.duration_s == pytest.approx(2.5 * known.best.duration_s, rel=0.15)
    widths = [a.best.energy_high_kwh / a.best.energy_low_kwh for a in (known, paced, unpaced)]
    assert widths == sorted(widths)
    assert "made on this machine" in unpaced.support.sentence and "this machine" not in paced.support.sentence
    asked = {**paced.best.recipe.model_dump(exclude={"seed"}), "domain": "cv", "dataset": "mnist"}
    predicted = GreenPredictor.load(SHIPPED_MODEL).predict([asked])
    assert predicted.energy_kwh[0] == pytest.approx(paced.best.energy_kwh, rel=0.02), "asked in another way, the same"


def test_the_more_runs_the_less_is_left_open(store, shipped):
    widths = []
    for run in on(shipped, "digits", 3):
        keep(store, run)
        best = recommend(**ASKED).best
        widths.append(math.log(best.energy_high_kwh / best.energy_low_kwh))
    assert widths == sorted(widths, reverse=True) and widths[0] > widths[-1]


def test_runs_that_say_nothing_of_this_machine_do_not_count(store, shipped):
    run = on(shipped, "digits", 1)[0]
    keep(store, run, cpu_model="another processor")
    keep(store, run, gpu_model="a card", device="cuda", gpu_energy_kwh=run.energy_kwh)
    keep(store, run, dataset="a task nobody knows")
    keep(store, run, status="diverged", curve_energy_kwh=[], energy_kwh=None, status_reason="no energy known")
    assert "your runs" not in recommend(**ASKED).hardware_basis
    keep(store, run)
    assert "by 1 of your runs here" in recommend(**ASKED).hardware_basis
    assert "your runs" not in recommend(**ASKED, hardware="Genoa").hardware_basis, "another machine was asked about"


def test_the_first_run_of_a_task_counts_without_what_preparing_the_data_took(store, shipped):
    run = next(r for r in shipped if r.dataset == "digits" and r.epochs_run and r.epochs_run > 9)
    prepared = 100 * run.energy_kwh
    curves = {
        "curve_energy_kwh": [3.0 * v + prepared for v in run.curve_energy_kwh],
        "curve_duration_s": [2.5 * v + 60 for v in run.curve_duration_s],
    }
    whole = {"energy_kwh": 3.0 * run.energy_kwh + prepared, "duration_s": 2.5 * run.duration_s + 60}
    keep(store, run, data_cached=False, ram_energy_kwh=None, ram_energy_method=None, **whole, **curves)
    paced, known = recommend(**ASKED), recommend(**ASKED, hardware="Genoa")
    assert "by 1 of your runs here" in paced.hardware_basis
    assert paced.best.energy_kwh == pytest.approx(3.0 * known.best.energy_kwh, rel=0.5)
    assert paced.best.duration_s == pytest.approx(2.5 * known.best.duration_s, rel=0.5)


def test_where_no_time_is_known_it_goes_with_the_energy(store, shipped):
    keep(store, on(shipped, "digits", 1)[0], duration_s=None)
    paced, known = recommend(**ASKED), recommend(**ASKED, hardware="Genoa")
    more, longer = (getattr(paced.best, n) / getattr(known.best, n) for n in ("energy_kwh", "duration_s"))
    assert 2 < more == pytest.approx(longer, rel=1e-3)


def test_runs_on_data_of_ones_own_do_not_push_out_those_that_say_something(store, shipped):
    one, other = on(shipped, "digits", 2)
    keep(store, one)
    for number in range(NEWEST + AT_ONCE):
        keep(store, other, dataset="my-images", seed=number)
    assert "by 1 of your runs here" in recommend(**ASKED).hardware_basis


def test_a_store_that_cannot_be_read_is_left_as_it_is_and_says_nothing(store, shipped, monkeypatch):
    keep(store, on(shipped, "digits", 1)[0])
    (path,) = (store.path / "runs").iterdir()
    path.write_text("{")
    assert "as for a matrix product" in recommend(**ASKED).hardware_basis
    assert path.exists() and not store.damaged(), "asking moves nothing"
    monkeypatch.setenv(STORE_VARIABLE, "~nobody-here/store")
    assert "as for a matrix product" in recommend(**ASKED).hardware_basis


def test_observed_runs_of_this_machine_bring_its_pace_and_those_of_another_theirs(store, shipped):
    task = {"n_train": 1200, "n_classes": 10, "image_size": 8, "name": "mine"}
    asked = {"domain": "cv", "dataset": task, "hardware": "auto"}
    base = recommend(**asked, candidates=[on(shipped, "digits", 1)[0].recipe()])
    best = base.best
    run = {**best.recipe.model_dump(), "dataset": "mine", "quality": best.quality}
    here = {"device": "cpu", "cpu_model": MINE, "cpu_threads": 1, "matmul_gflops": 40.0, "energy_kwh": best.energy_kwh,
            "duration_s": best.duration_s}  # fmt: skip
    there = {"device": "cpu", "cpu_model": shipped[0].cpu_model, "energy_kwh": best.energy_kwh / 2,
             "duration_s": best.duration_s / 2}  # fmt: skip
    for costs in (here, there):
        told = recommend(**asked, candidates=[best.recipe], observed=[{**run, **costs}])
        assert told.best.energy_kwh == pytest.approx(best.energy_kwh, rel=0.1), "just as was predicted"
        wide = told.best.energy_high_kwh / told.best.energy_low_kwh
        assert ("made on this machine" in told.support.sentence) == (costs is there)
        assert (wide > 2.5) == (costs is there), "runs of another machine do not say how fast this one is"


def test_runs_that_can_be_read_but_once_are_enough(store):
    rows = (row for row in load_tables("cv")["test"].to_pylist())
    assert recommend(domain="cv", dataset="digits", data=rows).best.energy_kwh > 0


def test_on_a_machine_in_the_data_they_are_not_looked_at(store, shipped, monkeypatch):
    keep(store, on(shipped, "digits", 1)[0])
    model = models_for()["cv"]
    monkeypatch.setattr(this_machine, "is_cpu", lambda name: True)
    monkeypatch.setattr(hardware.os, "cpu_count", lambda: model.runs[0]["cpu_count"])
    assert recommend(**ASKED).hardware_basis == "this machine, which is in the data"
