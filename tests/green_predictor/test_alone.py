"""Runs side by side share the memory's draw; alone they would not have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor import targets
from green_predictor.alone import as_if_alone


def shared(share: float = 0.5, ram: float = 2.0, cpu: float = 1.0):
    return {
        "energy_kwh": ram + cpu, "cpu_energy_kwh": cpu, "ram_energy_kwh": ram, "training_energy_kwh": ram + cpu,
        "curve_energy_kwh": [1.0, None, ram + cpu], "ram_energy_method": f"scope=machine; node_share={share}; origin=x",
    }  # fmt: skip


def test_half_of_the_draw_becomes_all_of_it():
    made = as_if_alone(shared())
    assert made["ram_energy_kwh"] == 4.0 and made["cpu_energy_kwh"] == 1.0 and made["energy_kwh"] == 5.0
    assert made["training_energy_kwh"] == 5.0 and made["curve_energy_kwh"] == [pytest.approx(5 / 3), None, 5.0]


@given(st.floats(0.05, 1.0), st.floats(1e-9, 1.0), st.floats(1e-9, 1.0))
def test_it_is_the_sum_of_its_parts_and_done_once(share, ram, cpu):
    once = as_if_alone(shared(round(share, 3), ram, cpu))
    assert once["energy_kwh"] == pytest.approx(once["ram_energy_kwh"] + once["cpu_energy_kwh"])
    assert as_if_alone(once) == once


def test_what_was_not_shared_or_not_modelled_stays():
    for method in (None, "scope=machine; counter=dram", "scope=machine; node_share=1.0"):
        assert as_if_alone(shared() | {"ram_energy_method": method})["energy_kwh"] == 3.0
    assert as_if_alone(shared() | {"ram_energy_kwh": None})["energy_kwh"] == 3.0


def test_what_is_predicted_is_a_training_alone(digits):
    run = next(r for r in digits if "node_share=0.5" in (r["ram_energy_method"] or "") and targets.usable(r))
    assert targets.prepare([run]).records[0]["energy_kwh"] > 1.1 * run["energy_kwh"]
