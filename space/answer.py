"""The choices of a person → an answer: the recommendation, the choice looked at, and what ran on that task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ecotaskset.errors import EcoTaskSetError
from space import words
from space.limits import nearest
from space.question import ask
from space.runs_table import MeasuredRun, known_datasets, measured_runs
from space.sources import Source, source
from space.state import DESCRIBED, Inputs

if TYPE_CHECKING:
    from green_predictor import Recommendation
    from green_predictor.recommendation import Pick
    from green_predictor.support import Support

MOST_CLOUD_POINTS = 600
MOST_OPTIONS = 24
ENDLESS = 1e12
"""Hours that every training keeps to."""


@dataclass(frozen=True)
class Answer:
    """`chosen` is what is looked at: the recommended pick, or another member of the front the person chose."""

    inputs: Inputs
    recommendation: Recommendation
    chosen: Pick
    chosen_position: int | None
    versus: Pick | None
    runs: list[MeasuredRun]
    runs_elsewhere: int

    @property
    def is_recommended(self) -> bool:
        """Whether the choice looked at is the one that is recommended."""
        return self.chosen.recipe == self.recommendation.best.recipe

    @cached_property
    def support(self) -> Support:
        """What the choice looked at stands on, whether it is recommended or not."""
        found = self.recommendation
        if self.is_recommended or self.chosen_position is None:
            return found.support
        from green_predictor.support import support

        place = self.chosen_position
        index, distance = int(found.on_front[place]), float(found.prediction.leverage[place])
        return support(
            found.model, found.rows, index, distance, found.evidence.basis, self.chosen.recipe,
            larger=found.support.larger, elsewhere=found.machine.is_of_another_kind, remarks=found.support.remarks,
        )  # fmt: skip


@dataclass(frozen=True)
class NoAnswer:
    """Why there is none, in a sentence, and what to do."""

    inputs: Inputs
    message: str
    hint: str | None = None


def complete(inputs: Inputs) -> Inputs:
    """Fill in the data set where none is chosen: the one of the domain that most runs are of."""
    if inputs.dataset:
        return inputs
    known = known_datasets(source().records, inputs.domain)
    return replace(inputs, dataset=known[0][1] if known else DESCRIBED)


def answer(inputs: Inputs) -> Answer | NoAnswer:
    """Ask for a recommendation and put beside it what really ran."""
    inputs = complete(inputs)
    try:
        arguments = inputs.recommend_arguments()
        found = ask(arguments)
    except EcoTaskSetError as error:
        return _explained(inputs, error)
    runs, elsewhere = _runs(inputs, found)
    position = _position(found, inputs.pick)
    chosen = found.best if position is None else found.front[position]
    versus = _position(found, inputs.versus)
    other = found.front[versus] if versus is not None else found.most_accurate
    return Answer(inputs, found, chosen, position, None if other.recipe == chosen.recipe else other, runs, elsewhere)


def warm() -> None:
    """Load the model and answer the first question, so that the first visitor does not wait."""
    answer(Inputs())


def options(found: Recommendation) -> list[tuple[str, str]]:
    """(label, `Pick.choice`) of the choices on the front, cheapest first, for people who choose by keyboard."""
    from space.figures import spread

    always = {found.best.choice, found.most_accurate.choice}
    listed = [("The recommended one", "")]
    for pick in spread(sorted(found.front, key=lambda p: p.energy_kwh), MOST_OPTIONS - 2, always):
        if pick.recipe != found.best.recipe:
            label = f"{words.energy(pick.energy_kwh)}, {words.share(pick.quality)}: {pick.recipe.model}"
            listed.append((label, pick.choice))
    return listed


def cloud(found: Recommendation) -> list[tuple[float, float]]:
    """Some of the candidates off the front, as (quality 0..1, kWh)."""
    quality, kwh = found.cloud
    step = max(1, len(quality) // MOST_CLOUD_POINTS)
    return [(float(q), float(e)) for q, e in zip(quality[::step], kwh[::step], strict=True)]


def _position(found: Recommendation, choice: str) -> int | None:
    if not choice:
        return None
    return next((i for i, pick in enumerate(found.front) if pick.choice == choice), None)


def _runs(inputs: Inputs, found: Recommendation) -> tuple[list[MeasuredRun], int]:
    """Runs of this task on a machine like the one asked for, and how many there are on other machines: all, where
    predictions are scaled to one that none was made on."""
    if inputs.dataset == DESCRIBED:
        return [], 0
    records = source().records
    scaled = found.evidence.slowdown != (1.0, 1.0)
    here = [] if scaled else measured_runs(records, inputs.domain, inputs.dataset, found.hardware)
    return here, len(measured_runs(records, inputs.domain, inputs.dataset)) - len(here)


def _explained(inputs: Inputs, error: EcoTaskSetError) -> NoAnswer:
    """Limits that leave nothing are answered with what comes nearest; anything else with the error itself."""
    limits = [
        *([f"under {words.energy(inputs.kwh)}"] if inputs.kwh is not None else []),
        *([f"under {words.duration(inputs.hours * 3600)}"] if inputs.hours is not None else []),
    ]
    if limits:
        try:
            hours = None if inputs.hours is None else ENDLESS  # then every number of threads is considered
            free = ask(replace(inputs, kwh=None, hours=hours, loss=None, energy=100).recommend_arguments())
        except EcoTaskSetError:
            return NoAnswer(inputs, error.message, error.hint)
        if hint := nearest(inputs, free):
            return NoAnswer(inputs, f"Nothing satisfies {' and '.join(limits)}.", hint)
    return NoAnswer(inputs, error.message, error.hint)


def current_source() -> Source:
    """The runs in use."""
    return source()
