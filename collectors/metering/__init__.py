"""An energy meter: measured where a counter exists, modelled and marked where none does, never silently zero.

    from collectors.metering import EnergyMeter
    with EnergyMeter() as meter:
        with meter.window("training"):
            ...
    report = meter.report()

Sources, best first: NVIDIA's total-energy counter or polled power; RAPL packages and DRAM; CPU seconds of the process
tree times watts per busy thread; memory times watts per GB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collectors.metering.meter import EnergyMeter

if TYPE_CHECKING:
    from collectors.metering.across_ranks import aggregate
    from collectors.metering.diagnosis import render
    from collectors.metering.energy import ComponentEnergy, EpochEnergy, Snapshot, WindowEnergy
    from collectors.metering.machine import hardware
    from collectors.metering.preflight import doctor
    from collectors.metering.replay import ReplayMeter, recording_of
    from collectors.metering.report import EnergyReport

_ON_DEMAND = {
    "ComponentEnergy": "energy",
    "EnergyReport": "report",
    "EpochEnergy": "energy",
    "ReplayMeter": "replay",
    "aggregate": "across_ranks",
    "doctor": "preflight",
    "hardware": "machine",
    "recording_of": "replay",
    "render": "diagnosis",
    "Snapshot": "energy",
    "WindowEnergy": "energy",
}
"""Where the rest lives; loaded when first asked for, so that importing the meter takes milliseconds."""

__all__ = [
    "ComponentEnergy",
    "EnergyMeter",
    "EnergyReport",
    "EpochEnergy",
    "ReplayMeter",
    "Snapshot",
    "WindowEnergy",
    "aggregate",
    "doctor",
    "hardware",
    "recording_of",
    "render",
]


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module 'collectors.metering' has no attribute '{name}'")
    import importlib

    found = getattr(importlib.import_module(f"collectors.metering.{_ON_DEMAND[name]}"), name)
    globals()[name] = found
    return found
