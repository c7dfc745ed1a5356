"""A training that fails is a run too: its status says how, its energy says what it cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.metering import EnergyMeter, EnergyReport
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
    progress = Progress()
    try:
        return train(recipe, meter=meter, on_event=on_event, cache_dir=cache_dir, progress=progress)
    except KeyboardInterrupt:
        progress.status, progress.status_reason = "interrupted", "stopped by the user"
    except EcoTaskSetError as error:
        progress.status, progress.status_reason = "failed", str(error)[:MAX_REASON]
    except Exception as error:  # noqa: BLE001  (the boundary of a run: any bug in a model costs this run only)
        progress.status = "out_of_memory" if is_out_of_memory(error) else "failed"
        progress.status_reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:MAX_REASON]
    return make_run(recipe, progress, _spent(meter), device=_device(), n_processes=1)


def _spent(meter: EnergyMeter) -> EnergyReport:
    try:
        return meter.report()
    except EcoTaskSetError:  # it failed before the meter was started
        return NOTHING_METERED


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
