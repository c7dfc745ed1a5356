"""Repeatability: how far apart are energies of one recipe on one machine, by what they were read from?"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

from ecotaskset.run import COMPONENTS, Run

UNSTEADY_CV = 0.15
"""A recipe whose energies spread more than this is marked."""

LENGTHS_S = (0.0, 1.0, 5.0, 15.0)
"""Where classes of training time begin: a second of another program is all of a short training and little of a long."""

FINISHED = ("completed", "early_stopped")


def repeatability(runs: Sequence[Run]) -> dict[str, Any]:
    """Coefficient of variation (sample standard deviation over mean) of energy, time and quality at a fixed recipe.

    `seeds`: the same recipe and machine, whatever the seed. `repeats`: the same known seed too, so that nothing but
    the machine differs. Both by source of the energy; only runs that ended normally are compared. Where trainings stop
    by themselves, energy for each epoch tells the meter's noise apart from their length.
    """
    finished = [run for run in runs if run.status in FINISHED and run.energy_kwh and run.recipe_id]
    return {
        "seeds": _by_source(finished, lambda run: (run.recipe_id, machine(run))),
        "repeats": _by_source(
            [run for run in finished if run.seed is not None], lambda run: (run.recipe_id, machine(run), run.seed)
        ),
    }


def machine(run: Run) -> tuple[Hashable, ...]:
    """What a row tells about the machine; runs that agree on it are compared with one another."""
    threads = (run.cpu_count, run.cpu_threads, run.n_processes)
    return run.device, run.cpu_model, run.gpu_model, run.gpu_count, run.gpu_tdp_w, *threads


def source_of(run: Run) -> str:
    """The sources of a run's energy, joined; runs of different sources are never compared."""
    parts = [
        f"{part}:{getattr(run, f'{part}_energy_source') or 'unknown'}"
        for part in COMPONENTS
        if getattr(run, f"{part}_energy_kwh") is not None
    ]
    origin = "" if run.origin == "collected" else f" [{run.origin}]"
    return ("+".join(parts) or "unknown") + origin


def variation(values: Sequence[float]) -> float | None:
    """Coefficient of variation of two values or more; None where it says nothing."""
    if len(values) < 2 or not (mean := statistics.fmean(values)):
        return None
    return statistics.stdev(values) / mean


def _by_source(runs: Sequence[Run], key: Any) -> dict[str, Any]:
    groups: dict[tuple[str, Hashable], list[Run]] = defaultdict(list)
    for run in runs:
        groups[source_of(run), key(run)].append(run)
    by_source: dict[str, list[list[Run]]] = defaultdict(list)
    for (source, _), members in groups.items():
        if len(members) > 1:
            by_source[source].append(members)
    return {source: _summary(members) for source, members in sorted(by_source.items())}


def _summary(groups: list[list[Run]]) -> dict[str, Any]:
    spreads = [(_spread(group, "energy_kwh") or 0.0, group) for group in groups]
    cvs = sorted(cv for cv, _ in spreads)
    unsteady = sorted(((cv, group) for cv, group in spreads if cv > UNSTEADY_CV), key=lambda pair: -pair[0])
    return {
        "groups": len(groups),
        "runs": sum(map(len, groups)),
        "energy_cv": {"median": _quantile(cvs, 0.5), "p90": _quantile(cvs, 0.9), "max": cvs[-1]},
        "energy_cv_by_length": _by_length(groups),
        "energy_cv_by_processor": _by_processor(groups),
        "energy_per_epoch_cv_median": _median(map(_spread_per_epoch, groups)),
        "duration_cv_median": _median(_spread(group, "duration_s") for group in groups),
        "quality_cv_median": _median(_spread(group, "quality_validation") for group in groups),
        "unsteady": [
            {
                "recipe_id": group[0].recipe_id,
                "energy_cv": cv,
                "runs": [run.run_id for run in group],
                "contended": sum("contended" in run.flags for run in group),
            }
            for cv, group in unsteady
        ],
    }


def _by_length(groups: list[list[Run]]) -> list[dict[str, Any]]:
    """The median spread of energy by how long the recipes train; only lengths of which there is a recipe."""
    classes: dict[float, list[float | None]] = defaultdict(list)
    for group in groups:
        if known := [run.duration_s for run in group if run.duration_s is not None]:
            length = statistics.fmean(known)
            classes[max(least for least in LENGTHS_S if least <= length)].append(_spread(group, "energy_kwh"))
    return [{"from_s": s, "groups": len(cvs), "energy_cv_median": _median(cvs)} for s, cvs in sorted(classes.items())]


def _by_processor(groups: list[list[Run]]) -> list[dict[str, Any]]:
    """The median spread of energy on each processor, the one with most recipes first: a shared machine spreads more."""
    classes: dict[str, list[float | None]] = defaultdict(list)
    for group in groups:
        classes[group[0].gpu_model or group[0].cpu_model or "unknown"].append(_spread(group, "energy_kwh"))
    most_first = sorted(classes.items(), key=lambda named: (-len(named[1]), named[0]))
    return [{"processor": name, "groups": len(cvs), "energy_cv_median": _median(cvs)} for name, cvs in most_first]


def _spread(group: Sequence[Run], name: str) -> float | None:
    return variation([value for run in group if (value := getattr(run, name)) is not None])


def _spread_per_epoch(group: Sequence[Run]) -> float | None:
    return variation([run.energy_kwh / run.epochs_run for run in group if run.energy_kwh and run.epochs_run])


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
