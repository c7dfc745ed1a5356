"""Which processor this is, from /proc/cpuinfo alone: no child process, no cpuid package."""

from __future__ import annotations

import os
from typing import NamedTuple

from collectors.metering.proc_files import read_bytes


class CpuIdentity(NamedTuple):
    """Vendor, family and model as the silicon reports them. Clouds often hide the brand, rarely the family and model.

    On Arm, `vendor` is `ARM`, `family` the implementer and `model` the part number. `package_threads` are the hardware
    threads of one socket, where the kernel says so.
    """

    vendor: str | None
    family: int | None
    model: int | None
    brand: str | None
    virtualized: bool | None
    threads: int
    package_threads: int | None = None


def cpu_identity(proc: str = "/proc") -> CpuIdentity:
    """Never raises: what cannot be read is None."""
    try:
        block = read_bytes(f"{proc}/cpuinfo", 8192).decode(errors="replace").split("\n\n", 1)[0]
    except OSError:
        import platform

        return CpuIdentity(None, None, None, platform.processor() or None, None, os.cpu_count() or 1)
    fields: dict[str, str] = {}
    for line in block.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    threads = os.cpu_count() or 1
    if "CPU implementer" in fields:
        numbers = _number(fields.get("CPU implementer")), _number(fields.get("CPU part"))
        return CpuIdentity("ARM", *numbers, fields.get("model name"), _arm_virtualized(), threads)
    return CpuIdentity(
        vendor=fields.get("vendor_id"),
        family=_number(fields.get("cpu family")),
        model=_number(fields.get("model")),
        brand=fields.get("model name"),
        virtualized="hypervisor" in fields["flags"].split() if "flags" in fields else None,
        threads=threads,
        package_threads=_number(fields.get("siblings")),
    )


def _number(text: str | None) -> int | None:
    try:
        return int(text, 0) if text else None
    except ValueError:
        return None


def _arm_virtualized() -> bool | None:
    """Arm has no hypervisor flag; the board's vendor string names the usual ones."""
    try:
        vendor = read_bytes("/sys/class/dmi/id/sys_vendor", 128).decode(errors="replace").strip().lower()
    except OSError:
        return None
    return any(word in vendor for word in ("amazon ec2", "google", "qemu", "kvm", "alibaba", "vmware", "xen")) or None
