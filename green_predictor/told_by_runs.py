"""What the runs say of the candidates of a task: which are near to one, how good those were, and what is predicted of
alike recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from green_predictor import calibration, features, targets
from green_predictor.architectures import reshape_task
from green_predictor.candidates import of_runs
from green_predictor.domain_model import DomainModel, Evidence, base_predict, raw_predict
from green_predictor.kept import kept
from green_predictor.nearby import Neighbours, neighbours
from green_predictor.rows import LEARNED_FROM, Rows
from green_predictor.tasks import task_columns, task_record

SAME = 0.05
"""Numbers of a task that differ by less than this share of them mean the same task."""


def neighbours_of(
    model: DomainModel, rows: Rows, known: Evidence, y: np.ndarray, observed: targets.Training | None = None
) -> Neighbours:
    """How near candidates for a task are to runs, and how good those were (see `nearby`): those of the training data
    and, of the observed ones behind `known`, all that were made to the end. `y` (n, 3): what `raw_predict` says of the
    candidates by what is `known`. Whatever epoch a row looks at, it is steadied by what is said of the end.

    Only on a task that has runs is what is predicted steadied by alike recipes: there a recipe is mostly wrong by
    itself, on a task never seen alike ones are wrong together.
    """
    said = _said_of_runs(model, rows, known, y) if known.basis == "seen" else None
    if observed is None or known.correction is None:
        return neighbours(rows, model.runs, model.unexplained, said)
    whole = [r.get("status") in LEARNED_FROM and bool(r.get("learning_rate")) for r in observed.records]
    final = observed.subset(observed.last & np.array(whole)[observed.run] & np.isfinite(observed.y[:, targets.QUALITY]))
    x = features.feature_matrix(final.rows, model.spec)
    left = final.y - base_predict(model, x) - calibration.apply_correction(known.correction, x)
    unexplained, task = model.unexplained.copy(), next(iter(rows.text("dataset")), None)
    if task in model.correction:  # what is now believed of the task explains more, or less, of its own runs
        mine = np.array([run["dataset"] == task for run in model.runs])
        moved = known.correction - model.correction[task]
        unexplained[mine] -= calibration.apply_correction(moved, model.near[mine])[:, targets.QUALITY]
    runs = [*model.runs, *(observed.records[i] for i in final.run)]
    if said is not None:
        said = said[0], np.append(said[1], (final.y - left)[:, targets.QUALITY])
    return neighbours(rows, runs, np.append(unexplained, left[:, targets.QUALITY]), said)


def _said_of_runs(model: DomainModel, rows: Rows, known: Evidence, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is predicted of the end of each row, and of the recipes of the model's runs on the same task and machine.
    Rows that describe the task otherwise than its runs do have nothing to be compared with: NaN."""
    if (rows.epoch != rows.epochs).any():
        y = raw_predict(model, replace(rows, epoch=rows.epochs), known)
    first = rows.setting[0]
    task = task_record(model.runs, model.domain, str(rows.texts["dataset"][first]))
    machine = {n: rows.texts[n][first] for n in ("device", "gpu_model", "cpu_model")} | {"cpu_threads": 1}
    rate = float(rows.numbers["matmul_gflops"][first])
    recipes, which = _recipes(model, json.dumps(task), json.dumps({**machine, "matmul_gflops": rate}))
    same = _same_task(rows, task, model.domain)
    return np.where(same, y[:, targets.QUALITY], np.nan), raw_predict(model, recipes, known)[which, targets.QUALITY]


def _same_task(rows: Rows, task: Mapping[str, Any], domain: str) -> np.ndarray:
    """Which rows describe the task as its runs do, (n,) bool."""
    as_run = [reshape_task(task, knobs, domain) for knobs in rows.knob_sets]
    same = np.ones(len(rows), bool)
    for name in task_columns():
        expected = np.array([found.get(name, np.nan) for found in as_run], float)[rows.knob_set]
        same &= np.isclose(rows.number(name), expected, rtol=SAME, equal_nan=True)
    return same


@kept(8)
def _recipes(model: DomainModel, task: str, machine: str) -> tuple[Rows, np.ndarray]:
    return of_runs(model.runs, model.domain, json.loads(task), json.loads(machine))
