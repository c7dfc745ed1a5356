"""Opening NVML, or saying why there is no GPU figure. pynvml is imported only where an NVIDIA driver shows itself."""

from __future__ import annotations

import os
from typing import Any

from collectors.metering.proc_files import read_bytes

_DRIVER_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
_PCI = "/sys/bus/pci/devices"
_DISPLAY_CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")
_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD"}


class NoGpu(Exception):
    """No GPU figure can be had. `present` tells a machine with an unreadable GPU from one without any."""

    def __init__(self, reason: str, present: bool) -> None:
        super().__init__(reason)
        self.present = present


def open_nvml(signs: tuple[str, ...] = _DRIVER_SIGNS) -> Any:
    """The pynvml module, initialised; the caller shuts it down. Raises NoGpu."""
    if not any(os.path.exists(sign) for sign in signs):  # noqa: PTH110 (hot path of every start)
        card = _card_without_driver()
        if card:
            raise NoGpu(f"there is an {card} GPU, but no NVML: {_remedy(card)}", present=True)
        raise NoGpu("no GPU in this machine", present=False)
    try:
        import pynvml
    except ImportError:
        raise NoGpu("an NVIDIA driver is here, but not its Python binding: pip install nvidia-ml-py", True) from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise NoGpu(f"NVML does not start: {error}; check that `nvidia-smi` runs", present=True) from None
    return pynvml


def _card_without_driver() -> str | None:
    try:
        devices = os.listdir(_PCI)  # noqa: PTH208
    except OSError:
        return None
    for device in devices:
        try:
            if read_bytes(f"{_PCI}/{device}/class", 16)[:6].decode() not in _DISPLAY_CLASSES:
                continue
            vendor = _VENDORS.get(read_bytes(f"{_PCI}/{device}/vendor", 16).decode().strip())
        except OSError:
            continue
        if vendor:
            return vendor
    return None


def _remedy(vendor: str) -> str:
    if vendor == "NVIDIA":
        return "install the driver, or start the container with the GPU passed through"
    return "only NVIDIA cards are metered so far"


def cuda_uuids() -> list[str] | None:
    """UUIDs of the cards torch sees, if it is loaded and has started CUDA; never loads or starts it."""
    torch = _started_torch()
    if torch is None:
        return None
    found = []
    for index in range(torch.cuda.device_count()):
        uuid = getattr(torch.cuda.get_device_properties(index), "uuid", None)
        if uuid is None:
            return None
        found.append(f"{uuid}" if f"{uuid}".startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")
    return found


def synchronize() -> None:
    """Waits for the work queued on this process's CUDA devices, so that a counter read belongs to it.

    Only devices on which torch holds memory are touched: synchronising another would create a context there.
    Without CUDA this costs nothing.
    """
    torch = _started_torch()
    if torch is None:
        return
    for index in range(torch.cuda.device_count()):
        if index == torch.cuda.current_device() or torch.cuda.memory_reserved(index):
            torch.cuda.synchronize(index)


def _started_torch() -> Any:
    import sys

    torch = sys.modules.get("torch")
    return torch if torch is not None and hasattr(torch, "cuda") and torch.cuda.is_initialized() else None
