"""What one processor needs more than another is taken out of what is learned, and put back into what is predicted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import RefusedError
from ecotaskset.load import load_runs
from green_predictor import domain_model, processors, targets
from green_predictor.fit_domain import fit_domain
from green_predictor.processors import LEAST_RUNS
from green_predictor.storage import load, save

HOME, AWAY = "AMD EPYC (Genoa, family 25 model 17)", "another processor"


@pytest.fixture(scope="module")
def home():
    """Every third run of the images' snapshot: all of one processor."""
    rows = load_runs("cv").to_pylist()
    return [r for r in rows if r["cpu_model"] == HOME and targets.usable(r)][::3]


def away(record, energy, time):
    """The same run on another processor, with so many times the energy and the time."""
    moved = {**record, "cpu_model": AWAY, "duration_s": record["duration_s"] * time, "run_id": None}
    for name, value in record.items():
        if name.endswith("_kwh") and value is not None:
            moved[name] = [v * energy for v in value] if isinstance(value, list) else value * energy
    moved["curve_duration_s"] = [v * time for v in record["curve_duration_s"] or []]
    return moved


@given(energy=st.floats(0.02, 50), time=st.floats(0.02, 50))
def test_a_processor_is_as_much_slower_as_its_runs_say(home, energy, time):
    some = home[:60]
    data = targets.prepare([*some, *(away(r, energy, time) for r in some[:50])])
    assert set(data.reference.paces) == {AWAY}, "the commonest is what the others are beside"
    assert data.reference.paces[AWAY] == pytest.approx((np.log(energy), np.log(time)), abs=0.1)


def test_without_runs_of_the_same_on_both_or_without_several_nothing_is_taken_out(home):
    one, others = home[0], [r for r in home if (r["dataset"], r["model"]) != (home[0]["dataset"], home[0]["model"])]
    alone = [away(one, 2, 2) for _ in range(LEAST_RUNS)]
    assert targets.prepare([*others[:40], *alone]).reference.paces == {}
    assert targets.prepare([*home[:40], *alone[1:]]).reference.paces == {}
    assert AWAY in targets.prepare([*home[:40], *alone]).reference.paces
    card = [{**r, "device": "cuda", "gpu_model": "a card", "gpu_energy_kwh": r["energy_kwh"]} for r in alone]
    assert targets.prepare([*home[:40], *card]).reference.paces == {}, "an accelerator is described by its columns"


def test_an_energy_in_another_unit_makes_no_pace_that_a_model_could_not_keep(home):
    moved = [{**away(r, 3.6e6, 1.0), "duration_s": None, "curve_duration_s": []} for r in home[:20]]
    energy, time = targets.prepare([*home[:40], *moved]).reference.paces[AWAY]
    assert energy == time == processors.MOST


def test_targets_are_the_same_on_both_and_restored_they_differ(home):
    some = home[:40]
    moved = [away(r, 3.0, 2.0) for r in some[:20]]
    data = targets.prepare([*some, *moved])
    cpu = data.rows.text("cpu_model")
    own, other = np.flatnonzero(cpu == HOME), np.flatnonzero(cpu == AWAY)
    same = [data.y[own[i]] - data.y[other[i]] for i in range(len(other))]
    assert np.abs(same).max() < 0.1
    quality, kwh, seconds = targets.restore(data.y, data.rows, data.reference)
    assert np.median(kwh[other] / kwh[own[: len(other)]]) == pytest.approx(3.0, rel=1e-3)
    assert np.median(seconds[other] / seconds[own[: len(other)]]) == pytest.approx(2.0, rel=1e-3)
    assert np.allclose(quality[other], quality[own[: len(other)]])


@pytest.fixture(scope="module")
def fitted(home):
    return fit_domain("cv", [*home, *(away(r, 3.0, 2.0) for r in home[::4])], families=["linear"])


def test_a_prediction_is_of_the_processor_that_is_asked_about(fitted, home):
    def said(cpu):
        rows = targets.prepare([{**home[5], "cpu_model": cpu}], "all", fitted.reference).rows
        return domain_model.predict_rows(fitted, rows, domain_model.evidence(fitted, home[5]["dataset"]))

    here, there = said(HOME), said(AWAY)
    assert there.energy_kwh == pytest.approx(3.0 * here.energy_kwh, rel=0.1)
    assert there.duration_s == pytest.approx(2.0 * here.duration_s, rel=0.1)
    assert np.allclose(here.quality, there.quality)
    for end in ("energy_low_kwh", "energy_high_kwh"):
        assert getattr(there, end) == pytest.approx(3.0 * getattr(here, end), rel=0.1)


def test_errors_are_as_small_as_without_the_other_processor(fitted, home):
    alone = fit_domain("cv", home, families=["linear"])
    assert fitted.within_seen[targets.ENERGY] < 1.3 * alone.within_seen[targets.ENERGY]


def test_it_is_kept_with_the_model_and_what_cannot_be_is_refused(fitted, tmp_path):
    save({"cv": fitted}, tmp_path, {})
    assert load(tmp_path)[0]["cv"].reference.paces == fitted.reference.paces != {}
    head = json.loads((tmp_path / "model.json").read_text())
    for wrong in ({AWAY: [1.0]}, {AWAY: ["a", 1.0]}, {AWAY: [1e9, 0.0]}, [1, 2], None):
        head["domains"]["cv"]["paces"] = wrong
        (tmp_path / "model.json").write_text(json.dumps(head))
        with pytest.raises(RefusedError):
            load(tmp_path)
