"""The run of a process that died without a word: what it had told by then, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from collectors.metering import hardware
from collectors.plan import public_recipe
from ecotaskset._version import __version__
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run, knob_settings

VMSTAT = Path("/proc/vmstat")


def memory_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 where that cannot be read."""
    try:
        words = VMSTAT.read_text().split()
    except OSError:
        return 0
    return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


def lost_run(
    recipe: Recipe, events: Sequence[dict[str, Any]], *, exit_code: int | None, out_of_memory: bool, threads: int
) -> Run:
    """A run made from the outside: status, reason, and the curves up to the last epoch that was told.

    Killed for want of memory is `out_of_memory`, killed otherwise `interrupted` (so it is tried again), and a process
    that ended by itself `failed`. Its energy is what it had told at the last epoch's end: a lower bound.
    """
    epochs = [event for event in events if event["event"] == "epoch"]
    last = epochs[-1] if epochs else {}
    quality = [event["quality"] for event in epochs]
    killed = exit_code is not None and exit_code < 0
    device, machine = _device(), hardware()
    how = f"killed by signal {-exit_code}" if killed else f"ended with exit code {exit_code}"
    return Run(
        collected_at=datetime.now(timezone.utc),
        collector_version=__version__,
        status="out_of_memory" if killed and out_of_memory else "interrupted" if killed else "failed",
        status_reason=f"its process was {how}" if killed else f"its process {how}",
        flags=["low_confidence"] if last else [],
        **public_recipe(recipe).model_dump(exclude={"knobs"}),
        knobs=knob_settings(recipe),
        epochs_run=len(epochs),
        n_processes=1,
        device=device,
        **machine | {"gpu_count": _cards_used(device, machine["gpu_count"])},
        cpu_threads=threads,
        quality_metric=last.get("metric"),
        quality_validation=max(quality, default=None),
        best_epoch=quality.index(max(quality)) + 1 if quality else None,
        quality_last=last.get("quality"),
        energy_kwh=last.get("energy_kwh"),
        duration_s=last.get("duration_s"),
        curve_train_loss=[event["train_loss"] for event in epochs],
        curve_validation_loss=[event["validation_loss"] for event in epochs],
        curve_validation_quality=quality,
        curve_energy_kwh=[event["energy_kwh"] for event in epochs],
        curve_duration_s=[event["duration_s"] for event in epochs],
    )


def _cards_used(device: str, visible: int | None) -> int | None:
    """What its meter would have said, which follows one card a process; None where nothing can be read of them."""
    if device == "cpu":
        return 0
    return None if visible is None else min(visible, 1)


def _device() -> str:
    """The kind of device that Accelerate had given the process: what it takes first where there are several."""
    import torch  # here, because only a driver that has lost a run needs it

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
