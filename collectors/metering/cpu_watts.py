"""Watts per busy hardware thread, by CPU family and model.

A processor with every thread busy draws about its thermal design power (TDP), so one busy thread is booked at TDP
divided by threads. Family and model name a product line, not one product: the reference part is the line's large
server part where it has one, since that is what clouds rent out, and its common desktop or laptop part otherwise.
The interval says how wrong that can be: half (idle threads beside it cost little, light instructions) to three times
(few busy cores clock higher and carry the uncore alone).

TDP and thread counts are the makers' published specifications: https://www.amd.com/en/products/specifications and
https://ark.intel.com (parts named below); Arm server parts from their vendors' product briefs. `year` is the launch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from collectors.metering.cpu_identity import CpuIdentity

IDLE_SHARE_OF_TDP = 0.25
"""Idle draw of a package against its TDP; only ever used for the upper end of an interval."""
PART_GAIN = (0.5, 2.5)
LINE_GAIN = (0.5, 3.0)
GENERIC_GAIN = (1 / 3, 4.0)
GENERIC_W_PER_THREAD = 3.0


class Line(NamedTuple):
    """A product line: code name, reference part, its TDP in W, its hardware threads, year of launch."""

    name: str
    part: str
    tdp_w: float
    threads: int
    year: int


_AMD, _INTEL, _ARM = "AuthenticAMD", "GenuineIntel", "ARM"
LINES: dict[tuple[str, int, int], Line] = {
    (_AMD, 0x17, 0x01): Line("Naples / Zen", "EPYC 7551", 180, 64, 2017),
    (_AMD, 0x17, 0x08): Line("Zen+", "Ryzen 7 2700X", 105, 16, 2018),
    (_AMD, 0x17, 0x31): Line("Rome", "EPYC 7742", 225, 128, 2019),
    (_AMD, 0x17, 0x60): Line("Renoir", "Ryzen 7 4800H", 45, 16, 2020),
    (_AMD, 0x17, 0x71): Line("Matisse", "Ryzen 7 3700X", 65, 16, 2019),
    (_AMD, 0x19, 0x01): Line("Milan", "EPYC 7763", 280, 128, 2021),
    (_AMD, 0x19, 0x11): Line("Genoa", "EPYC 9654", 360, 192, 2022),
    (_AMD, 0x19, 0x18): Line("Storm Peak", "Ryzen Threadripper 7980X", 350, 128, 2023),
    (_AMD, 0x19, 0x21): Line("Vermeer", "Ryzen 9 5950X", 105, 32, 2020),
    (_AMD, 0x19, 0x44): Line("Rembrandt", "Ryzen 7 6800H", 45, 16, 2022),
    (_AMD, 0x19, 0x50): Line("Cezanne", "Ryzen 7 5800H", 45, 16, 2021),
    (_AMD, 0x19, 0x61): Line("Raphael", "Ryzen 9 7950X", 170, 32, 2022),
    (_AMD, 0x19, 0x74): Line("Phoenix", "Ryzen 7 7840U", 28, 16, 2023),
    (_AMD, 0x19, 0xA0): Line("Bergamo", "EPYC 9754", 360, 256, 2023),
    (_AMD, 0x1A, 0x02): Line("Turin", "EPYC 9755", 500, 256, 2024),
    (_AMD, 0x1A, 0x11): Line("Turin Dense", "EPYC 9965", 500, 384, 2024),
    (_AMD, 0x1A, 0x44): Line("Granite Ridge", "Ryzen 9 9950X", 170, 32, 2024),
    (_INTEL, 6, 0x3C): Line("Haswell", "Core i7-4770", 84, 8, 2013),
    (_INTEL, 6, 0x3F): Line("Haswell-EP", "Xeon E5-2699 v3", 145, 36, 2014),
    (_INTEL, 6, 0x4F): Line("Broadwell-EP", "Xeon E5-2699 v4", 145, 44, 2016),
    (_INTEL, 6, 0x55): Line("Skylake-SP / Cascade Lake", "Xeon Platinum 8280", 205, 56, 2019),
    (_INTEL, 6, 0x5E): Line("Skylake", "Core i7-6700K", 91, 8, 2015),
    (_INTEL, 6, 0x6A): Line("Ice Lake-SP", "Xeon Platinum 8380", 270, 80, 2021),
    (_INTEL, 6, 0x8C): Line("Tiger Lake", "Core i7-1185G7", 28, 8, 2020),
    (_INTEL, 6, 0x8E): Line("Kaby Lake-U", "Core i7-8650U", 15, 8, 2017),
    (_INTEL, 6, 0x8F): Line("Sapphire Rapids", "Xeon Platinum 8480+", 350, 112, 2023),
    (_INTEL, 6, 0x97): Line("Alder Lake-S", "Core i9-12900K", 125, 24, 2021),
    (_INTEL, 6, 0x9A): Line("Alder Lake-P", "Core i7-1280P", 28, 20, 2022),
    (_INTEL, 6, 0x9E): Line("Coffee Lake", "Core i7-8700K", 95, 12, 2017),
    (_INTEL, 6, 0xA5): Line("Comet Lake-S", "Core i9-10900K", 125, 20, 2020),
    (_INTEL, 6, 0xA7): Line("Rocket Lake-S", "Core i9-11900K", 125, 16, 2021),
    (_INTEL, 6, 0xAA): Line("Meteor Lake", "Core Ultra 7 155H", 28, 22, 2023),
    (_INTEL, 6, 0xAD): Line("Granite Rapids", "Xeon 6980P", 500, 256, 2024),
    (_INTEL, 6, 0xAF): Line("Sierra Forest", "Xeon 6780E", 330, 144, 2024),
    (_INTEL, 6, 0xB7): Line("Raptor Lake-S", "Core i9-13900K", 125, 32, 2022),
    (_INTEL, 6, 0xCF): Line("Emerald Rapids", "Xeon Platinum 8592+", 350, 128, 2023),
    (_ARM, 0x41, 0xD0C): Line("Neoverse N1", "Ampere Altra Q80-30", 210, 80, 2020),
    (_ARM, 0x41, 0xD49): Line("Neoverse N2", "Yitian 710", 250, 128, 2021),
    (_ARM, 0x41, 0xD4F): Line("Neoverse V2", "NVIDIA Grace (one of two dies)", 250, 72, 2023),
}


@dataclass(frozen=True)
class ThreadWatts:
    """What one busy hardware thread is booked at, how that was found, and what this machine's share of its host is.

    Attributes:
        w: watts per busy hardware thread.
        gain: lowest and highest factor of the truth against it.
        idle_w: idle draw of this machine's share of its packages, not booked, W.
        tdp_w: TDP of all packages together if it is known of this very part, else None.
        match: `part`, `line` or `generic`.
        constants: everything above plus the reference part, for the report.
    """

    w: float
    gain: tuple[float, float]
    idle_w: float
    tdp_w: float | None
    match: str
    constants: dict[str, object]


def thread_watts(cpu: CpuIdentity, package_limits_w: list[float] | None = None) -> ThreadWatts:
    """Look the processor up.

    Args:
        cpu: from `cpu_identity`.
        package_limits_w: long-term power limit of each package where powercap shows it, W; it is world-readable even
            where the energy counter is not, and beats any table on a machine that is not a virtual one.
    """
    line = LINES.get((cpu.vendor or "", cpu.family or -1, cpu.model or -1))
    common = {"cpu": cpu.brand, "family": cpu.family, "model": cpu.model, "machine_threads": cpu.threads}
    if package_limits_w and not cpu.virtualized:
        tdp_w = sum(package_limits_w)
        w = tdp_w / cpu.threads
        origin = {"match": "part", "origin": "long-term power limit of the packages, from powercap"}
        return _entry(w, PART_GAIN, IDLE_SHARE_OF_TDP * tdp_w, tdp_w, "part", {**common, **origin})
    if line is None:
        origin = {"match": "generic", "origin": "no entry for this family and model; 1 to 12 W covers known parts"}
        idle_w = IDLE_SHARE_OF_TDP * GENERIC_W_PER_THREAD * cpu.threads
        return _entry(GENERIC_W_PER_THREAD, GENERIC_GAIN, idle_w, None, "generic", {**common, **origin})
    packages = _packages(cpu, line)
    host_w = packages * line.tdp_w
    share = min(1.0, cpu.threads / (packages * line.threads))
    named = _names(cpu.brand, line.part)
    origin = {
        "match": "part" if named else "line",
        "line": line.name,
        "reference_part": line.part,
        "reference_tdp_w": line.tdp_w,
        "reference_threads": line.threads,
        "year": line.year,
        "packages": packages,
        "host_share": round(share, 4),
        "host_share_full_w": round(share * host_w, 2),
        "origin": "the maker's specification of the reference part",
    }
    gain = PART_GAIN if named else LINE_GAIN
    tdp_w = host_w if named else None
    w = line.tdp_w / line.threads
    return _entry(w, gain, IDLE_SHARE_OF_TDP * host_w * share, tdp_w, origin["match"], {**common, **origin})


def _packages(cpu: CpuIdentity, line: Line) -> int:
    """Sockets of this machine. A virtual one may call every thread a socket: there the reference part decides."""
    of_one = line.threads if cpu.virtualized else cpu.package_threads or line.threads
    return max(1, round(cpu.threads / of_one))


def _names(brand: str | None, part: str) -> bool:
    """Whether the brand string is of this very part: all words of its name with a digit in them occur in the brand."""
    numbers = [word for word in part.lower().split() if any(letter.isdigit() for letter in word)]
    words = (brand or "").lower().replace("(r)", " ").replace("(tm)", " ").split()
    return bool(numbers) and all(number in words for number in numbers)


def _entry(
    w: float, gain: tuple[float, float], idle_w: float, tdp_w: float | None, match: str, constants: dict
) -> ThreadWatts:
    shown = {
        "w_per_busy_thread": round(w, 4),
        "w_per_busy_thread_interval": [round(w * gain[0], 4), round(w * gain[1], 4)],
        "host_share_idle_w": round(idle_w, 2),
    }
    return ThreadWatts(w, gain, idle_w, tdp_w, match, {**shown, **constants})
