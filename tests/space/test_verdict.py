"""The sentence is true, says "can't tell" where the data do not decide, and is safe to put on a page."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe
from space import panels, verdict, view
from space.answer import Answer, NoAnswer, answer
from space.form import machine_from
from space.state import DESCRIBED, Inputs
from space.steps import path


@pytest.mark.parametrize("energy", [0, 30, 50, 70, 100])
def test_the_sentence_agrees_with_the_figures(energy: int) -> None:
    found = answer(Inputs(energy=energy))
    assert isinstance(found, Answer)
    sentence, doubt = verdict.headline(found)
    best, top = found.recommendation.best, found.recommendation.most_accurate
    assert best.recipe.model in sentence and sentence.endswith(".")
    if found.recommendation.support.level == "far":
        assert doubt and "train one epoch" in sentence
    elif best.recipe != top.recipe and not doubt and "can’t tell it from the best" not in sentence:
        assert f"{100 * (1 - best.energy_kwh / top.energy_kwh):.0f} % less energy" in sentence


def test_the_most_accurate_choice_is_compared_with_a_cheaper_one(answered: Answer) -> None:
    """Once "nothing else is expected to be better" stood above a table with something cheaper and better."""
    top = answered.recommendation.most_accurate
    chosen = replace(top, energy_kwh=1e-3)
    cheap = replace(top, recipe=top.recipe.model_copy(update={"epochs": 99}), energy_kwh=1e-5)

    def said(cheaper):
        found = replace(answered.recommendation, best=chosen, most_accurate=chosen, alternatives={"cheaper": cheaper})
        return verdict.headline(replace(answered, recommendation=found, chosen=chosen))[0]

    assert "nothing else" in said(None) and "nothing else" in said(replace(cheap, quality=0.01))
    assert "promises as much" in said(replace(cheap, quality=top.quality + 0.001))
    assert "can’t tell" in said(replace(cheap, quality=top.quality - 1e-4)) and "10 mWh" in said(cheap)


def test_a_choice_of_ones_own_is_compared_with_the_recommended_one(answered: Answer) -> None:
    other = next(p for p in answered.recommendation.front if p.recipe != answered.chosen.recipe)
    found = answer(replace(answered.inputs, pick=other.choice))
    assert isinstance(found, Answer) and not found.is_recommended and found.chosen.recipe == other.recipe
    assert verdict.headline(found)[0].startswith("Your choice")
    assert verdict.short_name(other) in verdict.headline(found)[0]


def test_nearly_equal_candidates_cannot_be_told_apart(answered: Answer) -> None:
    pick, spread = answered.chosen, answered.recommendation.model.within
    twin = replace(pick, energy_kwh=pick.energy_kwh * 1.0001, quality=pick.quality * 0.9999)
    giant = replace(pick, energy_kwh=pick.energy_kwh * 1e6, quality=0.01)
    assert not verdict.energies_differ(pick, twin, spread) and not verdict.qualities_differ(pick, twin, spread)
    assert verdict.energies_differ(pick, giant, spread) and verdict.qualities_differ(pick, giant, spread)


@pytest.mark.parametrize("energy", [0, 30, 50, 70, 100])
@pytest.mark.parametrize("dataset", ["digits", DESCRIBED])
def test_the_page_doubts_what_the_command_line_doubts(dataset: str, energy: int) -> None:
    found = answer(Inputs(dataset=dataset, energy=energy, task={"n_train": 2000, "n_classes": 10, "image_size": 8}))
    assert isinstance(found, Answer) and found.support.level != "far"
    sentence, _ = verdict.headline(found)
    doubted = "can’t tell" in sentence or "within the doubt" in sentence
    assert doubted == ("can't tell" in found.recommendation.verdict)


def test_every_figure_on_the_card_has_a_unit_and_says_predicted(answered: Answer) -> None:
    card = verdict.card(answered)
    assert "predicted" in card and "90 % interval" in card
    for unit in ("Wh", "%"):
        assert unit in card


def test_limits_that_leave_nothing_name_the_cheapest() -> None:
    found = answer(Inputs(kwh=1e-15))
    assert isinstance(found, NoAnswer)
    card = verdict.no_card(found)
    assert "Nothing satisfies" in card and "The cheapest is" in card and "Wh" in card


def test_a_data_set_that_does_not_exist_is_answered_in_a_sentence() -> None:
    found = answer(Inputs(dataset="<b>nothing"))
    assert isinstance(found, NoAnswer)
    assert "<b>nothing" not in verdict.no_card(found)


def test_a_described_task_is_answered_and_told_to_be_put_in(answered: Answer) -> None:
    found = answer(Inputs(dataset=DESCRIBED, task={"n_train": 2000, "n_classes": 10, "image_size": 8, "n_channels": 1}))
    assert isinstance(found, Answer) and found.runs == []
    assert "my-dataset" in panels.command_panel(found)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    names = draw(st.lists(st.sampled_from([n for n, k in KNOBS.items() if "cv" in k.domains]), max_size=4, unique=True))
    knobs: dict[str, object] = {}
    for name in names:
        excluded = set(KNOBS[name].excludes) | {other for other in knobs if name in KNOBS[other].excludes}
        if not excluded & set(knobs):
            knobs[name] = draw(st.sampled_from(KNOBS[name].values))
    return Recipe.create(
        domain="cv", dataset="digits", model=draw(st.sampled_from(["mlp", "cnn"])), epochs=draw(st.integers(1, 9)),
        batch_size=draw(st.sampled_from([16, 32])), knobs=knobs,
    )  # fmt: skip


@given(recipes(), recipes())
def test_steps_lead_from_any_recipe_to_any_other(start: Recipe, end: Recipe) -> None:
    steps = path(start, end)
    if start == end:
        assert steps == []
    else:
        assert steps[-1][2].recipe_id == end.recipe_id
        assert len({recipe.recipe_id for _, _, recipe in steps}) == len(steps)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("data_fraction", 0.7, "70 % of the data"), ("schedule", "one_cycle", "one-cycle schedule"),
     ("cpu_threads", 1, "1 CPU thread"), ("cached_preprocessing", False, "no cached preprocessing"),
     ("width", 0.5, "width 0.5")],
)  # fmt: skip
def test_knobs_are_said_as_people_say_them(name: str, value: object, said: str) -> None:
    assert verdict.knob_words(name, value) == said


def test_a_bug_is_a_sentence_on_the_page_and_a_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("space.view.answer", lambda inputs: 1 // 0)
    shown = view.show(Inputs(dataset="digits"))
    card = shown[view.OUTPUTS.index("card")]
    assert "This question broke something here" in card and "ZeroDivisionError" not in card
    assert "ZeroDivisionError" in caplog.text


def test_a_pasted_machine_is_read_or_refused_in_a_sentence() -> None:
    doctor = '{"hardware": {"device": "cuda", "gpu_model": "H200", "gpu_count": 1}, "self_test": {"windows": 3}}'
    assert json.loads(machine_from(doctor)) == {"device": "cuda", "gpu_model": "H200", "gpu_count": 1}
    for text, said in (("{", "not JSON"), ('{"a": 1}', "no hardware")):
        shown = view.show(Inputs(dataset="digits", machine=text if text != "{" else "{not"))
        assert said in shown[view.OUTPUTS.index("card")]


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_what_is_said_of_the_recommended_one_is_not_said_of_another(domain: str) -> None:
    found = answer(Inputs(domain=domain, energy=30))
    assert isinstance(found, Answer)
    for pick in found.recommendation.front:
        if pick.recipe != found.recommendation.best.recipe:
            own = answer(replace(found.inputs, pick=pick.choice))
            assert isinstance(own, Answer) and verdict.headline(own)[0].startswith("Your choice")
