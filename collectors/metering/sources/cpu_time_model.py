"""The processor as a model: CPU seconds of the process tree times watts per busy hardware thread.

Linear in CPU seconds and without a floor: two busy threads cost twice one, a sleeping process costs nothing, and a
process can never be booked more than its machine. The idle draw of the machine's share of its host is not booked,
since it is there whatever runs; it raises the upper end of the interval instead.
"""

from __future__ import annotations

from typing import Any

from collectors.metering.cpu_watts import ThreadWatts

SCHEDULER_TICK_S = 0.01
"""A thread running on another core is accounted at the scheduler's tick, 1 to 10 ms by kernel configuration."""


class CpuTimeModel:
    """Joules of the process tree since opened, modelled from its CPU time."""

    component, name, quality, scope, domain = "cpu", "cpu_time_model", "modelled", "process_tree", "process_tree"
    update_s = SCHEDULER_TICK_S

    def __init__(self, watts: ThreadWatts, cpu_s: float, doubt: str | None = None) -> None:
        self.watts = watts
        self.doubt = doubt
        self.gain = watts.gain
        self.unbooked_w = watts.idle_w
        self._begin_s = cpu_s

    def read(self, at_s: float, cpu_s: float) -> float:
        return (cpu_s - self._begin_s) * self.watts.w

    def constants(self) -> dict[str, Any]:
        return dict(self.watts.constants)

    def close(self) -> None:
        pass
