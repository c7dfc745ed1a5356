"""The Accelerator of one training, and what joins its processes."""

from __future__ import annotations

import atexit
import importlib.util
import sys

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration

from collectors.knobs import training as training_knobs
from ecotaskset.recipe import Recipe


def make_accelerator(recipe: Recipe) -> Accelerator:
    """A fresh Accelerator for this recipe; batches are split over the processes, so `batch_size` is the sum."""
    settle_missing_packages()
    if AcceleratorState._shared_state:  # an earlier recipe in this process may have had another precision
        AcceleratorState._reset_state()
    accelerator = Accelerator(
        mixed_precision=training_knobs.mixed_precision(recipe),
        gradient_accumulation_steps=int(recipe.knob("gradient_accumulation")),
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        step_scheduler_with_optimizer=False,
    )
    if accelerator.num_processes > 1:
        atexit.unregister(part_processes)  # once, however many recipes
        atexit.register(part_processes)
    return accelerator


def part_processes() -> None:
    """End what joins the processes of one training; torch leaves that to the end of the interpreter, where threads that
    find their peer gone may abort."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def settle_missing_packages() -> None:
    """Accelerate looks on disk for an optional optimizer package twice a step, 1 ms each where there is none; with None
    in `sys.modules`, Python's own mark of a module that cannot be imported, it looks once."""
    if "lomo_optim" not in sys.modules and importlib.util.find_spec("lomo_optim") is None:
        sys.modules["lomo_optim"] = None
