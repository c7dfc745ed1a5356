"""The page's API is `recommend` with plain values: what is left out means the same, what is wrong is said in a line."""

from __future__ import annotations

from typing import Any

import pytest

from green_predictor import recommend
from space import api

gr = pytest.importorskip("gradio")


@pytest.mark.parametrize("asked", [{"max_quality_loss": 0.05}, {"energy": 0.2}, {}], ids=str)
def test_what_is_left_out_means_what_it_means_in_the_library(asked: dict[str, Any]) -> None:
    found = api.recommend("cv", "digits", **asked)
    wish = {"prefer": {"energy": asked["energy"]}} if "energy" in asked else asked
    same = recommend(domain="cv", dataset="digits", **wish)
    assert found["preference"]["rule"] == same.preference.rule
    assert found["verdict"] == same.verdict and found["command"] == same.command


def test_a_described_machine_is_one_however_it_is_written() -> None:
    text, columns = '{"device": "cpu", "cpu_count": 8}', {"device": "cpu", "cpu_count": 8}
    assert api.recommend("cv", "digits", hardware=text) == api.recommend("cv", "digits", hardware=columns)


@pytest.mark.parametrize(
    ("hardware", "said"),
    [("{", "not JSON"), ('{"cpu_count": [1]}', "cpu_count"), ({"cpu_count": "two"}, "cpu_count"), (5, "hardware '5'")],
    ids=str,
)
def test_a_wrong_machine_is_one_line(hardware: Any, said: str) -> None:
    with pytest.raises(gr.Error) as caught:
        api.recommend("cv", "digits", hardware=hardware)
    assert said in caught.value.message and "\n" not in caught.value.message
