"""The local engine: each run in a process of its own, forked from one that has torch loaded, pinned to its own cores.

A process that dies (`kill -9`, the kernel's out-of-memory killer) takes its own run with it and nothing else.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from collectors.campaign.lost import lost_run, memory_kills
from collectors.campaign.worker import RunOptions, child_main
from collectors.signals import STOPPING, sigterm_as_ctrl_c
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store

WARM_MODULE = "collectors.campaign.warm"
POLL_S = 0.5

Tell = Callable[[Recipe, dict[str, Any]], None]


@dataclass
class _Child:
    recipe: Recipe
    process: BaseProcess
    pipe: Connection
    cores: tuple[int, ...]
    kills_before: int
    events: list[dict[str, Any]] = field(default_factory=list)
    run: Run | None = None


def share_cores(jobs: int) -> list[tuple[int, ...]]:
    """The cores of each of `jobs` runs side by side: disjoint, equally many.

    Raises:
        UsageError: fewer cores than jobs.
    """
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    each = len(available) // jobs if jobs > 0 else 0
    if not each:
        raise UsageError(f"--jobs {jobs} does not fit this machine", hint=f"choose 1 to {len(available)}")
    return [tuple(available[i * each : (i + 1) * each]) for i in range(jobs)]


def execute_locally(recipes: Sequence[Recipe], options: RunOptions, jobs: int, tell: Tell) -> None:
    """Train the recipes, `jobs` at a time. Every run is in the store when `tell` hears of it.

    Args:
        tell: called with the recipe and an event: `run_started`, `epoch`, at last `run` (key `run`: the Run).

    Raises:
        KeyboardInterrupt: after Ctrl-C, once the runs under way are recorded as interrupted; at once after a second, or
            as long as none has been started.
    """
    free = share_cores(jobs)
    with sigterm_as_ctrl_c():
        context = _load_torch()
    waiting, living = deque(recipes), list[_Child]()
    with _ctrl_c(living) as stopping:
        while living or (waiting and not stopping.is_set()):
            while waiting and free and not stopping.is_set():
                child = _start(context, waiting.popleft(), options, free.pop(0))
                living.append(child)
                if stopping.is_set():  # it came while the child was being started
                    _signal(child, signal.SIGINT)
            _listen(living, tell)
            for child in [child for child in living if not child.process.is_alive()]:
                _listen([child], tell)
                _bury(child, Store(options.store), tell, stopped=stopping.is_set())
                living.remove(child)
                free.append(child.cores)
        if stopping.is_set():
            raise KeyboardInterrupt


def _load_torch() -> Any:
    """The context to start runs in, once the process they are forked from has loaded torch; that takes seconds.

    Ctrl-C in a terminal reaches that process as well. It keeps the signals of stopping pending, and so does every run
    until it is ready for them (`child_main`); for that it must inherit them blocked.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([WARM_MODULE])
    resource_tracker.ensure_running()  # first: it would unblock them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    loaded = context.Process()  # does nothing, but only after the imports
    loaded.start()
    loaded.join()
    return context


def _start(context: Any, recipe: Recipe, options: RunOptions, cores: tuple[int, ...]) -> _Child:
    ours, theirs = context.Pipe(duplex=False)
    # not a daemon: those may have no children, and a run may ask for data-loader workers
    process = context.Process(target=child_main, args=(theirs, recipe, options, cores), daemon=False)
    process.start()
    theirs.close()
    return _Child(recipe, process, ours, cores, memory_kills())


def _listen(living: Sequence[_Child], tell: Tell) -> None:
    """Take what the children said, until one of them has ended or a moment has passed."""
    by_pipe = {child.pipe: child for child in living if not child.pipe.closed}
    for ready in wait([*by_pipe, *(child.process.sentinel for child in living)], timeout=POLL_S):
        child = by_pipe.get(ready)
        if child is None:
            continue
        try:
            while child.pipe.poll():
                event = child.pipe.recv()
                if event["event"] == "run":
                    child.run = Run.model_validate(event["run"])
                    event = {"event": "run", "run": child.run}
                child.events.append(event)
                tell(child.recipe, event)
        except (EOFError, OSError):
            child.pipe.close()


def _bury(child: _Child, store: Store, tell: Tell, *, stopped: bool) -> None:
    child.process.join()
    child.pipe.close()
    if child.run is not None or (stopped and not child.events):
        return
    run = lost_run(
        child.recipe,
        child.events,
        exit_code=child.process.exitcode,
        out_of_memory=memory_kills() > child.kills_before,
        threads=len(child.cores),
    )
    store.append(run)
    tell(child.recipe, {"event": "run", "run": run})


@contextlib.contextmanager
def _ctrl_c(living: list[_Child]) -> Iterator[threading.Event]:
    """While this lasts: the first Ctrl-C (or SIGTERM) asks the children to stop, the second kills them."""
    stopping = threading.Event()

    def stop(number: int, frame: object) -> None:
        again = stopping.is_set()
        stopping.set()
        for child in list(living):
            _signal(child, signal.SIGKILL if again else signal.SIGINT)
        if again:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals belong to the main thread
        yield stopping
        return
    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(child: _Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.process.pid, number)
