"""The figures a report is made of. Every one says where it comes from; unknown is None, never 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

COMPONENTS = ("gpu", "cpu", "ram")


@dataclass(frozen=True)
class ComponentEnergy:
    """Energy of one component over one stretch of time.

    Attributes:
        energy_kwh: None where it is not known; then `quality` is `missing` and `reason` says why.
        source: `nvml_counter`, `nvml_poll`, `rapl_package`, `rapl_dram`, `cpu_time_model`, `ram_model`, or None.
        quality: `measured`, `modelled` or `missing`.
        interval: lowest and highest energy the figure stands for, kWh.
        low_confidence: the stretch is too short for its source, or something is wrong with it; see `reason`.
        reason: why it is missing, doubtful, or not from a better source.
        scope: whose energy it is: `device`, `machine`, `process_tree`, or `node` after adding up ranks.
        constants: what the source needs to be judged: model constants with origin, driver, update period.
        domains: energy of each card or package, kWh.
        idle_power_w: draw before the run, W, where a baseline was asked for. Never subtracted.
    """

    energy_kwh: float | None
    source: str | None
    quality: str
    interval: tuple[float, float] | None = None
    low_confidence: bool = False
    reason: str | None = None
    scope: str | None = None
    constants: dict[str, Any] = field(default_factory=dict)
    domains: dict[str, float] = field(default_factory=dict)
    idle_power_w: float | None = None

    @property
    def lost(self) -> bool:
        """Whether there was a source for it, which could not be read to the end."""
        return self.energy_kwh is None and self.scope is not None

    @property
    def method(self) -> str:
        """Constants, or the reason why the figure is missing, in one line for a table."""
        if self.energy_kwh is None:
            return self.reason or "not known"
        plain = (f"{key}={value}" for key, value in self.constants.items() if not isinstance(value, (dict, list)))
        return "; ".join([f"scope={self.scope}", *plain, *([self.reason] if self.reason else [])])

    def to_dict(self) -> dict[str, Any]:
        return {
            "energy_kwh": self.energy_kwh,
            "source": self.source,
            "quality": self.quality,
            "interval_kwh": list(self.interval) if self.interval else None,
            "low_confidence": self.low_confidence,
            "reason": self.reason,
            "scope": self.scope,
            "constants": self.constants,
            "domains_kwh": self.domains,
            "idle_power_w": self.idle_power_w,
        }


def missing(reason: str, present: bool = True) -> ComponentEnergy:
    """A component that nothing here can read; `present` says whether the machine has it all the same."""
    return ComponentEnergy(None, None, "missing", reason=reason, constants={"present": present})


class EnergySums:
    """Sums over `self.components` that respect the unknown: shared by reports, windows and epochs."""

    components: dict[str, ComponentEnergy]
    duration_s: float

    @property
    def energy_kwh(self) -> float | None:
        """Energy of all known components, kWh; None if none is known."""
        return self.total()

    @property
    def energy_measured_kwh(self) -> float | None:
        """Energy of the measured components alone, kWh; None if none was measured."""
        return self.total(quality="measured")

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lowest and highest energy of the known components together, kWh; ends add up linearly."""
        ends = [c.interval for c in self.components.values() if c.interval]
        return (sum(low for low, _ in ends), sum(high for _, high in ends)) if ends else None

    @property
    def power_w(self) -> float | None:
        """Mean power of the known components, W."""
        kwh = self.energy_kwh
        return kwh * 3.6e6 / self.duration_s if kwh is not None and self.duration_s > 0 else None

    @property
    def low_confidence(self) -> bool:
        return any(c.low_confidence for c in self.components.values())

    def total(self, exclude: Iterable[str] = (), quality: str | None = None) -> float | None:
        """Energy in kWh of the known components, without those named, or of one quality (`measured`) only."""
        left_out = {exclude} if isinstance(exclude, str) else set(exclude)
        known = [
            c.energy_kwh
            for name, c in self.components.items()
            if c.energy_kwh is not None and name not in left_out and quality in (None, c.quality)
        ]
        return sum(known) if known else None

    def _sums_to_dict(self) -> dict[str, Any]:
        return {
            "energy_kwh": self.energy_kwh,
            "energy_measured_kwh": self.energy_measured_kwh,
            "interval_kwh": list(self.interval) if self.interval else None,
            "duration_s": self.duration_s,
            "low_confidence": self.low_confidence,
            "components": {name: c.to_dict() for name, c in self.components.items()},
        }


@dataclass(frozen=True)
class WindowEnergy(EnergySums):
    """Energy of all windows of one name, or of one part of the run. `count` is how many stretches it is made of."""

    name: str
    duration_s: float
    components: dict[str, ComponentEnergy]
    count: int = 1
    cpu_time_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "count": self.count, "cpu_time_s": self.cpu_time_s, **self._sums_to_dict()}


@dataclass(frozen=True)
class EpochEnergy(EnergySums):
    """Energy of one epoch.

    Attributes:
        index: from 0.
        split: `measured` where the epoch is long enough for its sources, `by_time` where it shared a window with
            its neighbours and got its part by duration.
        cumulative_kwh: energy from the start of the meter to the epoch's end, as read; None once a source was lost.
    """

    index: int
    duration_s: float
    components: dict[str, ComponentEnergy]
    split: str
    cumulative_kwh: float | None
    cumulative_s: float

    def to_dict(self) -> dict[str, Any]:
        own = {"index": self.index, "split": self.split}
        return {**own, "cumulative_kwh": self.cumulative_kwh, "cumulative_s": self.cumulative_s, **self._sums_to_dict()}


@dataclass(frozen=True)
class Snapshot(EnergySums):
    """Energy since the meter started, at one moment of a run that goes on."""

    duration_s: float
    components: dict[str, ComponentEnergy]
    cpu_time_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"cpu_time_s": self.cpu_time_s, **self._sums_to_dict()}
