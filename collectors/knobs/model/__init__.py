"""Knobs of phase model: which layers there are and which weights are trained."""

from __future__ import annotations

from torch import nn

from collectors.knobs.blocks import output_layer
from collectors.knobs.model.adapters import add_adapters, freeze_all_but
from collectors.knobs.model.layer_drop import drop_blocks
from collectors.knobs.model.low_rank import factorise
from collectors.tasks.task import Task
from ecotaskset.recipe import Recipe

__all__ = ["shape"]


def shape(model: nn.Module, task: Task, recipe: Recipe) -> nn.Module:
    """The model after the recipe's model knobs, on the CPU (`width` is already in the architecture's configuration).

    Raises:
        UsageError: a knob does not fit the architecture; the message says why.
    """
    if not recipe.knobs.keys() & {"layer_drop", "low_rank_head", "lora", "freeze_backbone"}:
        return model
    batch = task.collate([task.train[i] for i in range(min(2, len(task.train)))])
    if recipe.knob("layer_drop") != "none":
        drop_blocks(model, recipe.knob("layer_drop"), batch, recipe.model)
    head = output_layer(model, batch)
    if recipe.knob("low_rank_head"):
        factorise(model, head, int(recipe.knob("low_rank_head")), recipe.model)
    if recipe.knob("lora"):
        add_adapters(model, head, int(recipe.knob("lora")), recipe.model)
    if recipe.knob("freeze_backbone"):
        freeze_all_but(model, head, recipe.model)
    return model
