"""Knobs of phase model: which layers there are and which weights are trained."""

from __future__ import annotations

from torch import nn

from collectors.tasks.task import Task
from ecotaskset.recipe import Recipe


def shape(model: nn.Module, task: Task, recipe: Recipe) -> nn.Module:
    """The model after the recipe's model knobs (`width` is already in the architecture's configuration)."""
    return model
