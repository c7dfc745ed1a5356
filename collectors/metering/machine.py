"""The machine as a run's hardware columns describe it. Never a host or user name."""

from __future__ import annotations

import os
from typing import Any

from collectors.metering.cpu_identity import CpuIdentity, cpu_identity
from collectors.metering.cpu_watts import LINES, thread_watts
from collectors.metering.discover import Surroundings
from collectors.metering.gpu_library import NoGpu, cuda_uuids, open_nvml
from collectors.metering.gpu_select import visible_cards
from collectors.metering.sources.ram_model import installed_gigabytes
from collectors.metering.sources.rapl import find_rapl


def hardware(around: Surroundings | None = None) -> dict[str, Any]:
    """Hardware columns of a run: `cpu_model`, `cpu_count` (hardware threads), `ram_gb` and `gpu_memory_gb` (1e9 bytes),
    `cpu_tdp_w` (all sockets; only where it is this very part's), `gpu_model`, `gpu_count`, `gpu_tdp_w`, `virtualized`.

    None where unknown. `gpu_count` is of the visible cards, 0 only where there surely is none; what a run used of them
    is in its report.
    """
    around = around or Surroundings()
    cpu = cpu_identity(around.proc)
    gigabytes = installed_gigabytes(around.proc)
    return {
        "cpu_model": cpu_name(cpu),
        "cpu_count": os.cpu_count(),
        "ram_gb": round(gigabytes, 1) if gigabytes else None,
        "cpu_tdp_w": thread_watts(cpu, find_rapl(0.0, around.powercap).limits_w).tdp_w,
        **_gpus(around),
        "virtualized": cpu.virtualized,
    }


def cpu_name(cpu: CpuIdentity) -> str | None:
    """The brand, with the product line beside it where the brand hides it: `AMD EPYC (Genoa, family 25 model 17)`."""
    if cpu.brand is None and cpu.family is None:
        return None
    brand = cpu.brand or cpu.vendor or "unknown"
    if any(ch.isdigit() for ch in brand) or cpu.family is None:
        return brand
    line = LINES.get((cpu.vendor or "", cpu.family, cpu.model or -1))
    known = f"{line.name}, " if line else ""
    return f"{brand} ({known}family {cpu.family} model {cpu.model})"


def _gpus(around: Surroundings) -> dict[str, Any]:
    unknown: dict[str, Any] = dict.fromkeys(("gpu_model", "gpu_count", "gpu_memory_gb", "gpu_tdp_w"))
    try:
        nvml = around.nvml or open_nvml()
    except NoGpu as none:
        return {**unknown, "gpu_count": None if none.present else 0}
    if around.nvml is not None:
        nvml.nvmlInit()
    try:
        cards = visible_cards(nvml, around.environ, cuda_uuids())
        if not cards:
            return {**unknown, "gpu_count": 0}
        handle = cards[0].handle
        return {
            "gpu_model": cards[0].name,
            "gpu_count": len(cards),
            "gpu_memory_gb": round(nvml.nvmlDeviceGetMemoryInfo(handle).total / 1e9, 1),
            "gpu_tdp_w": _default_limit_w(nvml, handle),
        }
    except nvml.NVMLError:
        return unknown
    finally:
        nvml.nvmlShutdown()


def _default_limit_w(nvml: Any, handle: Any) -> float | None:
    try:
        return nvml.nvmlDeviceGetPowerManagementDefaultLimit(handle) / 1e3
    except nvml.NVMLError:
        return None
