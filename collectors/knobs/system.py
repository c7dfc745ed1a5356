"""Knobs of phase system: threads, data loading, memory layout, attention kernel, compilation."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe


def set_threads(recipe: Recipe) -> int:
    """Give the numerical kernels the recipe's threads; returns how many they have."""
    wanted = recipe.knob("cpu_threads")
    available = os.cpu_count() or 1
    if wanted is not None:
        if wanted > available:
            raise UsageError(f"knob 'cpu_threads={wanted}': this machine has {available}", hint="choose fewer")
        torch.set_num_threads(int(wanted))
    return torch.get_num_threads()


def loader_options(recipe: Recipe, device: str) -> dict[str, Any]:
    """Keyword arguments of every `DataLoader` of the run."""
    workers = int(recipe.knob("dataloader_workers"))
    if recipe.knob("pin_memory") and not device.startswith("cuda"):
        raise UsageError("knob 'pin_memory' needs a GPU", hint="leave it out on this machine")
    return {
        "num_workers": workers,
        "persistent_workers": workers > 0,
        "pin_memory": bool(recipe.knob("pin_memory")),
    }


def lay_out(model: nn.Module, recipe: Recipe) -> nn.Module:
    """Apply memory layout and attention kernel; compilation comes last, see `compile_model`."""
    if recipe.knob("channels_last"):
        model = model.to(memory_format=torch.channels_last)
    if recipe.knob("attention") != "sdpa":
        if not hasattr(model, "set_attn_implementation"):
            raise UsageError(
                f"knob 'attention' does not apply to model '{recipe.model}'", hint="it has no exchangeable attention"
            )
        model.set_attn_implementation(recipe.knob("attention"))
    return model


def compile_model(model: nn.Module, recipe: Recipe) -> nn.Module:
    """The compiled model where the recipe asks for it; compiling itself happens at the first forward pass."""
    return torch.compile(model) if recipe.knob("torch_compile") else model
