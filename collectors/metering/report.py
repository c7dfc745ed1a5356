"""What a metered run comes to: totals, windows, epochs, and what they must be judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from collectors.metering.energy import ComponentEnergy, EnergySums, EpochEnergy, WindowEnergy

REPORT_FORMAT = 1


@dataclass(frozen=True)
class EnergyReport(EnergySums):
    """Everything the meter knows about a run.

    Attributes:
        components: `gpu`, `cpu`, `ram`, each with energy, source, quality and interval.
        windows: by name, inner windows included: what a stopwatch held over the window would say.
        parts: by name, inner windows left out, plus `outside`: these add up to the report.
        epochs: in order.
        cpu_time_s: CPU seconds of the process tree.
        machine_cpu_s: busy CPU seconds of the whole machine, never less than the process tree's.
        foreign_cpu_share: share of the machine's CPU capacity that others used meanwhile, 0 to 1.
        foreign_gpu_processes: other processes seen on the metered cards; None if that cannot be told.
        contended: whether others disturbed the run; None if that cannot be told. `contention` says how.
        idle_power_w: draw before the run, W, where a baseline was asked for. Never subtracted.
        conditions: temperatures, clocks and limits at `start` and `end`, where readable.
        country, pue: as given; neither is inside any energy.
        rank: this process among those of a distributed run: `rank`, `local_rank`, `world_size`, `node`.
        cards: UUIDs of the GPUs that were metered, also of those that were lost on the way.
    """

    duration_s: float
    components: dict[str, ComponentEnergy]
    windows: dict[str, WindowEnergy] = field(default_factory=dict)
    parts: dict[str, WindowEnergy] = field(default_factory=dict)
    epochs: list[EpochEnergy] = field(default_factory=list)
    cpu_time_s: float | None = None
    machine_cpu_s: float | None = None
    machine_capacity_s: float | None = None
    foreign_cpu_share: float | None = None
    foreign_gpu_processes: int | None = None
    contended: bool | None = None
    contention: list[str] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)
    country: str | None = None
    pue: float = 1.0
    rank: dict[str, int] = field(default_factory=dict)
    cards: tuple[str, ...] = ()

    @property
    def idle_power_w(self) -> float | None:
        known = [c.idle_power_w for c in self.components.values() if c.idle_power_w is not None]
        return sum(known) if known else None

    @property
    def complete(self) -> bool:
        """Whether every component this machine has is in the total."""
        return not any(c.quality == "missing" and c.constants.get("present") for c in self.components.values())

    @property
    def facility_kwh(self) -> float | None:
        """Energy with the site's overhead, kWh: energy times PUE. A view; nothing else uses it."""
        return None if self.energy_kwh is None else self.energy_kwh * self.pue

    @property
    def emissions_kg(self) -> float | None:
        """CO2 equivalent in kg, from the country given; None if none was given or its grid is not in the table."""
        from ecotaskset.carbon import emissions_kg

        return emissions_kg(self.energy_kwh, self.country, pue=self.pue)

    def to_dict(self) -> dict[str, Any]:
        """The whole report as JSON types. Holds no host name, user name or process id."""
        return {
            "format": REPORT_FORMAT,
            **self._sums_to_dict(),
            "windows": {name: w.to_dict() for name, w in self.windows.items()},
            "parts": {name: w.to_dict() for name, w in self.parts.items()},
            "epochs": [e.to_dict() for e in self.epochs],
            "cpu_time_s": self.cpu_time_s,
            "machine_cpu_s": self.machine_cpu_s,
            "machine_capacity_s": self.machine_capacity_s,
            "foreign_cpu_share": self.foreign_cpu_share,
            "foreign_gpu_processes": self.foreign_gpu_processes,
            "contended": self.contended,
            "contention": self.contention,
            "idle_power_w": self.idle_power_w,
            "complete": self.complete,
            "conditions": self.conditions,
            "country": self.country,
            "pue": self.pue,
            "facility_kwh": self.facility_kwh,
            "emissions_kg": self.emissions_kg,
            "rank": self.rank,
            "cards": list(self.cards),
        }
