"""ReplayMeter: the meter's whole surface over recorded windows, so that everything downstream is tested anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collectors.metering.contention import Contention
from collectors.metering.discover import Absent, Found
from collectors.metering.meter import EnergyMeter
from collectors.metering.ranks import Rank
from collectors.metering.reading import JOULES_PER_KWH, Reading

REPLAY_FORMAT = 1


@dataclass
class RecordedSource:
    """A source that is not read but told; see `sources.source.Source` for its fields."""

    component: str
    name: str
    quality: str
    scope: str = "device"
    domain: str = "recorded"
    update_s: float = 0.0
    gain: tuple[float, float] = (1.0, 1.0)
    unbooked_w: float = 0.0
    doubt: str | None = None
    recorded_constants: dict[str, Any] = field(default_factory=dict)

    def read(self, at_s: float, cpu_s: float) -> float | None:
        raise NotImplementedError("the replay knows the joules")

    def constants(self) -> dict[str, Any]:
        return {"replayed": True, **self.recorded_constants}

    def close(self) -> None:
        pass


class ReplayBench:
    """Virtual clock and counters: closing a window moves them on by what was recorded for it.

    A window's record holds what its inner windows took as well; only the rest is added when it closes.
    """

    def __init__(self, recording: Mapping[str, Any]) -> None:
        self._windows = recording["windows"]
        names = sorted({name for w in self._windows for name in w["components"]})
        known = {name: w["components"][name] for w in self._windows for name in w["components"]}
        self.found = Found(
            sources=[_source(name, known[name]) for name in names if known[name].get("energy_kwh") is not None],
            absent={name: _absent(c) for name, c in known.items() if c.get("energy_kwh") is None},
            rank=Rank(),
        )
        self._joules = [0.0] * len(self.found.sources)
        self._at_s = self._cpu_s = 0.0
        self._played: dict[str, int] = {}
        self._open: list[Reading] = []

    def read(self) -> Reading:
        return Reading(self._at_s, tuple(self._joules), self._cpu_s)

    def opened(self, name: str) -> None:
        self._record(name)  # names what is wrong before the work, not after it
        self._open.append(self.read())

    def closing(self, name: str) -> None:
        record, begin = self._record(name), self._open.pop()
        self._played[name] = self._played.get(name, 0) + 1
        self._at_s = max(self._at_s, begin.at_s + record["duration_s"])
        self._cpu_s = max(self._cpu_s, (begin.cpu_s or 0.0) + (record.get("cpu_time_s") or 0.0))
        for i, source in enumerate(self.found.sources):
            kwh = record["components"].get(source.component, {}).get("energy_kwh") or 0.0
            self._joules[i] = max(self._joules[i], (begin.joules[i] or 0.0) + kwh * JOULES_PER_KWH)

    def _record(self, name: str) -> Mapping[str, Any]:
        ours = [w for w in self._windows if w["name"] == name]
        if not ours:
            from ecotaskset.errors import UsageError

            names = ", ".join(sorted({w["name"] for w in self._windows}))
            raise UsageError(f"no window '{name}' in the recording", hint=f"it holds: {names}")
        return ours[self._played.get(name, 0) % len(ours)]  # from the top again once all are played

    def restart_watch(self) -> None:
        pass

    def contention(self, cpu_s: float, seconds: float) -> Contention:
        return Contention()

    def conditions(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass


class ReplayMeter(EnergyMeter):
    """An EnergyMeter that plays back instead of measuring. Nothing on the machine is read; time is the recording's.

    Args:
        recording: path of a JSON file, or its content: `{"format": 1, "windows": [{"name", "duration_s",
            "cpu_time_s" (optional), "components": {"gpu": {"energy_kwh", "source", "quality", "gain" (optional: factors
            of the interval)}, ...}}]}`. The n-th window of a name plays the n-th record of that name, from the top
            again when they run out. `recording_of` makes one from a report.
        options: as for EnergyMeter.

    Raises:
        UsageError: the recording cannot be read, or a window is opened that it does not hold.
    """

    def __init__(self, recording: str | Path | Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self._recording = _load(recording)

    def _open(self) -> Any:
        return ReplayBench(self._recording)

    def _sleep(self, seconds: float) -> None:
        """A recording has no idle stretch to wait through."""

    def measures(self) -> bool:
        return any(c.get("quality") == "measured" for w in self._recording["windows"] for c in w["components"].values())


def recording_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """A recording from `EnergyReport.to_dict()`: every window as the mean of its name."""
    windows = [
        {
            "name": name,
            "duration_s": w["duration_s"] / w["count"],
            "cpu_time_s": None if w["cpu_time_s"] is None else w["cpu_time_s"] / w["count"],
            "components": {k: _short(c, w["count"]) for k, c in w["components"].items()},
        }
        for name, w in report["windows"].items()
    ]
    return {"format": REPLAY_FORMAT, "recorded_on": time.strftime("%Y-%m-%d", time.gmtime()), "windows": windows}


def _short(component: Mapping[str, Any], count: int) -> dict[str, Any]:
    kwh = component["energy_kwh"]
    kept = {k: component[k] for k in ("source", "quality", "reason", "scope")}
    low, high = component["interval_kwh"] or (None, None)
    gain = [low / kwh, high / kwh] if kwh else None
    return {"energy_kwh": None if kwh is None else kwh / count, "gain": gain, **kept}


def _load(recording: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    from ecotaskset.errors import UsageError

    where = "the recording" if isinstance(recording, Mapping) else f"'{recording}'"
    try:
        content = recording if isinstance(recording, Mapping) else json.loads(Path(recording).read_text())
        if content["format"] != REPLAY_FORMAT:
            raise UsageError(f"{where} has format {content['format']}", hint=f"this version reads {REPLAY_FORMAT}")
        for window in content["windows"]:
            _ = (window["name"], float(window["duration_s"]), dict(window["components"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(
            f"{where} is no recording of windows: {error}", hint="see ReplayMeter for the format"
        ) from None
    return content


def _source(name: str, component: Mapping[str, Any]) -> RecordedSource:
    return RecordedSource(
        name,
        component.get("source") or "nvml_counter",
        component.get("quality") or "modelled",
        component.get("scope") or "device",
        gain=tuple(component.get("gain") or (1.0, 1.0)),
    )


def _absent(component: Mapping[str, Any]) -> Absent:
    return Absent(component.get("reason") or "missing in the recording", present=False)
