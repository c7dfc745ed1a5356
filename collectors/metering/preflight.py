"""What will be measured here, by which source, why not better, how to get better; and a two-second self-test."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from collectors.metering.discover import Found, Surroundings
from collectors.metering.energy import COMPONENTS, ComponentEnergy
from collectors.metering.intervals import shortest_confident_s
from collectors.metering.machine import hardware
from collectors.metering.meter import EnergyMeter

SELF_TEST_S = 2.0
SELF_TEST_WINDOWS = 4

_BETTER = {
    ("cpu", "cpu_time_model"): "a machine (not a virtual one) that exposes RAPL under /sys/class/powercap",
    ("ram", "ram_model"): "a server processor whose RAPL has a dram zone; or leave memory out of comparisons",
    ("gpu", "nvml_poll"): "a Volta or newer card, whose energy counter needs no polling",
}


def doctor(around: Surroundings | None = None, self_test_s: float = SELF_TEST_S) -> dict[str, Any]:
    """Diagnosis of this machine; takes about `self_test_s` seconds and keeps one thread busy meanwhile.

    Returns:
        `hardware`; `components`, a list with `component`, `source`, `quality`, `reason` (why not better), `better` (how
        to get better), `factor` (lowest and highest true energy a figure of 1 stands for), `resolves_s` (window length
        from which edges stay within 5 %), `scope`; `self_test`; `rank`; `contended`.
    """
    meter = EnergyMeter(around=around)
    blocks = _self_test(meter, self_test_s)
    report = meter.report()
    found = meter.found
    return {
        "hardware": hardware(around),
        "components": [_component(name, report.components[name], found) for name in COMPONENTS],
        "self_test": _spread(blocks, report.components),
        "power_w": report.power_w,
        "contended": report.contended,
        "contention": report.contention,
        "rank": report.rank,
    }


def _self_test(meter: EnergyMeter, seconds: float) -> list[dict[str, float | None]]:
    """Joules of equal pieces of work, by component."""
    block = bytes(1 << 16)
    with meter:
        rounds = _calibrated_rounds(block, 0.05 * seconds)
        per_window = max(1, round(rounds * 0.9 * seconds / SELF_TEST_WINDOWS / (0.05 * seconds)))
        blocks = []
        for number in range(SELF_TEST_WINDOWS):
            with meter.window(f"work {number}"):
                _hash(block, per_window)
    for window in meter.report().windows.values():
        blocks.append({name: c.energy_kwh for name, c in window.components.items()})
    return blocks


def _calibrated_rounds(block: bytes, seconds: float) -> int:
    rounds, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        _hash(block, 1)
        rounds += 1
    return rounds


def _hash(block: bytes, rounds: int) -> None:
    digest = hashlib.sha256()
    for _ in range(rounds):
        digest.update(block)


def _spread(blocks: list[dict[str, float | None]], components: dict[str, ComponentEnergy]) -> dict[str, Any]:
    """Coefficient of variation of equal work, by component: what one repeat can differ by, %."""
    spread: dict[str, float | None] = {}
    for name in components:
        values = [b[name] for b in blocks if b.get(name) is not None]
        if components[name].low_confidence:  # the pieces are shorter than this source resolves
            values = []
        mean = sum(values) / len(values) if values else 0.0  # type: ignore[arg-type]
        if len(values) < 2 or not mean:
            spread[name] = None
            continue
        variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)  # type: ignore[operator]
        spread[name] = round(100 * variance**0.5 / mean, 2)
    return {"windows": len(blocks), "work": "sha256 on one thread", "spread_percent": spread}


def _component(name: str, energy: ComponentEnergy, found: Found) -> dict[str, Any]:
    ours = [s for s in found.sources if s.component == name]
    factor = [round(min(s.gain[0] for s in ours), 3), round(max(s.gain[1] for s in ours), 3)] if ours else None
    return {
        "component": name,
        "source": energy.source,
        "quality": energy.quality,
        "scope": energy.scope,
        "reason": energy.reason,
        "better": _BETTER.get((name, energy.source or "")) if ours else _better_if_missing(energy),
        "factor": factor,
        "resolves_s": round(max(shortest_confident_s(s.update_s) for s in ours), 3) if ours else None,
        "constants": energy.constants,
    }


def _better_if_missing(energy: ComponentEnergy) -> str | None:
    return energy.reason if energy.constants.get("present") else None
