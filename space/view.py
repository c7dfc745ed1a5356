"""Inputs → everything the page shows, as component values in one fixed order."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from ecotaskset.errors import EcoTaskSetError
from space import detail_figures, figures, panels, take_away, verdict, words
from space.answer import Answer, NoAnswer, answer, cloud, complete, options
from space.form import machine_from
from space.sources import space_id
from space.state import Inputs, to_query
from space.steps import steps_to

BUGS = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a bug of ours can raise: it is logged, and the page says so in a sentence and goes on working."""
BUG_HINT = "change an input to go on; the address of this page holds the question, please report it"

OUTPUTS = (
    "card", "front", "command", "pick", "recipe", "steps", "steps_note", "curves", "phases", "phases_note", "trust",
    "versus", "compare", "take_away", "query",
)  # fmt: skip
"""Names of the components the page must have, in the order `show` fills them."""


def show(inputs: Inputs) -> list[Any]:
    """The values of all of `OUTPUTS` for these inputs; a question without an answer leaves the figures empty."""
    try:
        if inputs.machine.startswith("{"):
            inputs = replace(inputs, machine=machine_from(inputs.machine))
        found = answer(inputs)
        shown = _nothing(found) if isinstance(found, NoAnswer) else _everything(found)
    except EcoTaskSetError as error:
        shown = _nothing(NoAnswer(complete(inputs), error.message, error.hint))
    except BUGS:
        logging.getLogger(__name__).exception("no answer for %s", to_query(inputs))
        shown = _nothing(NoAnswer(complete(inputs), "this question broke something here", BUG_HINT))
    return [shown[name] for name in OUTPUTS]


def _nothing(found: NoAnswer) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(OUTPUTS, "")
    import gradio as gr

    none = gr.update(choices=[("The recommended one", "")], value="")
    return empty | {"card": verdict.no_card(found), "pick": none, "versus": none, "query": to_query(found.inputs)}


def _everything(found: Answer) -> dict[str, Any]:
    import gradio as gr

    asked, pick = found.recommendation, found.chosen
    inputs = found.inputs
    listed = options(asked)
    offered = {value for _, value in listed}
    extra = [(f"{words.energy(p.energy_kwh)}, {words.share(p.quality)}: {p.recipe.model}", p.choice)
             for p in asked.front if p.choice in (inputs.pick, inputs.versus)]  # fmt: skip
    listed += [pair for pair in extra if pair[1] not in offered]
    known = {value for _, value in listed}
    inputs = replace(inputs, pick=inputs.pick if inputs.pick in known else "",
                     versus=inputs.versus if inputs.versus in known else "")  # fmt: skip
    most = [("The most accurate one", ""), *listed[1:]]
    steps = steps_to(found)
    shares, count = detail_figures.phase_shares(found.runs, pick.recipe.model)
    front = figures.front_figure(asked.front, pick, asked.best, found.runs, cloud(asked), asked.metric, found.versus
                                 if inputs.versus else None)  # fmt: skip
    curve = asked.curve(found.chosen_position)
    phases = detail_figures.phases_figure(shares, pick.energy_kwh) if shares else None
    return {
        "card": verdict.card(found),
        "front": figures.as_json(front),
        "command": panels.command_panel(found),
        "pick": gr.update(choices=listed, value=inputs.pick),
        "recipe": panels.recipe_panel(pick),
        "steps": figures.as_json(detail_figures.steps_figure(steps)) if steps else "",
        "steps_note": _steps_note(found, len(steps)),
        "curves": figures.as_json(detail_figures.curves_figure(curve, asked.metric)),
        "phases": figures.as_json(phases),
        "phases_note": _phases_note(pick.recipe.model, count),
        "trust": panels.trust_panel(found),
        "versus": gr.update(choices=most, value=inputs.versus),
        "compare": panels.compare_panel(found),
        "take_away": take_away.take_away_panel(found, space_id()),
        "query": to_query(inputs),
    }


def _steps_note(found: Answer, count: int) -> str:
    top = found.recommendation.most_accurate
    if not count:
        return "<p class='green-caption'>This is the most accurate recipe: there is nothing to change.</p>"
    return (
        f"<p class='green-caption'>From the most accurate recipe ({words.safe(verdict.short_name(top))}, "
        f"{words.energy(top.energy_kwh)}) to the choice, one change at a time. All figures are predicted; points are "
        "percentage points of quality.</p>"
    )


def _phases_note(model: str, count: int) -> str:
    if not count:
        return "<p class='green-caption'>No training of this architecture here tells its phases apart.</p>"
    return (
        f"<p class='green-caption'>The total is predicted; it is split as in {words.plural(count, 'training')} of "
        f"{words.safe(model)} that ran on this task and machine.</p>"
    )
