"""Memory as a model: watts per GB times time, with the whole spread of published constants as its interval.

Published constants differ 4.7-fold: 0.08 W/GB (Green Algorithms, pull request 38) to 0.375 W/GB (CodeCarbon 2, Eco2AI).
The figure uses their geometric mean. It hardly depends on what the memory does, so it is kept apart from every other
component: leave it out of a comparison whenever time alone would decide it.
"""

from __future__ import annotations

from typing import Any

from collectors.metering.proc_files import read_bytes

LOW_W_PER_GB = 0.08
HIGH_W_PER_GB = 0.375
W_PER_GB = (LOW_W_PER_GB * HIGH_W_PER_GB) ** 0.5

_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class RamModel:
    """Constant power of the memory this machine (or container) was given, times time."""

    component, name, quality, scope, domain = "ram", "ram_model", "modelled", "machine", "ram"
    update_s = 0.0
    unbooked_w = 0.0
    doubt: str | None = None
    gain = (LOW_W_PER_GB / W_PER_GB, HIGH_W_PER_GB / W_PER_GB)

    def __init__(self, gigabytes: float, at_s: float, share: float = 1.0) -> None:
        self.gigabytes = gigabytes
        self.share = share
        self._since_s = at_s

    def read(self, at_s: float, cpu_s: float) -> float:
        return (at_s - self._since_s) * W_PER_GB * self.gigabytes * self.share

    def constants(self) -> dict[str, Any]:
        return {
            "ram_gb": round(self.gigabytes, 2),
            "w_per_gb": round(W_PER_GB, 4),
            "w_per_gb_interval": [LOW_W_PER_GB, HIGH_W_PER_GB],
            "node_share": self.share,
            "origin": "geometric mean of 0.08 W/GB (Green Algorithms) and 0.375 W/GB (CodeCarbon 2, Eco2AI)",
        }

    def close(self) -> None:
        pass


def installed_gigabytes(proc: str = "/proc", cgroup_limits: tuple[str, ...] = _CGROUP_LIMITS) -> float | None:
    """Memory of this machine, or of this container where its limit is lower, in GB (1e9 bytes); None if unknown."""
    try:
        line = read_bytes(f"{proc}/meminfo", 256).split(b"\n", 1)[0]
        known = [int(line.split()[1]) * 1024]
    except (OSError, ValueError, IndexError):
        known = []
    for limit in cgroup_limits:
        try:
            known.append(int(read_bytes(limit, 64)))
        except (OSError, ValueError):  # no such file, or the word "max": no limit there
            continue
    return min(known) / 1e9 if known else None
