"""What happens inside the process of one run: take the cores it was given, train, keep the run, say what happened.

Imported by the driver too, so nothing heavy at the top.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from collectors.keep import keep
from collectors.signals import STOPPING
from ecotaskset.console import INTERRUPTED
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store


@dataclass(frozen=True)
class RunOptions:
    """What all runs of a campaign share."""

    store: str
    cache_dir: str | None = None
    meter: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of `EnergyMeter`."""


def train_here(
    recipe: Recipe, options: RunOptions, cores: tuple[int, ...], tell: Callable[[dict[str, Any]], None]
) -> Run:
    """Train one recipe on the given cores of this process; a failure is a run too."""
    _keep_to(cores)
    from collectors.failures import train_anyhow
    from collectors.train import new_meter

    cache = Path(options.cache_dir) if options.cache_dir else None
    return train_anyhow(recipe, meter=new_meter(**options.meter), on_event=tell, cache_dir=cache)


def child_main(pipe: Connection, recipe: Recipe, options: RunOptions, cores: tuple[int, ...]) -> None:
    """Entry point of a run's own process. The run is in the store before the driver hears of it."""
    # A group of its own: the terminal's Ctrl-C reaches the driver only, which passes it on.
    os.setpgid(0, 0)
    try:
        _listen_to_signals()
        run = train_here(recipe, options, cores, lambda event: _send(pipe, {**event, "pid": os.getpid()}))
    except KeyboardInterrupt:  # the training had not begun: there is nothing to keep
        sys.exit(INTERRUPTED)
    _ignore_signals()
    try:
        keep(run, Store(options.store))
    except UsageError as error:
        sys.exit(f"error: {error}")
    _send(pipe, {"event": "run", "run": run.model_dump(mode="json")})
    pipe.close()


def _listen_to_signals() -> None:
    """The first SIGINT or SIGTERM ends the training, also one that came before; the system may send both."""

    def stop(number: int, frame: object) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    for number in STOPPING:
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _ignore_signals() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)


def _send(pipe: Connection, event: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # the driver is gone; the run goes on and is kept all the same
        pipe.send(event)


def _keep_to(cores: tuple[int, ...]) -> None:
    """Pin this process, and as many numerical threads, to its cores. Threads that start later inherit it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    import torch

    torch.set_num_threads(len(cores))
