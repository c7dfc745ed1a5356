"""Knobs of phase system: threads, power, data loading, memory layout, attention kernel, compilation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from collectors.knobs.system.power_limit import limited_power
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

__all__ = ["compile_model", "lay_out", "loader_options", "machine_settings"]


@contextmanager
def machine_settings(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """The recipe's threads and power limit for as long as the run takes; both are put back, however it ends."""
    before = torch.get_num_threads()
    with limited_power(recipe.knob("gpu_power_limit"), device):
        try:
            if recipe.knob("cpu_threads") is not None:
                torch.set_num_threads(int(recipe.knob("cpu_threads")))
            yield
        finally:
            torch.set_num_threads(before)


def loader_options(recipe: Recipe) -> dict[str, Any]:
    """Keyword arguments of every `DataLoader` of the run."""
    workers = int(recipe.knob("dataloader_workers"))
    return {
        "num_workers": workers,
        "persistent_workers": workers > 0,
        "pin_memory": bool(recipe.knob("pin_memory")),
    }


def lay_out(model: nn.Module, recipe: Recipe) -> nn.Module:
    """Apply memory layout and attention kernel; compilation comes last, see `compile_model`.

    Raises:
        UsageError: the model has no images to lay out, or no attention that could be exchanged.
    """
    if recipe.knob("channels_last"):
        if not any(isinstance(part, nn.Conv2d) for part in model.modules()):
            raise _inapplicable("channels_last", recipe, "it has no convolution")
        model = model.to(memory_format=torch.channels_last)
    if "attention" in recipe.knobs:
        _exchange_attention(model, recipe)
    return model


def compile_model(model: nn.Module, recipe: Recipe) -> nn.Module:
    """The compiled model where the recipe asks for it; it compiles in the first step, in phase training."""
    return torch.compile(model) if recipe.knob("torch_compile") else model


def _exchange_attention(model: nn.Module, recipe: Recipe) -> None:
    wanted = recipe.knob("attention")
    has_attention = any("Attention" in type(part).__name__ for part in model.modules())
    if not has_attention or not hasattr(model, "set_attn_implementation"):
        raise _inapplicable("attention", recipe, "it has no exchangeable attention")
    if model.config._attn_implementation == wanted:
        raise _inapplicable("attention", recipe, f"its attention is '{wanted}' already, it has no other")
    model.set_attn_implementation(wanted)


def _inapplicable(knob: str, recipe: Recipe, reason: str) -> UsageError:
    shown = str(recipe.knob(knob)).lower()
    return UsageError(f"knob '{knob}={shown}' does not apply to '{recipe.model}': {reason}", hint="leave it out")
