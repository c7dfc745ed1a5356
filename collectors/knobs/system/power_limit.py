"""The GPU's power limit for the time of a run (knob gpu_power_limit), through NVML.

The limit belongs to the card, not to the process: it outlives a process that is killed. So it is never this process
that puts it back, but a guard: a second process that waits until the pipe from this one closes, which happens however
this one ends. One way back, the same in every case. Only a kill of both at once (a container's end) leaves the limit;
`nvidia-smi -pl` or a reboot puts it back then.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ecotaskset.errors import UsageError

GUARD = Path(__file__).with_name("power_guard.py")
"""Started as a file, not as a module: it must be there at once, and torch takes seconds to import."""
RESTORE_TIMEOUT_S = 10


@contextmanager
def limited_power(watts: int | None, device: torch.device) -> Iterator[None]:
    """The device draws at most `watts` inside; None leaves it alone.

    Raises:
        UsageError: no GPU, no right to set its limit, or a limit outside of what the card allows.
    """
    if watts is None:
        yield
        return
    nvml = open_nvml(watts)
    try:
        card = nvml.nvmlDeviceGetHandleByUUID(card_uuid(device))
        before_mw = nvml.nvmlDeviceGetPowerManagementLimit(card)
        guard = _start_guard(card_uuid(device), before_mw)
        try:
            _set_limit(nvml, card, watts)
            yield
        finally:
            guard.stdin.close()
            guard.wait(timeout=RESTORE_TIMEOUT_S)
    finally:
        nvml.nvmlShutdown()


def open_nvml(watts: int) -> Any:
    """The pynvml module, initialised; the caller shuts it down."""
    try:
        import pynvml
    except ImportError:
        raise _refusal(watts, "needs the package 'nvidia-ml-py'", "pip install 'ecotaskset[collect]'") from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise _refusal(watts, f"needs an NVIDIA GPU: {error}", "leave it out on this machine") from None
    return pynvml


def card_uuid(device: torch.device) -> str:
    """NVML's name of the card that torch calls `device`; their numbers need not agree."""
    uuid = str(torch.cuda.get_device_properties(device).uuid)
    return uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"


def _set_limit(nvml: Any, card: Any, watts: int) -> None:
    low_mw, high_mw = nvml.nvmlDeviceGetPowerManagementLimitConstraints(card)
    if not low_mw <= watts * 1000 <= high_mw:
        allowed = f"{low_mw // 1000} to {high_mw // 1000} W"
        raise _refusal(watts, f"is outside of what this card allows, {allowed}", f"choose from {allowed}")
    try:
        nvml.nvmlDeviceSetPowerManagementLimit(card, watts * 1000)
    except (nvml.NVMLError_NoPermission, nvml.NVMLError_NotSupported) as error:
        raise _refusal(watts, f"may not be set here: {error}", "run as administrator, or leave it out") from None


def _start_guard(uuid: str, before_mw: int) -> subprocess.Popen:
    """A process of its own session: a Ctrl-C, or a kill of this process's group, does not reach it."""
    command = [sys.executable, str(GUARD), uuid, str(before_mw)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _refusal(watts: int, reason: str, hint: str) -> UsageError:
    return UsageError(f"knob 'gpu_power_limit={watts}' {reason}", hint=hint)
