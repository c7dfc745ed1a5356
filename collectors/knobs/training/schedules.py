"""The learning rate over time (knob schedule)."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, LRScheduler, OneCycleLR

from ecotaskset.recipe import Recipe

WARMUP_SHARE = 0.1
"""Share of the steps over which `linear` climbs to the peak learning rate."""


def make_schedule(optimizer: Optimizer, recipe: Recipe, total_steps: int) -> LRScheduler:
    """The recipe's learning-rate schedule over `total_steps` optimizer steps; stepped once after each of them.

    `one_cycle` (Smith and Topin, arXiv 1708.07120) moves the learning rate only: not every optimizer has a momentum.
    """
    total = max(total_steps, 1)
    match recipe.knob("schedule"):
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=total)
        case "one_cycle":
            return OneCycleLR(optimizer, recipe.learning_rate, total_steps=total + 1, cycle_momentum=False)
        case "linear":
            warmup = max(1, int(WARMUP_SHARE * total))
            return LambdaLR(
                optimizer, lambda step: min((step + 1) / warmup, max(0.0, (total - step) / max(1, total - warmup)))
            )
        case _:
            return ConstantLR(optimizer, factor=1.0)
