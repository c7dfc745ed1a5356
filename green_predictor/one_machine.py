"""Runs of one task as one machine would have made them: a choice is made for one machine, but what ran on another
processor is a choice too.

Qualities do not hang on the machine. Energy and time do, and by how much one processor takes more of them than another
is known from the architectures and tasks that both ran (see `processors`). An accelerator is judged by its own runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from green_predictor import targets, threads
from green_predictor.alone import as_if_alone
from green_predictor.machines import hardware_columns, machines
from green_predictor.processors import Paces, commonest
from green_predictor.protocols import machine_of

Record = dict[str, Any]

CONVERTED = "converted"
"""Flag of a run whose energy and time are those of another processor, converted."""

ENOUGH = 0.5
"""A machine is judged on a task where it ran at least this share of the recipes that the one with most of them ran."""


def comparable(records: Sequence[Record], energy: str = "all") -> Paces:
    """The processors whose runs can be compared, with their paces; the commonest one has none."""
    data = targets.prepare(records, energy)
    usual = commonest(data.rows.take(data.last.nonzero()[0]))
    return {**data.reference.paces, usual: (0.0, 0.0)} if usual else {}


def by_machine(records: Sequence[Record], paces: Paces) -> dict[str, list[Record]]:
    """Runs of one task by the machine they are judged on, under an empty name where that is one only. Those of
    processors in `paces` are all judged on that one of them which ran most recipes."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(str(machine_of(record)), []).append(record)

    def choices(name: str) -> int:
        return len({targets.recipe_key(record) for record in groups[name]})

    ours = [name for name in groups if name in paces]
    if len(ours) > 1:
        judged = max(ours, key=lambda name: (choices(name), name))
        machine = machines(groups[judged])[0]
        others = [converted(r, machine, paces) for name in ours if name != judged for r in groups.pop(name)]
        groups[judged] = [*groups[judged], *others]
    most = max(map(choices, groups))
    enough = sorted(name for name in groups if choices(name) >= ENOUGH * most)
    return {name if len(enough) > 1 else "": groups[name] for name in enough}


def converted(record: Record, machine: Record, paces: Paces) -> Record:
    """A run as if that machine had made it: energy and time by the paces of the two processors, and its columns."""
    record = as_if_alone(record)
    there, here = (paces[str(machine_of(one))] for one in (record, machine))
    by_energy, by_time = (math.exp(b - a) for a, b in zip(there, here, strict=True))
    scaled: Record = {}
    for name, value in record.items():
        factor = by_energy if name.endswith("_kwh") else by_time if name.endswith("duration_s") else None
        if factor is not None and value is not None:
            many = isinstance(value, list)
            scaled[name] = [v if v is None else v * factor for v in value] if many else value * factor
    columns = threads.on_count(machine, threads.count_of(record))
    described = {name: columns.get(name) for name in hardware_columns()}
    return {**record, **scaled, **described, "flags": [*(record.get("flags") or []), CONVERTED]}
