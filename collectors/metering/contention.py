"""Whether others disturbed the run: foreign CPU time on the machine, foreign processes on the metered cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from collectors.metering.discover import Found
from collectors.metering.proc_files import MachineTimes, machine_times
from collectors.metering.process_tree import ProcessTree

FOREIGN_CPU_SHARE = 0.05
"""Foreign use of the machine's CPU capacity, beyond the parts given to runs side by side, that is contention."""
FOREIGN_WORK_SHARE = 0.1
FOREIGN_LEAST = 0.01
STOLEN_SHARE = 0.05
SHORTEST_S = 1.0
"""The machine's own accounts come in ticks of 10 ms a thread: under a second they say nothing."""

OTHERS = "others"
"""How every sentence about strangers begins. To a rank the other ranks are strangers, so among ranks it is not kept."""


@dataclass(frozen=True)
class Contention:
    """See the attributes of the same names in `EnergyReport`."""

    machine_cpu_s: float | None = None
    machine_capacity_s: float | None = None
    foreign_cpu_share: float | None = None
    foreign_gpu_processes: int | None = None
    contended: bool | None = None
    why: list[str] = field(default_factory=list)

    def to_report(self) -> dict[str, Any]:
        """As arguments of an `EnergyReport`."""
        return {**{name: value for name, value in vars(self).items() if name != "why"}, "contention": self.why}


class ContentionWatch:
    """Two looks at /proc/stat and at the cards' process lists: no sampling in between."""

    def __init__(self, tree: ProcessTree, found: Found, proc: str = "/proc", node_share: float = 1.0) -> None:
        self._tree, self._found, self._proc, self._node_share = tree, found, proc, node_share
        self._begin = machine_times(proc)
        self._most_foreign = self._foreign_on_cards()

    def restart(self) -> None:
        """Forgets what happened so far, such as an idle baseline."""
        self._begin = machine_times(self._proc)

    def look(self, cpu_s: float, seconds: float) -> Contention:
        """What has happened since the watch began, given the tree's CPU seconds and the wall seconds since then."""
        machine_wide = any(s.component == "cpu" and s.scope == "machine" for s in self._found.sources)
        now = machine_times(self._proc)
        foreign_gpu = self._foreign_on_cards()
        if foreign_gpu is not None:
            self._most_foreign = max(foreign_gpu, self._most_foreign or 0)
        return judge(self._begin, now, cpu_s, seconds, self._most_foreign, machine_wide, self._node_share)

    def _foreign_on_cards(self) -> int | None:
        """Processes on our cards outside our tree; None if ours cannot be told from others (another pid namespace)."""
        found = self._found
        if not found.cards:
            return None
        foreign, ours = 0, False
        for card in found.cards:
            try:
                pids = {p.pid for p in found.nvml.nvmlDeviceGetComputeRunningProcesses(card.handle)}
            except found.nvml.NVMLError:
                return None
            foreign += len(pids - self._tree.members())
            ours = ours or bool(pids & self._tree.members())
        return foreign if ours or not foreign else None


def judge(
    begin: MachineTimes | None,
    end: MachineTimes | None,
    cpu_s: float,
    seconds: float,
    foreign_gpu: int | None,
    machine_wide: bool = False,
    node_share: float = 1.0,
) -> Contention:
    """The verdict from two looks at the machine. A process is never more than its machine.

    Where the CPU figure is the whole machine's, foreign work is inside it: then its share of all work counts as well,
    and runs side by side disturb each other's figures. Where it is the process tree's own, runs that were given
    `node_share` of the machine each disturb nobody as long as all others stay within what is not theirs.
    """
    if begin is None or end is None or seconds < SHORTEST_S:
        return verdict(cpu_s, None, None, foreign_gpu)
    capacity = end.total_s - begin.total_s
    stolen = (end.stolen_s - begin.stolen_s) / capacity if capacity > 0 else 0.0
    host = [f"the host gave {stolen:.0%} of the CPU time to other machines"] if stolen > STOLEN_SHARE else []
    allowed = 0.0 if machine_wide else 1.0 - node_share
    return verdict(cpu_s, end.busy_s - begin.busy_s, capacity, foreign_gpu, machine_wide, allowed, host)


def verdict(
    ours_s: float,
    busy_s: float | None,
    capacity_s: float | None,
    foreign_gpu: int | None,
    machine_wide: bool = False,
    allowed: float = 0.0,
    host: Sequence[str] = (),
) -> Contention:
    """The verdict from CPU seconds: ours, the machine's, and what it could have given. Of one process, or of all ranks.

    Args:
        foreign_gpu: processes on the metered cards that are not ours.
        machine_wide: is the CPU figure the whole machine's?
        allowed: share of the machine that was given to others.
        host: what else is wrong, in sentences.
    """
    why = [f"{OTHERS} have {foreign_gpu} process(es) on the same GPU"] if foreign_gpu else []
    if busy_s is None or capacity_s is None or capacity_s <= 0:
        why += host
        return Contention(foreign_gpu_processes=foreign_gpu, contended=True if why else None, why=why)
    busy = max(busy_s, ours_s)
    foreign = min(1.0, (busy - ours_s) / capacity_s)
    if foreign > allowed + FOREIGN_CPU_SHARE:
        why.append(f"{OTHERS} used {foreign:.0%} of the machine's CPU time")
    elif machine_wide and foreign > FOREIGN_LEAST and (busy - ours_s) / busy > FOREIGN_WORK_SHARE:
        why.append(f"{OTHERS} did {(busy - ours_s) / busy:.0%} of the work on the metered processor")
    why += host
    return Contention(busy, capacity_s, foreign, foreign_gpu, bool(why), why)
