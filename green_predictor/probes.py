"""Probing: a few recipes of the shortlist are run for an epoch or two, and what they show corrects the prediction.

In the evaluation a probe is the beginning of a run that was really made; its energy goes on the bill.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from green_predictor import domain_model, targets
from green_predictor.domain_model import DomainModel
from green_predictor.judge import HEADLINE, Guess, Task, guess
from green_predictor.preferences import Preference, choose

PROBE_EPOCHS = 2
SHORT_RUN = 8
"""A run of fewer epochs than this is probed with one epoch only: two would be much of the run itself."""

SHORTLIST = 5


def shortlist(made: Guess, count: int, wanted: Preference = HEADLINE) -> list[int]:
    """The recipes worth probing: the choice first, then what comes next when it is taken away, cheap ones first."""
    left = np.ones(len(made.quality), bool)
    found: list[int] = []
    while len(found) < min(count, len(left)):
        kept = np.flatnonzero(left)
        best = int(kept[choose(wanted, made.quality[kept], made.energy[kept], slack=made.slack).best])
        found.append(best)
        left[best] = False
    return found


def beginning(record: dict[str, Any], epochs: int | None = None) -> dict[str, Any] | None:
    """A run as it stood after some epochs (the whole run where it is no longer); None where it has no curve."""
    if epochs is None:
        epochs = PROBE_EPOCHS if (record.get("epochs") or 0) >= SHORT_RUN else 1
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


def probed(model: DomainModel, task: Task, first: Guess, count: int, energy: str = "all") -> tuple[Guess, float] | None:
    """The prediction after probing, and the energy of the probes; None where no run has a curve."""
    chosen = shortlist(first, count)
    begun = [beginning(task.records[task.first[i]]) for i in chosen]
    made = [r for r in begun if r is not None]
    if not made:
        return None
    observed = targets.prepare(made, energy, model.reference, partial=True)
    known = domain_model.evidence(model, None, observed)
    return guess(model, task, known, energy), float(sum(map(probe_cost_kwh, made)))
