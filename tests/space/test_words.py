"""Numbers as people read them keep their value and always carry a unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from space import words

FACTORS = {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6, "µWh": 1e-9}


@given(st.floats(1e-12, 1e9))
def test_energy_reads_back_as_the_same_amount(kwh: float) -> None:
    text, unit = words.energy(kwh).rsplit(" ", 1)
    assert float(text.replace(",", "")) * FACTORS[unit] == pytest.approx(kwh, rel=0.0051)


@given(st.floats(1e-3, 1e8))
def test_a_time_reads_back_as_the_same_time(seconds: float) -> None:
    text, unit = words.duration(seconds).rsplit(" ", 1)
    size = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3}[unit]
    assert float(text.replace(",", "")) * size == pytest.approx(seconds, rel=0.0051)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.021, "0.021"),
        (1234.4, "1,230"),
        (0.0, "0"),
        (12.0, "12"),
        (100.0, "100"),
        (1.2e-7, "1.20e-07"),
        (None, "unknown"),
    ],
)
def test_three_digits_and_no_more(value: float | None, text: str) -> None:
    assert words.number(value) == text


def test_an_interval_has_its_unit_once() -> None:
    assert words.energy_range(7.5e-7, 4.2e-6) == "0.75–4.2 mWh"
    assert words.duration_range(0.05, 0.12) == "50–120 ms"
    assert words.energy_range(1e-12, 4.1e-3) == "<0.004–4.1 Wh"
    assert words.share_range(0.971, 0.989) == "97.1–98.9 %"


def test_savings_are_said_the_right_way_round() -> None:
    assert words.less_energy(38, 100) == "62 % less energy"
    assert words.less_energy(150, 100) == "50 % more energy"
    assert words.less_energy(310, 100) == "3.1 × the energy"
    assert words.less_energy(1.0, 1.0) == "the same energy"


def test_text_inside_a_page_is_only_text() -> None:
    assert words.safe("<img src=x onerror='a'>") == "&lt;img src=x onerror=&#x27;a&#x27;&gt;"
