"""From the most accurate recipe to the chosen one, one change at a time: what each does to energy and quality.

Every intermediate recipe is predicted like any other, so what two changes do together shows in the step that adds the
second one. The order is that of the pipeline: data, model, training, system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS, PHASES
from ecotaskset.recipe import Recipe

if TYPE_CHECKING:
    from space.answer import Answer

_FIELDS = {"model": ("model", "pretrained"), "training": ("epochs", "batch_size", "learning_rate", "weight_decay")}


@dataclass(frozen=True)
class Step:
    """One change: `label` says what, `phase` where; energies in kWh, qualities 0..1, before and after it."""

    label: str
    phase: str
    energy_before_kwh: float
    energy_after_kwh: float
    quality_before: float
    quality_after: float


def path(start: Recipe, end: Recipe) -> list[tuple[str, str, Recipe]]:
    """(label, phase, recipe after it) of each change that leads from `start` to `end`.

    Two changes that are only legal together (one knob excludes another) become one.
    """
    changes: list[tuple[str, str, dict[str, Any]]] = []
    for phase in PHASES:
        for field in _FIELDS.get(phase, ()):
            before, after = getattr(start, field), getattr(end, field)
            if before != after:
                changes.append((f"{field.replace('_', ' ')} {_word(before)} → {_word(after)}", phase, {field: after}))
        for name in sorted({*start.knobs, *end.knobs}):
            before, after = start.knobs.get(name), end.knobs.get(name)
            if KNOBS[name].phase == phase and before != after:
                label = f"{name.replace('_', ' ')} {_word(before, name)} → {_word(after, name)}"
                changes.append((label, phase, {"knobs": {name: after}}))
    steps: list[tuple[str, str, Recipe]] = []
    fields = start.model_dump()
    waiting: list[str] = []
    for label, phase, change in changes:
        knobs = {**fields["knobs"], **change.get("knobs", {})}
        fields = {**fields, **change, "knobs": {k: v for k, v in knobs.items() if v is not None}}
        try:
            recipe = Recipe.create(**fields)
        except UsageError:
            waiting.append(label)
            continue
        steps.append((" and ".join([*waiting, label]), phase, recipe))
        waiting = []
    return steps


def steps_to(answer: Answer) -> list[Step]:
    """The steps from the most accurate recipe to the choice, predicted; empty when they are the same.

    They are predicted with what the answer knows of the task: a question of their own would be given a level of its own
    (see `levelled`), and the steps would not meet the figures of the answer.
    """
    from green_predictor.candidates import from_recipes
    from green_predictor.domain_model import raw_predict, with_intervals, within_band
    from green_predictor.recipe_effect import with_own
    from green_predictor.tasks import task_record
    from green_predictor.told_by_runs import neighbours_of

    found = answer.recommendation
    start, end = found.most_accurate.recipe, answer.chosen.recipe
    way = path(start, end)
    if not way:
        return []
    runs, recipes = found.model.runs, [start, *(recipe for _, _, recipe in way)]
    task = task_record(runs, found.domain, answer.inputs.recommend_arguments()["dataset"])
    rows = from_recipes(runs, found.domain, task, found.machine.told, recipes)
    y = raw_predict(found.model, rows, found.evidence)
    y = with_own(within_band(y, found.evidence), neighbours_of(found.model, rows, found.evidence, y))
    made = with_intervals(found.model, rows, y, found.evidence)
    quality, kwh = made.quality, made.energy_kwh
    return [
        Step(label, phase, float(kwh[i]), float(kwh[i + 1]), float(quality[i]), float(quality[i + 1]))
        for i, (label, phase, _) in enumerate(way)
    ]


def _word(value: Any, knob: str | None = None) -> str:
    if value is None:
        default = KNOBS[knob].default if knob else None
        return _word(default) if default is not None else "as it is"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
