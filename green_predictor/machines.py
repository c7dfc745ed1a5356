"""The machines that runs were made on: which there are, and what is typical of each."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from green_predictor.kept import kept
from green_predictor.threads import KNOB, on_count

IDENTITY = ("device", "cpu_model", "cpu_count", "gpu_model", "gpu_count")
"""Hardware columns by which two machines are told apart."""


@cache
def hardware_columns() -> tuple[str, ...]:
    """The Run columns that describe a machine, software versions aside."""
    from ecotaskset.run import columns

    return tuple(n for n, i in columns().items() if i["group"] == "hardware" and not n.endswith("_version"))


@kept(8)
def machines(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct machines of the runs, the commonest first; for these runs always the same objects."""
    counted = Counter(tuple((c, r.get(c)) for c in IDENTITY) for r in runs)
    found = []
    for key, _ in counted.most_common():
        mine = [r for r in runs if tuple((c, r.get(c)) for c in IDENTITY) == key]
        # knobs and runs side by side change a run's columns; the machine itself is what most runs saw, on one thread
        on_one = [on_count(r, 1) for r in mine]
        found.append({c: _typical([r.get(c) for r in on_one]) for c in hardware_columns() if c != KNOB})
    return found


def _typical(values: list[Any]) -> Any:
    """The median of measured numbers, else the commonest value."""
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, float) for v in known):
        return statistics.median_high(known)
    return Counter(values).most_common(1)[0][0]


def thread_gflops(runs: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> float | None:
    """The typical rate of one thread of a machine in the data."""
    return _typical_rate(runs, tuple(found.get(c) for c in IDENTITY))


@kept(8)
def _typical_rate(runs: Sequence[Mapping[str, Any]], which: tuple[Any, ...]) -> float | None:
    mine = (r for r in runs if tuple(r.get(c) for c in IDENTITY) == which)
    rates = [r["matmul_gflops"] / r["cpu_threads"] for r in mine if r.get("matmul_gflops") and r.get("cpu_threads")]
    return statistics.median(rates) if rates else None


def typical_watts(runs: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> float | None:
    """What a machine in the data typically drew in its runs, W."""
    return _typical_watts(runs, tuple(found.get(c) for c in IDENTITY))


@kept(8)
def _typical_watts(runs: Sequence[Mapping[str, Any]], which: tuple[Any, ...]) -> float | None:
    mine = (r for r in runs if tuple(r.get(c) for c in IDENTITY) == which)
    watts = [3.6e6 * r["energy_kwh"] / r["duration_s"] for r in mine if r.get("energy_kwh") and r.get("duration_s")]
    return statistics.median(watts) if watts else None


def commonest_processor(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The commonest machine with the processor that most runs are of, beside which all others are measured (see
    `processors`)."""
    counted = Counter(r.get("cpu_model") for r in runs if r.get("device") == "cpu")
    most = counted.most_common(1)[0][0] if counted else None
    fitting = (f for f in machines(runs) if f.get("device") == "cpu" and f.get("cpu_model") == most)
    return next(fitting, None)
