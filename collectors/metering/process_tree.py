"""CPU seconds of a process and everything it started, also of what ended in between.

Three places hold them: the clocks of living processes, the sums a parent inherits when it reaps a child, and nowhere
at all for a child that ends unreaped by its parent (orphans, SIGCHLD ignored). The last kind is carried in a ledger
from what was last seen of it, so the total never falls.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from collectors.metering.proc_files import process_stat, read_bytes

try:
    import resource
except ImportError:  # not a Unix
    resource = None  # type: ignore[assignment]


class _Seen(NamedTuple):
    parent: int
    total_s: float
    reaped_s: float


class ProcessTree:
    """Reads the CPU seconds of a process tree; one read is a few file reads a thread and needs no thread of its own.

    Args:
        root: process id of the tree's root; this process by default.
        proc: where procfs is mounted. Without procfs only this process and its reaped children are counted.
    """

    def __init__(self, root: int | None = None, proc: str = "/proc") -> None:
        self.root = root or os.getpid()
        self._own = self.root == os.getpid()
        self._proc = proc
        self._known: dict[tuple[int, int], _Seen] = {}
        self._root_reaped_s = 0.0
        self._lost_s = 0.0
        self._highest_s = 0.0
        self.listed = os.path.exists(f"{proc}/{self.root}/task/{self.root}/children")  # noqa: PTH110 (hot path)
        self.sees_living = self.listed or process_stat(proc, self.root) is not None

    def cpu_seconds(self) -> float:
        """User and system seconds of the tree since its processes began; never less than the time before."""
        # Reaped time first: a child reaped between the two looks is then missed once, not counted twice.
        reaped_s = self._reaped_seconds()
        seen = self._living() if self.sees_living else {}
        if self._known.keys() - seen.keys():
            self._lost_s += self._lost_seconds(seen)
        self._known, self._root_reaped_s = seen, reaped_s
        total = self._own_seconds() + reaped_s + sum(s.total_s for s in seen.values()) + self._lost_s
        self._highest_s = max(self._highest_s, total)
        return self._highest_s

    def members(self) -> set[int]:
        """Process ids of the tree as of the last read."""
        return {self.root} | {pid for pid, _ in self._known}

    def _own_seconds(self) -> float:
        return time.process_time() if self._own else _clock_seconds(self.root) or 0.0

    def _reaped_seconds(self) -> float:
        if self._own and resource is not None:
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime
        stat = process_stat(self._proc, self.root)
        return stat.reaped_s if stat else 0.0

    def _living(self) -> dict[tuple[int, int], _Seen]:
        seen: dict[tuple[int, int], _Seen] = {}
        children = self._children if self.listed else self._scanned()
        frontier = children(self.root)
        while True:
            while frontier:
                pid = frontier.pop()
                stat = process_stat(self._proc, pid)
                if stat is None or (pid, stat.started) in seen:
                    continue
                clock = _clock_seconds(pid)
                own_s = stat.own_s if clock is None else clock
                seen[pid, stat.started] = _Seen(stat.parent, own_s + stat.reaped_s, stat.reaped_s)
                frontier.extend(children(pid))
            # A known process that no parent lists any more lives on if its parent died first: keep counting it.
            frontier = [
                pid
                for pid, started in self._known.keys() - seen.keys()
                if (stat := process_stat(self._proc, pid)) is not None and stat.started == started
            ]
            if not frontier:
                return seen

    def _children(self, pid: int) -> list[int]:
        found: list[int] = []
        try:
            threads = os.listdir(f"{self._proc}/{pid}/task")  # noqa: PTH208 (names only, on the hot path)
        except OSError:
            return found
        for thread in threads:
            try:
                found.extend(map(int, read_bytes(f"{self._proc}/{pid}/task/{thread}/children", 1 << 16).split()))
            except OSError:  # the thread has ended
                continue
        return found

    def _scanned(self) -> Callable[[int], list[int]]:
        """Children by parent from a look at every process: for kernels that do not list them, such as gVisor."""
        by_parent: dict[int, list[int]] = {}
        for name in os.listdir(self._proc):  # noqa: PTH208
            if name.isdigit() and (stat := process_stat(self._proc, int(name))) is not None:
                by_parent.setdefault(stat.parent, []).append(int(name))
        return lambda pid: by_parent.get(pid, [])

    def _lost_seconds(self, seen: dict[tuple[int, int], _Seen]) -> float:
        """Seconds last seen of vanished processes which no surviving ancestor inherited."""
        by_pid = {pid: (pid, started) for pid, started in self._known}
        expected: dict[tuple[int, int] | None, float] = {}
        for key in self._known.keys() - seen.keys():
            heir = by_pid.get(self._known[key].parent)
            while heir is not None and heir not in seen:
                heir = by_pid.get(self._known[heir].parent)
            expected[heir] = expected.get(heir, 0.0) + self._known[key].total_s
        lost = 0.0
        for heir, seconds in expected.items():
            if heir is None:  # the root
                inherited = self._reaped_seconds() - self._root_reaped_s
            else:
                inherited = seen[heir].reaped_s - self._known[heir].reaped_s
            lost += max(0.0, seconds - inherited)
        return lost


def _clock_seconds(pid: int) -> float | None:
    """The kernel's CPU clock of another process, in nanosecond steps where /proc counts in ticks of 10 ms.

    Source: the encoding of process clocks in linux/posix-timers.h (complement of the id, three bits of clock kind).
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except (OSError, AttributeError, OverflowError):
        return None
