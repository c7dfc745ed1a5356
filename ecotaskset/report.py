"""How good is a set of runs? Counts, coverage, repeatability, outliers, contention, gaps, leaks; as plain data.

Everything here is computed from the rows given and nothing else, so the same function describes a local store, a
release and an import. Text and figures are made from its answer in `report_text` and `report_figures`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ecotaskset.knobs import DOMAINS
from ecotaskset.report_drift import drift
from ecotaskset.report_gaps import missing_fields
from ecotaskset.report_leaks import leak_check
from ecotaskset.report_outliers import contention, outliers
from ecotaskset.report_repeats import repeatability
from ecotaskset.run import COMPONENTS, Run

SEEDS_FOR_NOISE = 3
"""A recipe with this many seeds on one machine tells how noisy its numbers are."""


@dataclass(frozen=True)
class Row:
    """A run and the split it stands in (None: it is in no release yet)."""

    run: Run
    split: str | None = None


def report(rows: Sequence[Row]) -> dict[str, Any]:
    """Describe a set of runs, as JSON-ready data."""
    runs = [row.run for row in rows]
    return {
        "runs": len(runs),
        "recipes": len({run.recipe_id for run in runs if run.recipe_id}),
        "origins": _count(runs, lambda run: run.origin),
        "statuses": _count(runs, lambda run: run.status),
        "flags": dict(sorted(Counter(flag for run in runs for flag in run.flags).items())),
        "splits": dict(Counter(row.split for row in rows if row.split)),
        "domains": {
            domain: coverage([run for run in runs if run.domain == domain])
            for domain in DOMAINS
            if any(run.domain == domain for run in runs)
        },
        "energy": energy_sources(runs),
        "repeatability": repeatability(runs),
        "drift": drift(runs),
        "outliers": outliers(runs),
        "contention": contention(runs),
        "missing": missing_fields(runs),
        "leaks": leak_check([(row.run, row.split) for row in rows]),
    }


def coverage(runs: Sequence[Run]) -> dict[str, Any]:
    """What a set of runs of one domain covers."""
    knobs = Counter(knob.name for run in runs for knob in run.knobs)
    return {
        "runs": len(runs),
        "recipes": len({run.recipe_id for run in runs if run.recipe_id}),
        "recipes_with_seeds": recipes_with_seeds(runs),
        "datasets": _count(runs, lambda run: run.dataset),
        "models": _count(runs, lambda run: run.model),
        "machines": _count(runs, lambda run: run.gpu_model or run.cpu_model or "unknown"),
        "knobs": dict(sorted(knobs.items())),
        "knob_phases": dict(sorted(Counter(knob.phase for run in runs for knob in run.knobs).items())),
        "runs_with_several_knobs": sum(len(run.knobs) > 1 for run in runs),
        "epochs": _span([run.epochs for run in runs]),
        "batch_size": _span([run.batch_size for run in runs]),
        "learning_rate": _span([run.learning_rate for run in runs]),
        "n_train": _span([run.n_train for run in runs]),
        "quality_validation": _span([run.quality_validation for run in runs]),
        "energy_kwh": _span([run.energy_kwh for run in runs]),
        "duration_s": _span([run.duration_s for run in runs]),
        "total_energy_kwh": sum(run.energy_kwh or 0.0 for run in runs),
        "total_duration_s": sum(run.duration_s or 0.0 for run in runs),
    }


def recipes_with_seeds(runs: Sequence[Run], at_least: int = SEEDS_FOR_NOISE) -> int:
    """Recipes that were trained with that many different seeds."""
    seeds: dict[str, set[int | None]] = {}
    for run in runs:
        if run.recipe_id:
            seeds.setdefault(run.recipe_id, set()).add(run.seed)
    return sum(len(found) >= at_least for found in seeds.values())


def energy_sources(runs: Sequence[Run]) -> dict[str, Any]:
    """Where the energy figures come from: runs by component, source and quality; the measured share of all energy."""
    components = {part: _count(runs, lambda run, part=part: _provenance(run, part)) for part in COMPONENTS}
    known = [run for run in runs if run.energy_kwh is not None]
    total = sum(run.energy_kwh or 0.0 for run in known)
    measured = sum(run.energy_measured_kwh or 0.0 for run in known)
    return {
        "components": components,
        "runs_without_energy": len(runs) - len(known),
        "runs_fully_measured": sum(_fully_measured(run) for run in known),
        "measured_share": measured / total if total else None,
    }


def _fully_measured(run: Run) -> bool:
    qualities = {getattr(run, f"{part}_energy_quality") for part in COMPONENTS}
    return "measured" in qualities and "modelled" not in qualities


def _provenance(run: Run, part: str) -> str:
    source, quality = getattr(run, f"{part}_energy_source"), getattr(run, f"{part}_energy_quality")
    return f"{source or 'none'} ({quality or 'missing'})"


def _count(runs: Sequence[Run], key: Callable[[Run], str]) -> dict[str, int]:
    return dict(sorted(Counter(map(key, runs)).items(), key=lambda item: (-item[1], item[0])))


def _span(values: Sequence[float | None]) -> dict[str, float] | None:
    """Smallest, middle and largest known value."""
    known = sorted(value for value in values if value is not None)
    return {"min": known[0], "median": known[len(known) // 2], "max": known[-1]} if known else None
