"""Amounts have two digits and a unit that suits them."""

from __future__ import annotations

import pytest
from ecotaskset.amounts import duration, energy, mass

from green_predictor import verdict


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (energy(0.00771), "7.7 Wh"),
        (energy(0.0206), "21 Wh"),
        (energy(1234.0), "1200 kWh"),
        (energy(3e-7), "300 µWh"),
        (energy(6e-7), "0.6 mWh"),
        (mass(0.0123), "12 g"),
        (duration(0.05), "50 ms"),
        (duration(90), "90 s"),
        (duration(9000), "2.5 h"),
    ],
)
def test_an_amount_is_short_and_has_its_unit(text, amount):
    assert text == amount


@pytest.mark.parametrize("value", [0, 1e-9, 4.9e-4, 5e-4, 0.07, 1, 130, 9e5])
def test_all_commands_write_amounts_alike(value):
    assert [f(value) for f in (energy, mass, duration)] == [
        f(value) for f in (verdict.energy, verdict.mass, verdict.duration)
    ]
