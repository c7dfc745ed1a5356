"""A limit that leaves nothing is answered with one that is kept to: whoever types the figure named gets an answer."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from space.answer import Answer, NoAnswer, answer
from space.state import Inputs

UNITS = {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6, "µWh": 1e-9, "h": 1.0, "min": 1 / 60, "s": 1 / 3600, "ms": 1e-3 / 3600}


@pytest.mark.parametrize(("domain", "dataset"), [("cv", "digits"), ("recsys", "movielens_small")])
@pytest.mark.parametrize("limit", ["kwh", "hours"])
def test_the_least_that_is_named_is_enough_and_no_less_is(domain: str, dataset: str, limit: str) -> None:
    asked = Inputs(domain=domain, dataset=dataset, **{limit: 1e-12})
    found = answer(asked)
    assert isinstance(found, NoAnswer) and found.message.startswith("Nothing satisfies under")
    assert found.hint is not None
    assert found.hint.startswith("The cheapest is" if limit == "kwh" else "The fastest is")
    number, unit = re.search(r"count on ([\d.,e+-]+) (\S+)\.", found.hint).groups()
    least = float(number.replace(",", "")) * UNITS[unit]
    assert isinstance(answer(replace(asked, **{limit: least * (1 + 1e-9)})), Answer)
    assert isinstance(answer(replace(asked, **{limit: least * 0.98})), NoAnswer)


def test_of_two_limits_the_second_is_told_among_what_keeps_to_the_first() -> None:
    within = answer(Inputs(dataset="digits", kwh=1e-7))
    assert isinstance(within, Answer)
    both = answer(Inputs(dataset="digits", kwh=1e-7, hours=1e-12))
    assert isinstance(both, NoAnswer) and both.hint is not None and "under 100 µWh and under" in both.message
    assert both.hint.startswith("The fastest of those is")
