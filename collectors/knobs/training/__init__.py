"""Knobs of phase training: number format, optimizer, schedule, recomputation, and what changes over the epochs.

`gradient_accumulation` and `early_stopping` are in the loop itself (`collectors.train`).
"""

from __future__ import annotations

from collectors.knobs.training.checkpointing import checkpoint_gradients
from collectors.knobs.training.optimizers import make_optimizer
from collectors.knobs.training.over_epochs import plan_epochs
from collectors.knobs.training.schedules import make_schedule
from ecotaskset.recipe import Recipe

__all__ = ["checkpoint_gradients", "make_optimizer", "make_schedule", "mixed_precision", "plan_epochs"]


def mixed_precision(recipe: Recipe) -> str:
    """Accelerate's name for the recipe's number format: autocast, with weights and sums kept in float32."""
    precision = recipe.knob("precision")
    return "no" if precision == "fp32" else precision
