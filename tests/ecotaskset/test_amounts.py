"""Amounts have two digits and a unit that suits them."""

from __future__ import annotations

import pytest

from ecotaskset.amounts import duration, energy, mass


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
        (duration(105), "100 s"),
        (duration(1e-9), "0.000001 ms"),
        (duration(9000), "2.5 h"),
        (duration(1e7), "2780 h"),
    ],
)
def test_an_amount_is_short_and_has_its_unit(text, amount):
    assert text == amount
