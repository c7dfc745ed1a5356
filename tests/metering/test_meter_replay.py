"""ReplayMeter: the same surface over recorded windows."""

from __future__ import annotations

import json

import pytest
from burn import burn_cpu

from collectors.metering import EnergyMeter, ReplayMeter, recording_of
from ecotaskset.errors import UsageError

RECORDING = {
    "format": 1,
    "windows": [
        {
            "name": "training",
            "duration_s": 10.0,
            "components": {
                "gpu": {"energy_kwh": 3e-4, "source": "nvml_counter", "quality": "measured", "gain": [0.95, 1.05]},
                "cpu": {"energy_kwh": 1e-4, "source": "cpu_time_model", "quality": "modelled", "gain": [0.5, 3]},
                "ram": {"energy_kwh": None, "quality": "missing", "reason": "not recorded"},
            },
        },
        {
            "name": "evaluation",
            "duration_s": 2.0,
            "components": {
                "gpu": {"energy_kwh": 5e-5, "source": "nvml_counter", "quality": "measured"},
                "cpu": {"energy_kwh": 2e-5, "source": "cpu_time_model", "quality": "modelled"},
            },
        },
    ],
}


def test_a_recording_plays_any_nesting_with_provenance_and_no_waiting(tmp_path):
    path = tmp_path / "recording.json"
    path.write_text(json.dumps(RECORDING))
    with ReplayMeter(path, country="DEU", baseline_s=30) as meter:
        for _ in range(3):
            with meter.window("training"), meter.window("evaluation"):
                pass
        middle = meter.snapshot()
        with meter.window("evaluation"):
            pass
    report = meter.report()
    assert middle.energy_kwh == pytest.approx(3 * 4e-4) and middle.duration_s == pytest.approx(30)
    assert report.energy_kwh == pytest.approx(3 * 4e-4 + 7e-5)
    assert report.energy_measured_kwh == pytest.approx(3 * 3e-4 + 5e-5)
    assert report.windows["training"].duration_s == pytest.approx(30)
    assert report.parts["training"].energy_kwh == pytest.approx(3 * (4e-4 - 7e-5))
    assert report.components["gpu"].source == "nvml_counter"
    assert report.components["ram"].energy_kwh is None and report.components["ram"].reason == "not recorded"
    assert report.emissions_kg == pytest.approx(report.energy_kwh * 0.381, rel=0.01)
    assert meter.measures()


def test_a_real_report_replays_to_the_same_energies(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        for _ in range(3):
            with meter.epoch(), meter.window("training"):
                burn_cpu(0.05)
    original = meter.report()
    recording = json.loads(json.dumps(recording_of(original.to_dict())))
    with ReplayMeter(recording) as meter:
        for _ in range(3):
            with meter.epoch(), meter.window("training"):
                pass
    replayed = meter.report()
    assert replayed.windows["training"].energy_kwh == pytest.approx(original.windows["training"].energy_kwh)
    assert replayed.windows["epoch"].energy_kwh == pytest.approx(original.windows["epoch"].energy_kwh)
    assert replayed.components["cpu"].quality == "modelled"
    assert replayed.components["gpu"].energy_kwh is None


def test_what_the_recording_does_not_hold_is_refused_by_name(tmp_path):
    with (
        ReplayMeter(RECORDING) as meter,
        pytest.raises(UsageError, match="no window 'trainig'"),
        meter.window("trainig"),
    ):
        pass
    path = tmp_path / "wrong.json"
    for content in ("not json", "[]", '{"format": 9, "windows": []}', '{"format": 1, "windows": [{"name": "a"}]}'):
        path.write_text(content)
        with pytest.raises(UsageError):
            ReplayMeter(path)
    with pytest.raises(UsageError):
        ReplayMeter(tmp_path / "absent.json")
