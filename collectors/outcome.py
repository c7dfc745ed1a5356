"""What a training becomes: one Run, from the recipe, the loop's progress and the meter's report."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import torch
import transformers

from collectors.metering import hardware
from collectors.plan import public_recipe
from collectors.tasks.architectures import get_architecture
from ecotaskset import carbon
from ecotaskset._version import __version__
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import COMPONENTS, COST_PHASES, Run, knob_settings

if TYPE_CHECKING:
    from collectors.metering import EnergyReport
    from collectors.train import Progress


def make_run(recipe: Recipe, progress: Progress, report: EnergyReport, *, device: str, n_processes: int) -> Run:
    """The run of a training that ended, however it ended. Columns nobody could fill stay null."""
    return Run(
        collected_at=datetime.now(timezone.utc),
        collector_version=__version__,
        status=progress.status,
        status_reason=progress.status_reason,
        flags=flags(report),
        **public_recipe(recipe).model_dump(exclude={"knobs"}),
        knobs=knob_settings(recipe),
        model_family=_family(recipe),
        epochs_run=len(progress.quality),
        n_processes=n_processes,
        device=device,
        **hardware(),
        python_version=platform.python_version(),
        torch_version=torch.__version__,
        transformers_version=transformers.__version__,
        **progress.columns,
        **quality_columns(progress.quality),
        **energy_columns(report),
        **progress.curves,
    )


def _family(recipe: Recipe) -> str | None:
    """The architecture's family; null for a model of somebody's own, which the catalogue does not know."""
    try:
        return get_architecture(recipe.model, recipe.domain).family
    except UsageError:
        return None


def quality_columns(curve: list[float | None]) -> dict[str, Any]:
    """Best and last validation quality of a curve; nothing when no epoch was validated."""
    known = [quality for quality in curve if quality is not None]
    if not known:
        return {}
    best = max(known)
    return {"quality_validation": best, "best_epoch": curve.index(best) + 1, "quality_last": curve[-1]}


def energy_columns(report: EnergyReport) -> dict[str, Any]:
    """Energy by component and by phase over the phases that are the training's bill (inference is not)."""
    phases = {name: report.windows[name] for name in COST_PHASES if name in report.windows}
    columns: dict[str, Any] = {f"{name}_energy_kwh": window.energy_kwh for name, window in phases.items()}
    lows, highs, measured = [], [], []
    for name in COMPONENTS:
        spent = [window.components[name] for window in phases.values() if name in window.components]
        known = [part for part in spent if part.energy_kwh is not None]
        whole = report.components.get(name)
        columns[f"{name}_energy_kwh"] = energy = sum(part.energy_kwh for part in known) if known else None
        if whole is not None:
            columns[f"{name}_energy_source"] = whole.source
            columns[f"{name}_energy_quality"] = whole.quality
            columns[f"{name}_energy_method"] = whole.method[:500]
        if energy is not None:
            lows.append(sum(part.interval[0] if part.interval else part.energy_kwh for part in known))
            highs.append(sum(part.interval[1] if part.interval else part.energy_kwh for part in known))
            if whole is not None and whole.quality == "measured":
                measured.append(energy)
    total = [columns[f"{name}_energy_kwh"] for name in COMPONENTS if columns[f"{name}_energy_kwh"] is not None]
    energy_kwh = sum(total) if total else None
    emissions = carbon.emissions_kg(energy_kwh, report.country) if report.country else None
    return columns | {
        "energy_kwh": energy_kwh,
        "energy_low_kwh": sum(lows) if lows else None,
        "energy_high_kwh": sum(highs) if highs else None,
        "energy_measured_kwh": sum(measured) if measured else None,
        "duration_s": sum(window.duration_s for window in phases.values()),
        "cpu_time_s": sum(window.cpu_time_s or 0.0 for window in phases.values()) or None,
        "idle_power_w": report.idle_power_w,
        "foreign_cpu_share": report.foreign_cpu_share,
        "pue": report.pue,
        "country": report.country,
        "carbon_intensity_g_per_kwh": carbon.intensity(report.country) if report.country else None,
        "emissions_kg": emissions,
    }


def flags(report: EnergyReport) -> list[str]:
    """Doubts a reader of the row should know of."""
    doubts = {"contended": report.contended, "low_confidence": report.low_confidence}
    return [name for name, holds in doubts.items() if holds]
