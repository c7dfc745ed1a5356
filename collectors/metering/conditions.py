"""Temperatures, clocks and limits: what makes two runs of the same work draw differently."""

from __future__ import annotations

from typing import Any

from collectors.metering.discover import Found
from collectors.metering.proc_files import read_bytes

_CPU_CLOCK = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"
_CPU_GOVERNOR = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
_CPU_TEMPERATURE = "/sys/class/thermal/thermal_zone0/temp"


def conditions(found: Found) -> dict[str, Any]:
    """What can be read now; a key is left out rather than guessed."""
    now: dict[str, Any] = {}
    clock, temperature, governor = _text(_CPU_CLOCK), _text(_CPU_TEMPERATURE), _text(_CPU_GOVERNOR)
    if clock and clock.isdigit():
        now["cpu_clock_mhz"] = int(clock) / 1e3
    if temperature and temperature.lstrip("-").isdigit():
        now["cpu_temperature_c"] = int(temperature) / 1e3
    if governor:
        now["cpu_governor"] = governor
    if found.cards:
        now["gpus"] = [_card(found.nvml, card.handle) for card in found.cards]
    return now


def _card(nvml: Any, handle: Any) -> dict[str, Any]:
    asked = {
        "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "sm_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
        "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
        "power_limit_w": lambda: nvml.nvmlDeviceGetPowerManagementLimit(handle) / 1e3,
        "persistence": lambda: bool(nvml.nvmlDeviceGetPersistenceMode(handle)),
        "throttle_reasons": lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
    }
    known: dict[str, Any] = {}
    for name, ask in asked.items():
        try:
            known[name] = ask()
        except nvml.NVMLError:
            continue
    return known


def _text(path: str) -> str | None:
    try:
        return read_bytes(path, 64).decode(errors="replace").strip()
    except OSError:
        return None
