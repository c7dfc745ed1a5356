"""Whether others disturbed the run: foreign CPU time on the machine, foreign processes on the metered cards."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Contention:
    """See the attributes of the same names in `EnergyReport`."""

    machine_cpu_s: float | None = None
    machine_capacity_s: float | None = None
    foreign_cpu_share: float | None = None
    foreign_gpu_processes: int | None = None
    contended: bool | None = None
    why: list[str] = field(default_factory=list)


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
    why: list[str] = []
    if foreign_gpu:
        why.append(f"{foreign_gpu} other process(es) on the same GPU")
    if begin is None or end is None or seconds < SHORTEST_S:
        return Contention(foreign_gpu_processes=foreign_gpu, contended=True if why else None, why=why)
    capacity = end.total_s - begin.total_s
    busy = max(end.busy_s - begin.busy_s, cpu_s)
    if capacity <= 0:
        return Contention(foreign_gpu_processes=foreign_gpu, contended=True if why else None, why=why)
    foreign = min(1.0, (busy - cpu_s) / capacity)
    stolen = (end.stolen_s - begin.stolen_s) / capacity
    allowed = 0.0 if machine_wide else 1.0 - node_share
    if foreign > allowed + FOREIGN_CPU_SHARE:
        why.append(f"others used {foreign:.0%} of the machine's CPU time")
    elif machine_wide and foreign > FOREIGN_LEAST and busy > 0 and (busy - cpu_s) / busy > FOREIGN_WORK_SHARE:
        why.append(f"{(busy - cpu_s) / busy:.0%} of the work on the metered processor was not ours")
    if stolen > STOLEN_SHARE:
        why.append(f"the host gave {stolen:.0%} of the CPU time to other machines")
    return Contention(busy, capacity, foreign, foreign_gpu, bool(why), why)
