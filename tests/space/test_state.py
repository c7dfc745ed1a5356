"""The query string is the whole state: what is written comes back, and no link can break the page."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from space.state import DESCRIBED, LIMITS, Inputs, from_query, to_query
from space.task_fields import FIELD_BY_NAME, TASK_FIELDS, description_of


def back(query: str) -> Inputs:
    found, complaints = from_query(dict(parse_qsl(query)))
    assert complaints == []
    return found


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    domain = draw(st.sampled_from(["cv", "nlp", "recsys"]))
    dataset = draw(st.sampled_from(["digits", "a/b-c.d", DESCRIBED]))
    fields = [f.name for f in TASK_FIELDS[domain]]
    task = {}
    if dataset == DESCRIBED:
        for name in draw(st.lists(st.sampled_from(fields), unique=True)):
            task[name] = draw(st.floats(0, FIELD_BY_NAME[name].most, allow_subnormal=False))
    limits = {name: draw(st.none() | st.floats(0, most, allow_subnormal=False)) for name, most in LIMITS.items()}
    return Inputs(
        domain=domain,
        dataset=dataset,
        task=task,
        machine=draw(st.sampled_from(["auto", "H200", "AMD EPYC & friends", '{"gpu_model":"X=1&y"}'])),
        country=draw(st.sampled_from(["", "FRA"])),
        energy=draw(st.integers(0, 100)),
        pick=draw(st.sampled_from(["", "0123456789abcdef"])),
        versus=draw(st.sampled_from(["", "fedcba9876543210"])),
        **limits,
    )


@given(inputs())
def test_a_link_restores_exactly_what_was_chosen(chosen: Inputs) -> None:
    assert back(to_query(chosen)) == chosen


@given(st.dictionaries(st.sampled_from(["domain", "dataset", "energy", "loss", "kwh", "machine", "country", "n_train"]),
                       st.text(max_size=40)))  # fmt: skip
def test_any_link_gives_inputs_that_can_be_asked(query: dict[str, str]) -> None:
    found, complaints = from_query(query)
    assert found.domain in ("cv", "nlp", "recsys") and 0 <= found.energy <= 100
    assert all(isinstance(text, str) and text for text in complaints)
    found.recommend_arguments()


def test_what_is_at_its_default_is_not_in_the_link() -> None:
    assert to_query(Inputs(dataset="digits")) == "domain=cv&dataset=digits"


def test_each_wrong_part_of_a_link_is_named() -> None:
    found, complaints = from_query(
        {"domain": "audio", "energy": "much", "loss": "-1", "country": "XXX", "machine": "{"}
    )
    assert found == Inputs()
    assert len(complaints) == 5
    assert "audio" in complaints[0] and "XXX" in "".join(complaints)


def test_a_machine_that_is_a_maze_is_left_out() -> None:
    found, complaints = from_query({"machine": '{"a":' + 1_900 * "[" + 1_900 * "]" + "}"})
    assert found == Inputs() and "machine" in complaints[0]


def test_limits_and_weight_reach_the_call_in_its_units() -> None:
    asked = Inputs(dataset="digits", energy=70, loss=1.0, kwh=0.05, hours=2.0, country="FRA").recommend_arguments()
    assert asked == {
        "domain": "cv", "dataset": "digits", "prefer": {"energy": 0.7}, "max_quality_loss": 0.01, "budget_kwh": 0.05,
        "max_hours": 2.0, "country": "FRA", "hardware": "auto",
    }  # fmt: skip


def test_a_recommender_is_described_by_its_users_items_and_interactions() -> None:
    found = description_of("recsys", {"n_users": 10.0, "n_items": 20.0, "n_interactions": 50.0, "n_classes": 3.0})
    assert found == {"n_users": 10.0, "n_items": 20.0, "n_interactions": 50.0, "n_train": 10.0, "density": 0.25}
