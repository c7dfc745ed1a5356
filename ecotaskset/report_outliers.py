"""Runs that stand out: outside physics, much slower or hungrier than their siblings, disturbed by neighbours."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ecotaskset.report_repeats import FINISHED, machine, source_of
from ecotaskset.run import Run

SIBLING_FACTOR = 1.5
"""This far from the median of its recipe on the same machine, a run's time or power is an outlier."""

MIN_SIBLINGS = 3
JOULES_A_KWH = 3.6e6


def outliers(runs: Sequence[Run]) -> list[dict[str, str]]:
    """Every run that stands out, as run_id, kind (a check's code, `throughput` or `power`) and reason."""
    from ecotaskset.checks import check_physics

    found = [
        {"run_id": run.run_id, "kind": finding.code, "reason": finding.message}
        for run in runs
        for finding in check_physics(run)
    ]
    families: dict[Any, list[Run]] = defaultdict(list)
    for run in runs:
        if run.recipe_id and run.status in FINISHED and run.duration_s and run.epochs_run:
            families[run.recipe_id, machine(run), source_of(run)].append(run)
    for family in families.values():
        found += _against_siblings(family, "throughput", "s an epoch", lambda run: run.duration_s / run.epochs_run)
        metered = [run for run in family if run.energy_kwh]
        found += _against_siblings(metered, "power", "W", lambda run: run.energy_kwh * JOULES_A_KWH / run.duration_s)
    return found


def _against_siblings(family: Sequence[Run], kind: str, unit: str, value_of: Any) -> list[dict[str, str]]:
    if len(family) < MIN_SIBLINGS:
        return []
    middle = statistics.median(map(value_of, family))
    return [
        {
            "run_id": run.run_id,
            "kind": kind,
            "reason": f"{value_of(run):.3g} {unit}, its recipe's median on this machine is {middle:.3g}",
        }
        for run in family
        if not middle / SIBLING_FACTOR <= value_of(run) <= middle * SIBLING_FACTOR
    ]


def contention(runs: Sequence[Run]) -> dict[str, Any]:
    """How many runs shared their machine with other work; imported rows do not tell and are left out."""
    collected = [run for run in runs if run.origin == "collected"]
    shares = sorted(run.foreign_cpu_share for run in collected if run.foreign_cpu_share is not None)
    contended = sum("contended" in run.flags for run in collected)
    return {
        "runs": len(collected),
        "contended": contended,
        "contended_share": contended / len(collected) if collected else None,
        "foreign_cpu_share_median": statistics.median(shares) if shares else None,
        "foreign_cpu_share_p90": shares[min(len(shares) - 1, int(0.9 * len(shares)))] if shares else None,
        "not_observed": len(collected) - len(shares),
    }
