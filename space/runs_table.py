"""What really ran on a task, as the figures and the words need it; and the lists the form offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from green_predictor.alone import as_if_alone
from green_predictor.targets import recipe_key

GOOD_STATUS = ("completed", "early_stopped")


@dataclass(frozen=True)
class MeasuredRun:
    """One training that ran. `counted`: every known component of its energy came from a counter."""

    name: str
    model: str
    recipe_id: str
    metric: str
    quality: float
    energy_kwh: float
    energy_low_kwh: float | None
    energy_high_kwh: float | None
    duration_s: float | None
    counted: bool
    source: str
    machine: str
    phases: dict[str, float]


def measured_runs(
    records: Sequence[Mapping[str, Any]], domain: str, dataset: str, machine: Mapping[str, Any] | None = None
) -> list[MeasuredRun]:
    """Trainings of one task that came to their end, on machines like `machine` (None: on any).

    Their energy is booked as that of the predictions they stand beside: of a training alone.
    """
    return [
        _measured(as_if_alone(r))
        for r in records
        if r.get("domain") == domain
        and r.get("dataset") == dataset
        and r.get("status") in GOOD_STATUS
        and r.get("energy_kwh")
        and _quality(r) is not None
        and (machine is None or same_machine(r, machine))
    ]


def same_machine(run: Mapping[str, Any], machine: Mapping[str, Any]) -> bool:
    """Whether energies of the two can stand in one picture: the same accelerator, or the same processor."""
    part = "gpu_model" if machine.get("gpu_model") else "cpu_model"
    return run.get("device") == machine.get("device") and run.get(part) == machine.get(part)


def known_datasets(records: Sequence[Mapping[str, Any]], domain: str) -> list[tuple[str, str]]:
    """(label with the number of runs, name) of the data sets of a domain, the best known first."""
    counted = Counter(
        str(r["dataset"]) for r in records if r.get("domain") == domain and r.get("origin") == "collected"
    )
    return [(f"{name} · {count:,} run{'s' * (count != 1)}", name) for name, count in counted.most_common()]


def machine_words(run: Mapping[str, Any]) -> str:
    """`H200 ×1`, or the processor and its threads."""
    if run.get("gpu_model"):
        count = run.get("gpu_count") or 1
        return str(run["gpu_model"]) + (f" ×{count}" if count > 1 else "")
    threads = run.get("cpu_count")
    return f"{run.get('cpu_model') or 'unknown processor'}" + (f", {threads} threads" if threads else "")


def sources(run: Mapping[str, Any]) -> tuple[bool, str]:
    """(all known components counted?, names of the sources)."""
    parts = [(run.get(f"{c}_energy_quality"), run.get(f"{c}_energy_source")) for c in ("gpu", "cpu", "ram")]
    known = [(quality, source) for quality, source in parts if source]
    counted = bool(known) and all(quality == "measured" for quality, _ in known)
    return counted, ", ".join(dict.fromkeys(str(source) for _, source in known)) or "an unknown source"


def _quality(run: Mapping[str, Any]) -> float | None:
    last = run.get("quality_last")
    return last if last is not None else run.get("quality_validation")


def _measured(run: Mapping[str, Any]) -> MeasuredRun:
    counted, source = sources(run)
    knobs = " ".join(f"{k['name']}={k['value']}" for k in run.get("knobs") or [])
    name = f"{run['model']} · {run.get('epochs')} epochs · batch {run.get('batch_size')}" + (
        f" · {knobs}" if knobs else ""
    )
    phases = {p: run[f"{p}_energy_kwh"] for p in ("data", "model", "training", "system", "evaluation")
              if run.get(f"{p}_energy_kwh") is not None}  # fmt: skip
    return MeasuredRun(
        name=name,
        model=str(run["model"]),
        recipe_id=recipe_key(run),
        metric=str(run.get("quality_metric") or "quality"),
        quality=float(_quality(run) or 0.0),
        energy_kwh=float(run["energy_kwh"]),
        energy_low_kwh=run.get("energy_low_kwh"),
        energy_high_kwh=run.get("energy_high_kwh"),
        duration_s=run.get("duration_s"),
        counted=counted,
        source=source,
        machine=machine_words(run),
        phases=phases,
    )
