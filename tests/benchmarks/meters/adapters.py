"""The same five verbs over six energy meters. Each is imported only in its own environment.

A meter is opened (constructed and started) and closed; closing returns kilowatt hours: `cpu_kwh` where the tool tells
the processor apart, and `total_kwh` as the tool itself would report it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NEEDS = {
    "ours": None,
    "codecarbon": ["codecarbon==3.3.*"],
    "codecarbon-process": ["codecarbon==3.3.*"],
    "carbontracker": ["carbontracker>=2.4"],
    "eco2ai": ["eco2ai>=0.3.12", "pandas<3"],  # it does not run with pandas 3
    "zeus": ["zeus>=0.16"],
}
ENVIRONMENT = {"codecarbon-process": "codecarbon"}


@dataclass
class Adapter:
    """`load` imports the tool; `open` and `close` bracket a job; `window` is one empty window, None if it has none."""

    load: Callable[[], Any]
    open: Callable[[], Any]
    close: Callable[[Any], dict[str, float | None]]
    window: Callable[[Any, int], None] | None = None
    open_online: Callable[[], Any] | None = None
    """Opened as a newcomer would, with the network allowed."""
    open_for_short_jobs: Callable[[], Any] | None = None
    """Opened with a shorter period than its default, where the default would see little of a job of seconds."""


def adapter(tool: str) -> Adapter:
    return {
        "ours": _ours,
        "codecarbon": lambda: _codecarbon("machine"),
        "codecarbon-process": lambda: _codecarbon("process"),
        "carbontracker": _carbontracker,
        "eco2ai": _eco2ai,
        "zeus": _zeus,
    }[tool]()


def _ours() -> Adapter:
    def load() -> Any:
        from collectors.metering import EnergyMeter

        return EnergyMeter

    def close(meter: Any) -> dict[str, float | None]:
        meter.stop()
        report = meter.report()
        return {"cpu_kwh": report.components["cpu"].energy_kwh, "total_kwh": report.energy_kwh}

    def window(meter: Any, number: int) -> None:
        with meter.window(f"w{number % 10}"):
            pass

    return Adapter(load, lambda: load()(country="FRA").start(), close, window)


def _codecarbon(mode: str) -> Adapter:
    quiet = {"save_to_file": False, "log_level": "critical", "tracking_mode": mode}

    def load() -> Any:
        import codecarbon

        return codecarbon

    def started(tracker: Any) -> Any:
        tracker.start()
        return tracker

    def close(tracker: Any) -> dict[str, float | None]:
        tracker.stop()
        data = tracker.final_emissions_data
        return {"cpu_kwh": data.cpu_energy, "total_kwh": data.energy_consumed, "region": data.country_iso_code}

    def window(tracker: Any, number: int) -> None:
        tracker.start_task(f"w{number}")
        tracker.stop_task(f"w{number}")

    return Adapter(
        load,
        lambda: started(load().OfflineEmissionsTracker(country_iso_code="FRA", **quiet)),
        close,
        window,
        lambda: started(load().EmissionsTracker(**quiet)),
    )


def _carbontracker() -> Adapter:
    def load() -> Any:
        from carbontracker.tracker import CarbonTracker

        return CarbonTracker

    def start() -> Any:
        tracker = load()(epochs=2, epochs_before_pred=0, monitor_epochs=2, verbose=0, log_dir=tempfile.mkdtemp())
        tracker.epoch_start()
        return tracker

    def close(tracker: Any) -> dict[str, float | None]:
        tracker.epoch_end()
        kwh = float(sum(tracker.tracker.total_energy_per_epoch()))  # holds a factor of 1.58 for the site's overhead
        tracker.stop()
        return {"cpu_kwh": kwh / 1.58, "total_kwh": kwh}

    return Adapter(load, start, close, None, start)


def _eco2ai() -> Adapter:
    def load() -> Any:
        import eco2ai

        return eco2ai

    def start(**options: Any) -> Any:
        tracker = load().Tracker(
            project_name="bench",
            experiment_description="bench",
            file_name=f"{tempfile.mkdtemp()}/emission.csv",
            ignore_warnings=True,
            **options,
        )
        tracker.start()
        return tracker

    def close(tracker: Any) -> dict[str, float | None]:
        import csv

        tracker.stop()
        with open(tracker.file_name, newline="") as lines:  # noqa: PTH123
            total = sum(float(row["power_consumption(kWh)"]) for row in csv.DictReader(lines))
        return {
            "cpu_kwh": total,
            "total_kwh": total,
        }  # its memory part, a few hundred MB of one process, is not told apart

    return Adapter(
        load,
        lambda: start(alpha_2_code="FR"),
        close,
        open_online=start,
        open_for_short_jobs=lambda: start(alpha_2_code="FR", measure_period=2),  # 10 s by default
    )


def _zeus() -> Adapter:
    def load() -> Any:
        from zeus.monitor import ZeusMonitor

        return ZeusMonitor

    def start() -> Any:
        monitor = load()()
        monitor.begin_window("job")
        return monitor

    def close(monitor: Any) -> dict[str, float | None]:
        measured = monitor.end_window("job")
        cpu = None if measured.cpu_energy is None else sum(measured.cpu_energy.values()) / 3.6e6
        return {"cpu_kwh": cpu, "total_kwh": measured.total_energy / 3.6e6}

    def window(monitor: Any, number: int) -> None:
        monitor.begin_window(f"w{number}")
        monitor.end_window(f"w{number}")

    return Adapter(load, start, close, window)
