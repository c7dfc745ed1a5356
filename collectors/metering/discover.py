"""The best source for each component, found without measuring: what the meter opens and what `doctor` tells."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from collectors.metering.cpu_identity import cpu_identity
from collectors.metering.gpu_library import NoGpu, cuda_uuids, open_nvml
from collectors.metering.ranks import Rank, current_rank
from collectors.metering.sources.cpu_time_model import CpuTimeModel
from collectors.metering.sources.ram_model import RamModel, installed_gigabytes
from collectors.metering.sources.rapl import POWERCAP_ROOT, find_rapl
from collectors.metering.sources.source import Source

if TYPE_CHECKING:
    from collectors.metering.gpu_select import Card


@dataclass(frozen=True)
class Surroundings:
    """Where the machine is looked at; tests point it at trees on disk.

    Attributes:
        powercap, proc: roots of the two file systems.
        environ: environment variables, for visible GPUs and ranks.
        nvml: pynvml or a stand-in for it; None opens the real one.
    """

    powercap: str = POWERCAP_ROOT
    proc: str = "/proc"
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    nvml: Any = None


class Absent(NamedTuple):
    """A component without any source: why, and whether this machine has it all the same."""

    reason: str
    present: bool


@dataclass
class Found:
    """Open sources, what has none and why, and why a component has no better one."""

    sources: list[Source] = field(default_factory=list)
    absent: dict[str, Absent] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)
    nvml: Any = None
    rank: Rank = field(default_factory=Rank)

    def close(self) -> None:
        for source in self.sources:
            source.close()
        if self.nvml is not None:
            self.nvml.nvmlShutdown()
            self.nvml = None


def discover(
    at_s: float,
    cpu_s: float,
    devices: Any = "auto",
    node_share: float = 1.0,
    around: Surroundings | None = None,
    tree_is_seen: bool = True,
) -> Found:
    """Open the best source of each component.

    Args:
        at_s, cpu_s: clock and CPU seconds of the process tree now; sources count from here.
        devices: which GPUs, see `gpu_select.pick`; an empty list for none.
        node_share: part of the machine's constant draw that is booked here, for several runs side by side.
        around: where to look.
        tree_is_seen: whether living child processes are in `cpu_s`.
    """
    around = around or Surroundings()
    found = Found(rank=current_rank(around.environ))
    _find_gpus(found, at_s, devices, around)
    _find_cpu_and_ram(found, at_s, cpu_s, node_share, around, tree_is_seen)
    return found


def _find_gpus(found: Found, at_s: float, devices: Any, around: Surroundings) -> None:
    if isinstance(devices, (list, tuple)) and not devices:
        found.absent["gpu"] = Absent("left out on request", present=False)
        return
    try:
        nvml = around.nvml or open_nvml()
    except NoGpu as none:
        found.absent["gpu"] = Absent(str(none), none.present)
        return
    from collectors.metering.gpu_select import pick, visible_cards  # most machines never need these
    from collectors.metering.sources.nvml import NvmlCard

    if around.nvml is not None:
        nvml.nvmlInit()
    found.nvml = nvml
    try:
        visible = visible_cards(nvml, around.environ, cuda_uuids())
        found.cards = pick(visible, devices, found.rank.local_rank, found.rank.alone)
        found.sources += [NvmlCard(nvml, card, at_s) for card in found.cards]
    except nvml.NVMLError as error:
        found.cards = []
        found.absent["gpu"] = Absent(f"NVML refuses: {error}; check that `nvidia-smi` runs", present=True)
        return
    if not found.cards:
        found.absent["gpu"] = Absent("no GPU is visible to this process (CUDA_VISIBLE_DEVICES)", present=False)


def _find_cpu_and_ram(
    found: Found, at_s: float, cpu_s: float, node_share: float, around: Surroundings, tree_is_seen: bool
) -> None:
    rapl = find_rapl(at_s, around.powercap)
    cpu = cpu_identity(around.proc)
    reads_node = found.rank.reads_node
    if rapl.packages:
        if reads_node:
            found.sources += rapl.packages
        else:
            found.absent["cpu"] = Absent("read for the whole node by its first rank", present=False)
        if rapl.notes:
            found.notes["cpu"] = "; ".join(rapl.notes)
    else:
        from collectors.metering.cpu_watts import thread_watts  # its table is only needed here

        doubt = None if tree_is_seen else "no procfs here: child processes count only once they have ended"
        found.sources.append(CpuTimeModel(thread_watts(cpu, rapl.limits_w), cpu_s, doubt))
        found.notes["cpu"] = rapl.problem or "no RAPL"
    gigabytes = installed_gigabytes(around.proc)
    if not reads_node:
        found.absent["ram"] = Absent("booked for the whole node by its first rank", present=False)
    elif rapl.drams:
        found.sources += rapl.drams
    elif gigabytes is None:
        found.absent["ram"] = Absent("amount of memory unknown and no RAPL counter for it", present=True)
    else:
        found.sources.append(RamModel(gigabytes, at_s, node_share))
        found.notes["ram"] = "no RAPL counter for memory"
