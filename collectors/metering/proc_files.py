"""Reading the small files of /proc quickly: one open, one read, no decoding of what is not needed."""

from __future__ import annotations

import os
from typing import NamedTuple

CLOCK_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def read_bytes(path: str, size: int = 4096) -> bytes:
    """The first `size` bytes. Raises OSError. Reading less than the whole file matters for /proc/cpuinfo, which
    the kernel makes up line by line and which takes many milliseconds on a machine with hundreds of threads."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        return os.read(handle, size)
    finally:
        os.close(handle)


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that the meter needs; `started` tells a process from a later one of the same id."""

    parent: int
    own_s: float
    reaped_s: float
    started: int


def process_stat(proc: str, pid: int) -> Stat | None:
    """None when there is no such process (any more)."""
    try:
        text = read_bytes(f"{proc}/{pid}/stat", 1024)
    except OSError:
        return None
    fields = text[text.rfind(b")") + 2 :].split()  # the name before it may hold spaces and parentheses
    if len(fields) < 20:
        return None
    own, reaped = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return Stat(int(fields[1]), own / CLOCK_TICKS, reaped / CLOCK_TICKS, int(fields[19]))


class MachineTimes(NamedTuple):
    """CPU seconds of the whole machine since it started: at work, taken away by the host, and in total."""

    busy_s: float
    stolen_s: float
    total_s: float


def machine_times(proc: str = "/proc") -> MachineTimes | None:
    """Source: proc(5), first line of /proc/stat. `guest` is already inside `user`. None where it cannot be read."""
    try:
        fields = [int(x) / CLOCK_TICKS for x in read_bytes(f"{proc}/stat", 512).split(b"\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    if len(fields) < 8:
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = fields
    busy = user + nice + system + irq + softirq
    return MachineTimes(busy, steal, busy + idle + iowait + steal)
