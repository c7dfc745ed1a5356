"""A training that fails is a run too: its status says how, its energy says what it cost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.metering import EnergyMeter, EnergyReport
from collectors.metering.ranks import current_rank
from collectors.outcome import make_run
from collectors.train import Progress, is_out_of_memory, train
from ecotaskset.errors import EcoTaskSetError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run

MAX_REASON = 400
NOTHING_METERED = EnergyReport(duration_s=0.0, components={})


def train_anyhow(
    recipe: Recipe,
    *,
    meter: EnergyMeter,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    cache_dir: str | Path | None = None,
) -> Run:
    """Train a recipe and return its run, whatever happens: also where `train` raises.

    Data that cannot be had, a combination that does not work and a bug in a model become a run with status `failed`;
    exhausted memory `out_of_memory`; Ctrl-C at any moment `interrupted`. What was known by then is kept.
    """
    return attempt(recipe, meter=meter, on_event=on_event, cache_dir=cache_dir)[0]


def attempt(
    recipe: Recipe,
    *,
    meter: EnergyMeter,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    cache_dir: str | Path | None = None,
) -> tuple[Run, Exception | None]:
    """`train_anyhow`, for who wants to know what went wrong: the run, and the error if it is `failed`."""
    progress, failure = Progress(), None
    try:
        return train(recipe, meter=meter, on_event=on_event, cache_dir=cache_dir, progress=progress), None
    except KeyboardInterrupt:
        progress.status, progress.status_reason = "interrupted", "stopped by the user"
    except EcoTaskSetError as error:
        progress.status, progress.status_reason = "failed", str(error)[:MAX_REASON]
        failure = error
    except Exception as error:  # noqa: BLE001  (the boundary of a run: any bug in a model costs this run only)
        progress.status = "out_of_memory" if is_out_of_memory(error) else "failed"
        progress.status_reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:MAX_REASON]
        if progress.status == "failed":  # the other kind would hold on to the memory that is short
            failure = error
    n_processes = current_rank(os.environ).world_size
    run = make_run(recipe, progress, _spent(meter), device=_device(), n_processes=n_processes)
    return (run if n_processes == 1 else _of_one_of_several(run)), failure


def _of_one_of_several(run: Run) -> Run:
    """Processes that lost one another cannot add up what they spent: the energy of this one is a lower bound."""
    flags = sorted({*run.flags, "low_confidence"})
    return Run.model_validate({**run.model_dump(), "run_id": "", "flags": flags})


def _spent(meter: EnergyMeter) -> EnergyReport:
    try:
        return meter.report()
    except EcoTaskSetError:  # it failed before the meter was started
        return NOTHING_METERED


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
