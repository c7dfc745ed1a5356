"""RAPL through powercap: package and DRAM energy counters of Intel and AMD processors.

Zones (Linux, Documentation/power/powercap/powercap.rst): `intel-rapl:0` is named `package-0`, its sub-zones `core`,
`uncore` and `dram`. Core and uncore are inside the package; `psys` is the whole board; `intel-rapl-mmio` shows the same
package a second time; some desktops mirror one package under two numbers. Only packages count, and DRAM apart.

No thread watches for wrap-around: a counter of 262 kJ wraps after 22 minutes at 200 W, one of 66 kJ (AMD, DRAM) after
five, and every read settles one wrap. Where more can have passed unseen the counter is given up, not guessed at: call
`EnergyMeter.tick()` in a loop whose windows last for minutes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from collectors.metering.proc_files import read_bytes

POWERCAP_ROOT = "/sys/class/powercap"
UPDATE_S = 0.001
PACKAGE_GAIN = (0.95, 1.05)
DRAM_GAIN = (0.8, 1.2)
"""DRAM counters are good on servers and off by a constant on desktops (Desrochers et al., MEMSYS 2016)."""
CEILING_W = 600.0
"""More than any one package draws over minutes; bounds how often a counter can have wrapped."""
OVER_LIMIT = 2.0
"""Room above a package's own long-term limit, where it shows one below the ceiling; some boards show thousands."""
MIRROR_UJ = 1_000_000

REMEDY = (
    "the counter is there but only root may read it: `sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj` until "
    "the next boot, or a udev rule that does the same; in a container also mount /sys/class/powercap"
)


@dataclass
class Rapl:
    """What powercap offers here: zones by component, the packages' power limits, and why something is left out."""

    packages: list[RaplZone] = field(default_factory=list)
    drams: list[RaplZone] = field(default_factory=list)
    limits_w: list[float] = field(default_factory=list)
    problem: str | None = None
    notes: list[str] = field(default_factory=list)


class RaplZone:
    """One energy counter. Joules since opened."""

    quality, scope = "measured", "machine"
    update_s = UPDATE_S
    unbooked_w = 0.0

    def __init__(self, path: str, zone: str, at_s: float, limit_w: float | None = None) -> None:
        dram = zone.startswith("dram")
        self.component = "ram" if dram else "cpu"
        self.name = "rapl_dram" if dram else "rapl_package"
        self.gain = DRAM_GAIN if dram else PACKAGE_GAIN
        self.domain = zone
        self.doubt: str | None = None
        self._file = f"{path}/energy_uj"
        self._range_uj = _read_int(f"{path}/max_energy_range_uj")
        self.first_uj = self._last_uj = int(read_bytes(self._file, 64))  # OSError is for `find_rapl` to explain
        self._last_s = at_s
        self._joules = 0.0
        self._ceiling_w = min(CEILING_W, OVER_LIMIT * limit_w) if limit_w else CEILING_W
        self._gone = False

    def read(self, at_s: float, cpu_s: float) -> float | None:
        if self._gone:
            return None
        try:
            now_uj = int(read_bytes(self._file, 64))
        except (OSError, ValueError) as error:
            return self._lost(f"{self.domain} stopped answering: {error}")
        step = now_uj - self._last_uj
        passed_s = at_s - self._last_s
        if step < 0:
            if not self._range_uj:
                return self._lost(f"{self.domain} fell and does not say where it wraps")
            step += self._range_uj
        if self._range_uj and step + self._range_uj <= passed_s * self._ceiling_w * 1e6:
            gap = f"{passed_s:.0f} s between reads"
            return self._lost(f"{self.domain}: {gap}, in which it may have wrapped unseen; call meter.tick()")
        self._joules += step / 1e6
        self._last_uj, self._last_s = now_uj, at_s
        return self._joules

    def _lost(self, why: str) -> None:
        self._gone, self.doubt = True, why

    def constants(self) -> dict[str, Any]:
        return {"zone": self.domain, "update_s": UPDATE_S, "gain_interval": list(self.gain)}

    def close(self) -> None:
        pass


def find_rapl(at_s: float, root: str = POWERCAP_ROOT) -> Rapl:
    """Opens every zone that counts. A package that cannot be read makes all of them unusable: half a sum misleads."""
    rapl = Rapl()
    zones = _named_zones(root, rapl.notes)
    if not zones:
        rapl.problem = f"no RAPL zones under {root}: not this kind of processor, a virtual machine, or a container"
        return rapl
    for path, zone in zones:
        limit_uw = _read_int(f"{path}/constraint_0_power_limit_uw") if zone.startswith("package") else None
        limit_w = limit_uw / 1e6 if limit_uw else None
        if limit_w:
            rapl.limits_w.append(limit_w)
        try:
            opened = RaplZone(path, zone, at_s, limit_w)
        except PermissionError:
            if zone.startswith("package"):
                rapl.problem = REMEDY
            continue
        except (OSError, ValueError) as error:
            if zone.startswith("package"):
                rapl.problem = f"{zone} cannot be read: {error}"
            continue
        _keep(opened, rapl)
    if rapl.problem:
        rapl.packages, rapl.drams = [], []
    return rapl


def _named_zones(root: str, notes: list[str]) -> list[tuple[str, str]]:
    """Zones worth opening, each once, with a name that tells sockets apart."""
    found: dict[str, str] = {}
    try:
        entries = sorted(os.listdir(root))  # noqa: PTH208 (pathlib alone would cost a tenth of the import budget)
    except OSError:
        return []
    for entry in entries:
        if not entry.startswith("intel-rapl:"):  # not intel-rapl-mmio, which repeats the package
            continue
        try:
            name = read_bytes(f"{root}/{entry}/name", 64).decode(errors="replace").strip()
        except OSError:
            continue
        if name == "dram":
            name = f"dram-{entry.split(':')[1]}"
        elif not name.startswith("package"):
            continue
        if name in found:
            notes.append(f"{entry} repeats {name} and is left out")
            continue
        found[name] = f"{root}/{entry}"
    return [(path, name) for name, path in found.items()]


def _keep(zone: RaplZone, rapl: Rapl) -> None:
    ours = rapl.drams if zone.component == "ram" else rapl.packages
    mirror = next((z for z in ours if abs(z.first_uj - zone.first_uj) < MIRROR_UJ and zone.first_uj > MIRROR_UJ), None)
    if mirror is not None:
        rapl.notes.append(f"{zone.domain} mirrors {mirror.domain} to the joule and is left out")
        return
    ours.append(zone)


def _read_int(path: str) -> int | None:
    try:
        return int(read_bytes(path, 64))
    except (OSError, ValueError):
        return None
