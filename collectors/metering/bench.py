"""The open sources of one meter and the order in which they are read."""

from __future__ import annotations

import os
import time
from typing import Any

from collectors.metering.conditions import conditions
from collectors.metering.contention import Contention, ContentionWatch
from collectors.metering.discover import Surroundings, discover
from collectors.metering.gpu_library import synchronize
from collectors.metering.process_tree import ProcessTree
from collectors.metering.reading import Reading

_TICK_S = 0.01


class Bench:
    """Opens everything at once; `read` synchronises the device, then reads clock, CPU time and counters together."""

    def __init__(self, devices: Any, node_share: float, around: Surroundings | None) -> None:
        around = around or Surroundings()
        self._tree = ProcessTree(proc=around.proc)
        synchronize()
        self._opened_s = time.monotonic()
        self._first_cpu_s = self._cpu_s = self._tree.cpu_seconds()
        self.found = discover(self._opened_s, self._first_cpu_s, devices, node_share, around, self._tree.sees_living)
        self._threads = os.cpu_count() or 1
        self._watch = ContentionWatch(self._tree, self.found, around.proc, node_share)
        self._start_conditions = conditions(self.found)

    def read(self) -> Reading:
        synchronize()
        at_s = time.monotonic()
        # A tree cannot have run longer than all threads of the machine together.
        bound = self._first_cpu_s + (at_s - self._opened_s + _TICK_S) * self._threads
        self._cpu_s = max(self._cpu_s, min(self._tree.cpu_seconds(), bound))
        return Reading(at_s, tuple(s.read(at_s, self._cpu_s) for s in self.found.sources), self._cpu_s)

    def opened(self, name: str) -> None:
        """A window of this name has begun; only replays care."""

    def closing(self, name: str) -> None:
        """The window is about to end; only replays care."""

    def restart_watch(self) -> None:
        self._watch.restart()

    def contention(self, cpu_s: float, seconds: float) -> Contention:
        return self._watch.look(cpu_s, seconds)

    def conditions(self) -> dict[str, Any]:
        return {"start": self._start_conditions, "end": conditions(self.found)}

    def close(self) -> None:
        self.found.close()
