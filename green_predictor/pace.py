"""How much more this machine needs than one in the data, learned from whatever was trained on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset.errors import EcoTaskSetError
from ecotaskset.store import Store
from green_predictor import domain_model, targets, threads
from green_predictor.accelerators import Accelerator
from green_predictor.domain_model import DomainModel
from green_predictor.hardware import Machine, tried
from green_predictor.kept import kept
from green_predictor.machines import hardware_columns
from green_predictor.protocols import machine_of
from green_predictor.rows import is_processor

NEWEST, MOST_READ, AT_ONCE = 20, 200, 20
"""The latest runs that count, up to so many, among so many that are looked at: a machine's speed drifts, and reading
more takes longer than it tells."""


def on_stand_in(record: Mapping[str, Any], machine: Machine) -> dict[str, Any]:
    """A run that was made on a machine that is not in the data, as if on the one that stands for it."""
    factors = machine.slowdown
    told = threads.on_count(machine.told, threads.count_of(record) if is_processor(record) else None)
    moved = {**record, **dict.fromkeys(hardware_columns()), **told}
    for name, value in record.items():
        timed = name in ("duration_s", "curve_duration_s")
        factor = factors[0] if name.endswith("_kwh") else factors[1] if timed else 1.0
        if value is not None and factor != 1.0:
            moved[name] = [None if v is None else v / factor for v in value] if _many(value) else value / factor
    return moved


def paced_by_runs(here: Machine, models: Mapping[str, DomainModel], energy: str = "all") -> Machine:
    """This machine, with what the runs say that its user made on it and kept in the default store.

    A run of a task in the data counts with what it needed, over what is predicted for the machine in the data that
    stands for this one; of these ratios the median. The same machine where it is in the data, or no run says anything.
    """
    if not here.here:
        return here
    ratios, changed_ns = np.empty((0, 2)), store_changed_ns()
    with suppress(EcoTaskSetError, OSError):  # a store that cannot be read says nothing
        newest = _newest(Store().path, changed_ns) if changed_ns else ()
        described = (tuple(sorted(columns.items())) for columns in (here.columns, here.told))
        ratios = _ratios(models, newest, energy, *described, here.accelerator)
    if not len(ratios):
        return here
    timed = ratios[np.isfinite(ratios[:, 1]), 1]
    more = math.exp(np.median(ratios[:, 0]))
    longer = math.exp(np.median(timed)) if len(timed) else more
    words = f"energy × {more:.2f} and time × {longer:.2f}, by {len(ratios)} of your runs here"
    return tried(replace(here, slowdown=(more, longer), pace=words), len(ratios))


def store_changed_ns() -> int:
    """When a run was last added to the default store, or taken out of it; 0 where there is none."""
    with suppress(OSError, RuntimeError):  # nobody's home is a RuntimeError
        return (Store().path / "runs").stat().st_mtime_ns
    return 0


@lru_cache(maxsize=4)
def _newest(store: Path, changed_ns: int) -> tuple[str, ...]:
    """The newest files of a store, which is looked through once for every change of it."""
    return tuple(str(path) for path in reversed(Store(store).newest(MOST_READ)))


@kept(4)
def _ratios(
    models: Mapping[str, DomainModel],
    files: tuple[str, ...],
    energy: str,
    columns: tuple,
    told: tuple,
    accelerator: Accelerator | None,
) -> np.ndarray:
    """Logarithm of energy and time over what is predicted, (n, 2), of the newest runs that count, in files that are
    named newest first. Only of domains that have runs of the machine that stands for this one: theirs is the pace."""
    here = Machine(dict(columns), "", in_data=False, here=True, stand_in=dict(told), accelerator=accelerator)
    known = {d: m for d, m in models.items() if machine_of(here.told) in {machine_of(run) for run in m.runs}}
    found: list[np.ndarray] = []
    for start in range(0, len(files), AT_ONCE):
        paths = [Path(file) for file in files[start : start + AT_ONCE]]
        runs = [run.model_dump() for run in Store(paths[0].parent.parent).collected(paths, set_aside=False)[0]]
        mine = [on_stand_in(run, here) for run in runs if here.ran(run)]
        for domain, model in known.items():
            for task in sorted(
                {str(run["dataset"]) for run in mine if run["domain"] == domain} & set(model.correction)
            ):
                made = [r for r in mine if (r["domain"], r["dataset"]) == (domain, task)]
                found += _of_task(model, task, made, energy, accelerator)
        if len(found) >= NEWEST:
            break
    return np.array(found[:NEWEST]).reshape(-1, 2)


def _of_task(
    model: DomainModel,
    task: str,
    records: Sequence[Mapping[str, Any]],
    energy: str,
    accelerator: Accelerator | None,
) -> list[np.ndarray]:
    data = targets.prepare(records, energy, model.reference, partial=True)
    known = replace(domain_model.evidence(model, task), accelerator=accelerator)
    said = domain_model.predict_rows(model, data.rows, known)
    expected = np.column_stack([said.energy_kwh, said.duration_s])
    needed = np.column_stack(targets.restore(data.y, data.rows, model.reference)[1:])
    found = []
    for i, record in enumerate(data.records):
        mine = np.flatnonzero(data.run == i)
        costs = [values[mine[-1]] for values in (needed, expected)]
        if targets.paid_for_others(record):  # what came before the first epoch's end is not what the recipe costs
            costs = [end - values[mine[0]] for end, values in zip(costs, (needed, expected), strict=True)]
        with np.errstate(divide="ignore", invalid="ignore"):
            more, longer = np.log(costs[0] / costs[1])
        if np.isfinite(more) and (threads.count_of(record) or 1) <= threads.MOST_TRIED:
            found.append(np.array([more, longer if record.get("duration_s") is not None else np.nan]))
    return found


def _many(value: Any) -> bool:
    return isinstance(value, (list, tuple))
