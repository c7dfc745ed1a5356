"""Knobs of phase training: optimizer, schedule, precision, checkpointing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

MOMENTUM = 0.9
WARMUP_SHARE = 0.1
"""Share of the steps over which `one_cycle` and `linear` climb to the peak learning rate."""


def mixed_precision(recipe: Recipe, device: str) -> str:
    """Accelerate's name for the recipe's precision.

    Raises:
        UsageError: fp16 without a GPU.
    """
    precision = recipe.knob("precision")
    if precision == "fp16" and not device.startswith("cuda"):
        raise UsageError(
            f"knob 'precision=fp16' needs a GPU, this run is on {device}", hint="use precision=bf16 or fp32"
        )
    return "no" if precision == "fp32" else precision


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are to be trained."""
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights:
        raise UsageError("the recipe's knobs leave no weights to train", hint="freeze less")
    options = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    match recipe.knob("optimizer"):
        case "sgd":
            return torch.optim.SGD(weights, momentum=MOMENTUM, **options)
        case "rmsprop":
            return torch.optim.RMSprop(weights, **options)
        case "adafactor":
            return torch.optim.Adafactor(weights, **options)
        case "lion":
            return Lion(weights, **options)
        case _:
            return torch.optim.AdamW(weights, **options)


class Lion(torch.optim.Optimizer):
    """Lion (arXiv 2302.06675, Algorithm 2): the sign of an interpolated momentum, with decoupled weight decay."""

    def __init__(self, params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], torch.Tensor] | None = None) -> torch.Tensor | None:
        """One update; `closure` re-evaluates the loss, as in every torch optimizer."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                momentum = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(torch.lerp(p.grad, momentum, beta1).sign_(), alpha=-group["lr"])
                momentum.lerp_(p.grad, 1 - beta2)
        return loss


def make_schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, total_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The recipe's learning-rate schedule over `total_steps` optimizer steps."""
    total = max(total_steps, 1)
    match recipe.knob("schedule"):
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total)
        case "one_cycle":
            return torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=total + 1)
        case "linear":
            warmup = max(1, int(WARMUP_SHARE * total))
            return torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: min((step + 1) / warmup, max(0.0, (total - step) / max(1, total - warmup)))
            )
        case _:
            return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def checkpoint_gradients(model: nn.Module, recipe: Recipe) -> None:
    """Switch gradient checkpointing on where the recipe asks for it.

    Raises:
        UsageError: the architecture has no checkpointing.
    """
    if not recipe.knob("gradient_checkpointing"):
        return
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise UsageError(
            f"knob 'gradient_checkpointing' does not apply to model '{recipe.model}'",
            hint="the architecture has no checkpointed blocks; choose a transformer",
        )
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
