"""Could this have happened? Power, sums, curves, speeds and dates against what hardware and arithmetic allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise

from ecotaskset.checks.finding import Finding
from ecotaskset.run import COMPONENTS, COST_PHASES, CURVES, Run

JOULES_A_KWH = 3.6e6
ROOM = 1.2
"""Boost and error of counters: a component may draw this much of its rated power on average."""

WATTS_A_THREAD = 15.0
"""Bound for a processor whose rated power is unknown; desktop parts with few threads stay below it."""

GPU_W, RAM_W_A_GB, RAM_BASE_W = 1500.0, 1.5, 20.0
SPEED_ROOM = {"cpu": 4.0}
SPEED_ROOM_ACCELERATOR = 40.0
"""Low precision and tensor units against the float32 product that `matmul_gflops` times."""

GAP_S, GAP_S_AN_EPOCH = 0.5, 0.1
"""Curves are read at the end of an epoch, totals add up phases: what happens between phases is in the curves alone."""

EARLIEST = datetime(2020, 1, 1, tzinfo=timezone.utc)
WORK_DONE = ("completed", "early_stopped")


def check_physics(run: Run) -> list[Finding]:
    """All physical checks of one run."""
    checks: tuple[Callable[[Run], Iterator[Finding]], ...] = (power, sums, curves, quality, speed, times, intervals)
    return [Finding(f.code, f.message, run.run_id) for check in checks for f in check(run)]


def power(run: Run) -> Iterator[Finding]:
    """Mean power of each component against its rated power."""
    if run.status in WORK_DONE and run.duration_s == 0:
        yield Finding("P107", "duration_s is 0")
    if run.energy_kwh == 0 and (run.duration_s or 0) > 0:
        yield Finding("P107", "energy_kwh is 0")
    if not run.duration_s:
        return
    limits = {"gpu": _gpu_limit_w(run), "cpu": _cpu_limit_w(run), "ram": _ram_limit_w(run)}
    for name in COMPONENTS:
        kwh, limit = getattr(run, f"{name}_energy_kwh"), limits[name]
        if kwh is None:
            continue
        watts = kwh * JOULES_A_KWH / run.duration_s
        if watts > limit * ROOM:
            yield Finding("P101", f"{name}: {watts:.3g} W on average, the hardware allows {limit * ROOM:.3g} W")


def sums(run: Run) -> Iterator[Finding]:
    """Components, and phases, against the total."""
    parts = [kwh for name in COMPONENTS if (kwh := getattr(run, f"{name}_energy_kwh")) is not None]
    if parts and (run.energy_kwh is None or not _near(sum(parts), run.energy_kwh)):
        yield Finding("P102", f"components add up to {sum(parts):.6g} kWh, energy_kwh is {_text(run.energy_kwh)}")
    phases = [kwh for name in COST_PHASES if (kwh := getattr(run, f"{name}_energy_kwh")) is not None]
    if phases and run.energy_kwh is not None and sum(phases) > run.energy_kwh * 1.02 + 1e-12:
        yield Finding("P102", f"phases add up to {sum(phases):.6g} kWh, energy_kwh is {run.energy_kwh:.6g}")
    if run.energy_measured_kwh is not None and run.energy_measured_kwh > (run.energy_kwh or 0) * 1.001 + 1e-12:
        yield Finding("P102", "energy_measured_kwh is more than energy_kwh")
    if run.emissions_kg is not None and None not in (run.energy_kwh, run.carbon_intensity_g_per_kwh):
        expected = run.energy_kwh * run.carbon_intensity_g_per_kwh / 1000
        if not _near(expected, run.emissions_kg):
            yield Finding("P102", f"emissions_kg is {run.emissions_kg:.6g}, energy times intensity is {expected:.6g}")


def curves(run: Run) -> Iterator[Finding]:
    """One value an epoch; energy and time never fall and never exceed the total."""
    for name in CURVES:
        curve = getattr(run, name)
        if curve and run.epochs_run is not None and len(curve) != run.epochs_run:
            yield Finding("P103", f"{name} has {len(curve)} values for {run.epochs_run} epochs")
    gap_s = GAP_S + GAP_S_AN_EPOCH * (run.epochs_run or 0)
    gap_kwh = 1.5 * gap_s * (run.energy_kwh or 0) / run.duration_s if run.duration_s else 0.0
    totals = {"curve_energy_kwh": (run.energy_kwh, gap_kwh), "curve_duration_s": (run.duration_s, gap_s)}
    for name, (total, gap) in totals.items():
        known = [value for value in getattr(run, name) if value is not None]
        if any(value < 0 for value in known[:1]) or any(after < before for before, after in pairwise(known)):
            yield Finding("P103", f"{name} falls from one epoch to the next")
        if known and total is not None and known[-1] > total * 1.05 + gap:
            yield Finding("P103", f"{name} ends at {known[-1]:.6g}, above the run's total of {total:.6g}")
    if any(v is not None and not 0 <= v <= 1 for v in run.curve_validation_quality):
        yield Finding("P103", "curve_validation_quality leaves 0 to 1")
    if None not in (run.epochs, run.epochs_run) and run.epochs_run > run.epochs:
        yield Finding("P103", f"epochs_run is {run.epochs_run}, asked for were {run.epochs}")


def quality(run: Run) -> Iterator[Finding]:
    """Best, last and best epoch against the curve they come from."""
    curve = [value for value in run.curve_validation_quality if value is not None]
    if not curve or len(curve) != len(run.curve_validation_quality):
        return
    if run.quality_validation is not None and abs(run.quality_validation - max(curve)) > 1e-6:
        yield Finding(
            "P104", f"quality_validation is {run.quality_validation:.6g}, the curve's best is {max(curve):.6g}"
        )
    if run.quality_last is not None and abs(run.quality_last - curve[-1]) > 1e-6:
        yield Finding("P104", f"quality_last is {run.quality_last:.6g}, the curve ends at {curve[-1]:.6g}")
    if run.best_epoch is not None and not 1 <= run.best_epoch <= len(curve):
        yield Finding("P104", f"best_epoch is {run.best_epoch} of {len(curve)}")


def speed(run: Run) -> Iterator[Finding]:
    """Arithmetic done (forward passes alone) against the rate this machine was timed at."""
    facts = (run.flops_per_sample, run.n_train, run.epochs_run, run.duration_s, run.matmul_gflops)
    if None in facts or not run.duration_s or not run.matmul_gflops:
        return
    rate = run.flops_per_sample * run.n_train * run.epochs_run / run.duration_s / 1e9
    limit = run.matmul_gflops * SPEED_ROOM.get(run.device or "", SPEED_ROOM_ACCELERATOR) * (run.gpu_count or 1)
    if rate > limit:
        yield Finding("P105", f"{rate:.4g} GFLOP/s, this machine was timed at {run.matmul_gflops:.4g}")


def times(run: Run) -> Iterator[Finding]:
    """Dates and durations."""
    latest = datetime.now(timezone.utc) + timedelta(days=1)
    if run.collected_at is not None and not EARLIEST <= run.collected_at <= latest:
        yield Finding("P106", f"collected_at is {run.collected_at:%Y-%m-%d}")
    if None not in (run.cpu_time_s, run.duration_s, run.cpu_count):
        allowed = run.duration_s * run.cpu_count * 1.05 + 1.0
        if run.cpu_time_s > allowed:
            yield Finding("P108", f"cpu_time_s is {run.cpu_time_s:.4g}, {run.cpu_count} threads allow {allowed:.4g}")


def intervals(run: Run) -> Iterator[Finding]:
    """The interval holds the estimate."""
    low, middle, high = run.energy_low_kwh, run.energy_kwh, run.energy_high_kwh
    if middle is not None and ((low or 0) > middle * 1.001 or (high is not None and high < middle * 0.999)):
        yield Finding("P109", f"energy_kwh {middle:.6g} is outside {_text(low)} to {_text(high)}")


def _gpu_limit_w(run: Run) -> float:
    return (run.gpu_tdp_w or GPU_W) * max(run.gpu_count or 1, 1)


def _cpu_limit_w(run: Run) -> float:
    """`cpu_tdp_w` is of all sockets together, as the energy is."""
    return run.cpu_tdp_w or WATTS_A_THREAD * max(run.cpu_count or 256, 4)


def _ram_limit_w(run: Run) -> float:
    return RAM_BASE_W + RAM_W_A_GB * (run.ram_gb or 4096)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= 0.01 * max(abs(one), abs(other)) + 1e-12


def _text(value: float | None) -> str:
    return "not known" if value is None else f"{value:.6g}"
