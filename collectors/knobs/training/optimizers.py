"""The optimizers (knob optimizer)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

MOMENTUM = 0.9


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the weights that are to be trained.

    Raises:
        UsageError: there are none.
    """
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
