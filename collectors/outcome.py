"""What a training becomes: one Run, from the recipe, the loop's progress and the meter's report."""

from __future__ import annotations

import platform
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import torch
import transformers

from collectors.metering import ComponentEnergy, WindowEnergy, hardware
from collectors.plan import public_recipe
from collectors.tasks.architectures import get_architecture
from ecotaskset import carbon
from ecotaskset._version import __version__
from ecotaskset.checks.rows import without_paths
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import COST_PHASES, Run, knob_settings

if TYPE_CHECKING:
    from collectors.metering import EnergyReport
    from collectors.train import Progress


def make_run(recipe: Recipe, progress: Progress, report: EnergyReport, *, device: str, n_processes: int) -> Run:
    """The run of a training that ended, however it ended. Columns nobody could fill stay null."""
    bill, machine = billed(report), hardware()
    return Run(
        collected_at=datetime.now(timezone.utc),
        collector_version=__version__,
        status=progress.status,
        status_reason=progress.status_reason and without_paths(progress.status_reason),
        flags=flags(report),
        **public_recipe(recipe).model_dump(exclude={"knobs"}),
        knobs=knob_settings(recipe),
        model_family=_family(recipe),
        epochs_run=len(progress.quality),
        n_processes=n_processes,
        device=device,
        **machine | {"gpu_count": accelerators(report, device, machine["gpu_count"])},
        python_version=platform.python_version(),
        torch_version=torch.__version__,
        transformers_version=transformers.__version__,
        **_columns(progress, report),
        **quality_columns(progress.quality),
        **energy_columns(report, bill),
        **curve_columns(progress, bill),
    )


def _family(recipe: Recipe) -> str | None:
    """The architecture's family; null for a model of somebody's own, which the catalogue does not know."""
    try:
        return get_architecture(recipe.model, recipe.domain).family
    except UsageError:
        return None


def _columns(progress: Progress, report: EnergyReport) -> dict[str, Any]:
    """What the loop found out; but no energy of inference where a component had been lost by its end."""
    lost = any(part.lost for part in report.components.values())
    return progress.columns | ({"inference_kwh_per_1000": None} if lost else {})


def quality_columns(curve: list[float | None]) -> dict[str, Any]:
    """Best and last validation quality of a curve; nothing when no epoch was validated."""
    known = [quality for quality in curve if quality is not None]
    if not known:
        return {}
    best = max(known)
    return {"quality_validation": best, "best_epoch": curve.index(best) + 1, "quality_last": curve[-1]}


def billed(report: EnergyReport) -> WindowEnergy:
    """The training's bill: all phases but inference as one. What is not known in one of them is not known at all, for
    the rest would pass for the whole; a phase that was left before it was read is none.
    """
    phases = [report.windows[name] for name in COST_PHASES if name in report.windows]
    phases = [window for window in phases if window.duration_s > 0]
    return WindowEnergy(
        "bill",
        duration_s=sum(window.duration_s for window in phases),
        components={name: _over(phases, name, whole) for name, whole in report.components.items()},
        cpu_time_s=sum(window.cpu_time_s or 0.0 for window in phases) or None,
    )


def _over(phases: list[WindowEnergy], name: str, whole: ComponentEnergy) -> ComponentEnergy:
    """One component over all phases, told as for the whole run, unless it was lost after the last of them."""
    parts = [window.components[name] for window in phases if name in window.components]
    unknown = next((part for part in parts if part.energy_kwh is None), None)
    if unknown or not parts:
        return unknown or replace(whole, energy_kwh=None, interval=None)
    ends = [part.interval or (part.energy_kwh, part.energy_kwh) for part in parts]
    return replace(
        whole if whole.energy_kwh is not None else parts[-1],
        energy_kwh=sum(part.energy_kwh for part in parts),
        interval=(sum(low for low, _ in ends), sum(high for _, high in ends)),
    )


def energy_columns(report: EnergyReport, bill: WindowEnergy) -> dict[str, Any]:
    """Energy by component and by phase, and what it must be judged by; phases add up to the bill."""
    columns: dict[str, Any] = {}
    for name, part in bill.components.items():
        columns[f"{name}_energy_kwh"] = part.energy_kwh
        columns[f"{name}_energy_source"] = part.source
        columns[f"{name}_energy_quality"] = part.quality
        columns[f"{name}_energy_method"] = part.method[:500]
    unknown = [name for name, part in bill.components.items() if part.energy_kwh is None]
    for name, window in report.windows.items():
        if name in COST_PHASES and window.duration_s > 0:
            columns[f"{name}_energy_kwh"] = window.total(exclude=unknown)
    low, high = bill.interval or (None, None)
    return columns | {
        "energy_kwh": bill.energy_kwh,
        "energy_low_kwh": low,
        "energy_high_kwh": high,
        "energy_measured_kwh": bill.energy_measured_kwh,
        "duration_s": bill.duration_s or None,
        "cpu_time_s": bill.cpu_time_s,
        "idle_power_w": report.idle_power_w,
        "foreign_cpu_share": report.foreign_cpu_share,
        "pue": report.pue,
        "country": report.country,
        "carbon_intensity_g_per_kwh": carbon.intensity(report.country) if report.country else None,
        "emissions_kg": carbon.emissions_kg(bill.energy_kwh, report.country) if report.country else None,
    }


def curve_columns(progress: Progress, bill: WindowEnergy) -> dict[str, list[float | None]]:
    """The curves; without energy where a component was lost, which the first epochs hold and the others do not."""
    if not any(part.lost for part in bill.components.values()):
        return progress.curves
    return progress.curves | {"curve_energy_kwh": [None] * len(progress.curves["curve_energy_kwh"])}


def accelerators(report: EnergyReport, device: str, visible: int | None) -> int | None:
    """How many accelerators the run used: the cards that were metered, in all its processes.

    Where none was, it is not known, but for a run on the processor or a machine without any.
    """
    if report.cards:
        return len(report.cards)
    return 0 if device == "cpu" or visible == 0 else None


def flags(report: EnergyReport) -> list[str]:
    """Doubts a reader of the row should know of."""
    doubts = {"contended": report.contended, "low_confidence": report.low_confidence}
    return [name for name, holds in doubts.items() if holds]
