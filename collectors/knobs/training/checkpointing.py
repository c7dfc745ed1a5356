"""Recompute activations in the backward pass instead of keeping them (knob gradient_checkpointing)."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from collectors.knobs.blocks import block_sequence
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe


def checkpoint_gradients(model: nn.Module, recipe: Recipe) -> None:
    """Recompute each block in the backward pass where the recipe asks for it, in place: Chen et al. (arXiv 1604.06174).

    One way for all models: that of `transformers` also sends gradients into frozen embeddings, and knows fewer models.

    Raises:
        UsageError: the architecture has no blocks that could be recomputed.
    """
    if not recipe.knob("gradient_checkpointing"):
        return
    blocks = [block for block in block_sequence(model) if any(True for _ in block.children())]
    if len(blocks) < 2:
        raise UsageError(
            f"knob 'gradient_checkpointing=true' does not apply to '{recipe.model}': it has no blocks to recompute",
            hint="choose a model of blocks",
        )
    for block in blocks:
        block.forward = partial(_recomputed, block)


def keep_activations(model: nn.Module) -> None:
    """Take checkpointing out again, in place."""
    for part in model.modules():
        if isinstance(part.__dict__.get("forward"), partial) and part.forward.func is _recomputed:
            del part.forward


def _recomputed(block: nn.Module, *inputs: Tensor, **named: Tensor) -> Tensor:
    forward = partial(type(block).forward, block)
    return checkpoint(forward, *inputs, use_reentrant=False, **named) if block.training else forward(*inputs, **named)
