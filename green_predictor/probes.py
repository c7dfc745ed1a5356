"""Probing: a few recipes of the shortlist are run for an epoch or two, and what they show corrects the prediction.

In the evaluation a probe is the beginning of a run that was really made; its energy goes on the bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError
from green_predictor import domain_model, targets
from green_predictor.domain_model import DomainModel
from green_predictor.judge import HEADLINE, Guess, Task, guess
from green_predictor.preferences import Doubt, Preference, choose

PROBE_EPOCHS = 2
SHORT_RUN = 8
"""A run of fewer epochs than this is probed with one epoch only: two would be much of the run itself."""

SHORTLIST = 5


def shortlist(
    quality: np.ndarray,
    energy: np.ndarray,
    architecture: np.ndarray,
    count: int,
    wanted: Preference = HEADLINE,
    doubt: Doubt | None = None,
    left: np.ndarray | None = None,
) -> list[int]:
    """The recipes worth probing: the choice first, then what is chosen when its architecture is taken away, and so on.

    Two recipes of one architecture tell little more than one; it comes again only when there is no other left. All
    arrays are (n,); `left` marks the candidates that may be chosen at all.
    """
    free = np.isfinite(quality) if left is None else left.copy()
    found: list[int] = []
    while len(found) < count and free.any():
        used = np.isin(architecture, architecture[found]) if found else np.zeros(len(quality), bool)
        kept = free & ~used if (free & ~used).any() else free
        try:
            best = choose(wanted, np.where(kept, quality, np.nan), energy, doubt=doubt).best
        except UsageError:  # no other architecture keeps to the limits
            if found:
                break
            raise
        found.append(best)
        free[best] = False
    return found


def beginning(record: dict[str, Any], epochs: int | None = None) -> dict[str, Any] | None:
    """A run as it stood after some epochs (the whole run where it is no longer); None where it has no curve."""
    if epochs is None:
        epochs = first_epochs(record.get("epochs") or 0)
    made = len(record.get("curve_validation_quality") or [])
    if not made or len(record.get("curve_energy_kwh") or []) != made:
        return None
    if made <= epochs:
        return dict(record)
    cut = {name: (record.get(name) or [])[:epochs] for name in record if name.startswith("curve_")}
    return {**record, **cut, "status": "interrupted", "epochs_run": epochs, "quality_last": None}


def probe_cost_kwh(record: dict[str, Any]) -> float:
    """What a probe used."""
    curve = record.get("curve_energy_kwh") or []
    return float(curve[-1]) if record.get("status") == "interrupted" and curve else float(record["energy_kwh"])


def first_epochs(epochs: float) -> int:
    """How many epochs of a run of so many are its probe."""
    return PROBE_EPOCHS if epochs >= SHORT_RUN else 1


def better_to_switch(
    wanted: Preference, quality: Sequence[float], energy_kwh: Sequence[float], spent_kwh: float
) -> bool:
    """Is a training better stopped for another one? (2,) each: of the training that has begun, `spent_kwh` of whose
    energy is gone either way, and of the other.

    A few epochs hardly say which of two recipes is better: what going on would lose beyond `max_quality_loss` counts at
    its price, however much it is.
    """
    left = np.array([max(energy_kwh[0] - spent_kwh, 1e-12), energy_kwh[1]])
    return choose(wanted, np.array(quality), left, doubt=_untold).best == 1


def _untold(among: np.ndarray, top: int, quality: float) -> np.ndarray:
    return np.full(len(among), np.inf)


def probed(model: DomainModel, task: Task, first: Guess, count: int, energy: str = "all") -> tuple[Guess, float] | None:
    """The prediction after probing, and the energy of the probes that went for nothing; None where no run has a curve.

    One probe is the beginning of the choice's own training: it goes on unless it speaks for another recipe enough to be
    worth what was spent (`better_to_switch`). Of several, each is trained alone and one is chosen: those that were not
    tried look good because nothing is known against them.
    """
    architecture = np.array([str(task.records[i]["model"]) for i in task.first])
    chosen = shortlist(first.quality, first.energy, architecture, count, doubt=first.doubt, left=first.choosable)
    begun = {i: beginning(task.records[task.first[i]]) for i in chosen}
    made = [r for r in begun.values() if r is not None]
    if not made:
        return None
    observed = targets.prepare(made, energy, model.reference, partial=True)
    known = domain_model.evidence(model, None, observed)
    after, cost = guess(model, task, known, energy), float(sum(map(probe_cost_kwh, made)))
    number = np.arange(len(after.quality))
    if count > 1:
        return replace(after, choosable=np.isin(number, [i for i, r in begun.items() if r is not None])), cost
    old, new = chosen[0], after.choice(HEADLINE)
    if old == new or better_to_switch(HEADLINE, after.quality[[old, new]], after.energy[[old, new]], cost):
        return after, 0.0 if old == new else cost
    return replace(after, choosable=number == old), 0.0
