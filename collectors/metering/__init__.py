"""An energy meter: measured where a counter exists, modelled and marked where none does, never silently zero.

    from collectors.metering import EnergyMeter
    with EnergyMeter() as meter:
        with meter.window("training"):
            ...
    report = meter.report()

Sources, best first: NVIDIA's total-energy counter or polled power; RAPL packages and DRAM; CPU seconds of the process
tree times watts per busy thread; memory times watts per GB.
"""

from collectors.metering.energy import ComponentEnergy, EpochEnergy, Snapshot, WindowEnergy
from collectors.metering.machine import hardware
from collectors.metering.meter import EnergyMeter
from collectors.metering.report import EnergyReport

__all__ = [
    "ComponentEnergy",
    "EnergyMeter",
    "EnergyReport",
    "EpochEnergy",
    "Snapshot",
    "WindowEnergy",
    "hardware",
]
