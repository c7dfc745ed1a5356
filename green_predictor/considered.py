"""The candidates of a question as the model sees them: all that does not hang on what the person prefers.

Somebody who moves a slider asks about the same task again and again; only the choice among the candidates is new then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from green_predictor import candidates as candidates_
from green_predictor import domain_model
from green_predictor.domain_model import DomainModel, Evidence
from green_predictor.kept import kept
from green_predictor.nearby import Neighbours
from green_predictor.recipe_effect import with_own
from green_predictor.rows import Rows, joined
from green_predictor.targets import Training
from green_predictor.threads import greenest, on_each
from green_predictor.told_by_runs import neighbours_of

MOST_KEPT_ROWS = 20_000
"""A larger design is made anew: eight of them would fill the memory of a small machine."""


@dataclass(frozen=True)
class Considered:
    """Candidates with the targets `y` that are expected of them, (n, 3). `near`: which are close to a run and may be
    recommended; None where a person chose the candidates. `there`: how near they are to runs, and how good those were.
    """

    rows: Rows
    near: np.ndarray | None
    there: Neighbours
    y: np.ndarray
    known: Evidence


def consider(
    model: DomainModel,
    domain: str,
    task: Mapping[str, Any],
    machine: Mapping[str, Any],
    threads: int | None,
    count: int,
    *,
    in_time: bool = False,
) -> Considered:
    """`count` designed candidates for a task on a machine, predicted; on a processor that has so many `threads`, each
    on as many of them as need least energy, or, where time is short, on each number that was tried.

    Raises:
        UsageError: as `candidates.design`.
    """
    described = (
        domain,
        json.dumps(task, sort_keys=True, default=float),
        json.dumps(machine, sort_keys=True, default=float),
    )
    return (_kept if count <= MOST_KEPT_ROWS else _made)(model, *described, threads, count, in_time)


def _made(
    model: DomainModel,
    domain: str,
    task_json: str,
    machine_json: str,
    threads: int | None,
    count: int,
    in_time: bool,
) -> Considered:
    task, machine = json.loads(task_json), json.loads(machine_json)
    rows = candidates_.design(model.runs, domain, task, machine, count)
    if threads is not None and in_time:
        rows = reduce(joined, on_each(rows, threads))
    elif threads is not None:
        rows = greenest(rows, model.reference.prices, threads)
    return predicted(model, rows, domain_model.evidence(model, str(task["dataset"]), None))


def predicted(
    model: DomainModel, rows: Rows, known: Evidence, observed: Training | None = None, *, listed: bool = False
) -> Considered:
    """Candidates with their predictions, given what is known of the task. Where none is near a run, all may be
    recommended, as they may where a person `listed` them."""
    y = domain_model.raw_predict(model, rows, known)
    there = neighbours_of(model, rows, known, y, observed)
    near = None if listed else there.near if there.near.any() else np.ones(len(rows), bool)
    y, known = domain_model.levelled(y, known, near)
    return Considered(rows, near, there, with_own(y, there), known)


_kept = kept(8)(_made)
