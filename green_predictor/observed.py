"""Runs already made on the task at hand, however few and short: they recalibrate everything (`observed=`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError
from ecotaskset.knobs import check_knobs
from green_predictor import targets
from green_predictor.accelerators import more
from green_predictor.completed import completer
from green_predictor.domain_model import COSTS, DomainModel
from green_predictor.hardware import Machine
from green_predictor.pace import on_stand_in
from green_predictor.rows import knobs_of
from green_predictor.source import records
from green_predictor.tasks import DEFAULT_NAME
from green_predictor.threads import KNOB

OF_ASKED = "of the machine that is asked about"
NEEDED = "each needs model, epochs, batch_size, learning_rate, energy_kwh and a quality"
QUALITIES = ("quality", "quality_last", "quality_validation")
LEAST = 5e-324
AMOUNTS = {"energy_kwh": 0, "duration_s": 0, "epochs": LEAST, "batch_size": LEAST, "learning_rate": LEAST, KNOB: LEAST}
"""Numbers of a run and the least that each can be."""
DEFAULTS = {"batch_size": 32, "learning_rate": 1e-3, "weight_decay": 0.0, "status": "completed", "epochs": 1}


def observed_training(
    observed: Any,
    model: DomainModel,
    domain: str,
    task: Mapping[str, Any],
    machine: Machine,
    energy: str = "all",
) -> targets.Training | None:
    """Rows of observed runs, task and machine columns filled in where a run leaves them out; None for None.

    Where the machine that is asked about is not in the data, runs that were made on it are taken as if made on the one
    that stands for it (`OF_ASKED` marks them).

    An interrupted run counts with the epochs it made: its curve says all that is needed. Runs of other data sets are
    left out.

    Raises:
        UsageError: a run without model, energy or quality, with a value that cannot be, or of another domain; no run of
            this task.
    """
    if observed is None:
        return None
    completed = completer(model, lambda _: task, machine.told, machine.threads)
    mine = _of_task([dict(r) for r in records(observed)], str(task["dataset"]), task.get("recorded_as"))
    kept = []
    for record in mine:
        _check(record, domain)
        if "quality" in record:
            record["quality_last"] = record.pop("quality")
        if machine.ran(record):
            record = {**on_stand_in(record, machine), OF_ASKED: True}
        filled = {**DEFAULTS, **completed(record), "dataset": task["dataset"]}
        if targets.usable(filled, energy, partial=True):
            kept.append(filled)
    if mine and not kept and all(map(targets.misses_accelerator, mine)):
        raise UsageError(
            "the energy of the accelerator is not known of any observed run", hint="meter where its counter can be read"
        )
    if mine and not kept:
        raise UsageError("none of the observed runs can be learned from", hint=NEEDED)
    if not kept:
        return None
    return _as_on_processor(targets.prepare(kept, energy, model.reference, partial=True), model, machine)


def _as_on_processor(made: targets.Training, model: DomainModel, machine: Machine) -> targets.Training:
    """The runs as if they had been made on processors, where the model knows no other machine. Of one that was made on
    the accelerator that is asked about, what the processor that stands for it would have needed; of one on another
    accelerator only the quality is known then."""
    if any(run.get("device") != "cpu" for run in model.runs):
        return made
    there = np.array([bool(record.get(OF_ASKED)) for record in made.records])[made.run]
    cards = np.array([record.get("gpu_model") is not None for record in made.records])[made.run]
    y = made.y.copy()
    if machine.accelerator is not None:
        y[:, COSTS] -= np.where(there[:, None], more(made.rows, made.reference.prices, machine.accelerator), 0)
    y[np.ix_(cards & ~there, COSTS)] = np.nan
    return replace(made, y=y)


def _of_task(found: Sequence[dict[str, Any]], dataset: str, recorded_as: str | None) -> list[dict[str, Any]]:
    """The records of a data set, by either name, or that name none. A description without a name stands for the data
    set of the runs, if they are of one."""
    names = {str(r["dataset"]) for r in found if r.get("dataset")}
    if dataset == DEFAULT_NAME and len(names) == 1:
        return list(found)
    mine = [r for r in found if str(r.get("dataset") or dataset) in (dataset, recorded_as)]
    if found and not mine:
        hint = 'which of them is it? Add "name" to the description' if dataset == DEFAULT_NAME else None
        raise UsageError(f"no observed run is of '{dataset}', but of {', '.join(sorted(names))}", hint=hint)
    return mine


def _check(record: Mapping[str, Any], domain: str) -> None:
    if not record.get("model"):
        raise UsageError("an observed run has no model", hint=NEEDED)
    if (record.get("domain") or domain) != domain:
        raise UsageError(f"an observed run is of domain '{record['domain']}', not '{domain}'")
    curve = record.get("curve_validation_quality") or []
    for name, value in (*((q, record.get(q)) for q in QUALITIES), *(("a quality of the curve", q) for q in curve)):
        if value is not None and not _within(value, 0, 1):
            raise UsageError(f"{name}={value!r} of an observed run is not a quality", hint="a share, 0 to 1")
    for name, least in AMOUNTS.items():
        value = record.get(name)
        if value is not None and not (_within(value, least, math.inf) and value < math.inf):
            words = "a number above 0" if least else "a number of 0 or more"
            raise UsageError(f"{name}={value!r} of an observed run is not {words}")
    if isinstance(record.get("knobs"), Mapping) and not record.get("run_id"):  # written by hand
        check_knobs(dict(record["knobs"]), domain=domain)
    try:
        knobs_of(record)
    except (TypeError, ValueError, KeyError):
        hint = "a dict of names and values, such as {'precision': 'bf16'}"
        raise UsageError(f"knobs={record['knobs']!r} of an observed run are no knobs", hint=hint) from None
    finished = (record.get("status") or "completed") in ("completed", "early_stopped")
    if finished and all(record.get(name) is None for name in QUALITIES):
        raise UsageError(f"an observed run of {record['model']} has no quality", hint=NEEDED)


def _within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
