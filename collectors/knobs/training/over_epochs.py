"""What changes from epoch to epoch (knobs progressive_freezing and progressive_resizing)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import interpolate

from collectors.knobs.blocks import block_sequence, output_layer, parts_in_order
from collectors.tasks.architectures import get_architecture
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

Batch = dict[str, Tensor]
Change = Callable[[Batch], Batch]


def plan_epochs(model: nn.Module, batch: Batch, recipe: Recipe) -> Callable[[int], Change]:
    """A function to be called at the start of each epoch (from 1): it freezes what is due, and returns what is to be
    done to each training batch of that epoch.

    Args:
        model: the model as it will be trained, before it is wrapped.
        batch: a small training batch on the model's device.
        recipe: what is trained.

    Raises:
        UsageError: the architecture cannot be frozen in part, or cannot take images of half the side.
    """
    half = recipe.epochs // 2
    frozen = weights_of_first_half(model, batch, recipe.model) if recipe.knob("progressive_freezing") else []
    side = half_side(batch, recipe.model) if recipe.knob("progressive_resizing") else None

    def start_epoch(epoch: int) -> Change:
        if epoch == half + 1:
            for weight in frozen:
                weight.requires_grad_(False)
                weight.grad = None
        return (lambda given: shrink(given, side)) if side is not None and epoch <= half else (lambda given: given)

    return start_epoch


def weights_of_first_half(model: nn.Module, batch: Batch, name: str) -> list[nn.Parameter]:
    """Weights of the first half of the blocks and of all that acts before them, so that the backward pass ends there.

    Brock et al., "FreezeOut" (arXiv 1706.04983), with one step instead of a schedule a layer. The output layer is
    never frozen, also where recommenders share it with the input.
    """
    blocks = block_sequence(model)
    if len(blocks) < 2:
        raise UsageError(
            f"knob 'progressive_freezing=true' does not apply to '{name}': it has no sequence of blocks",
            hint="choose a deeper model",
        )
    parts, _ = parts_in_order(model, batch)
    first_half = {part for block in blocks[: len(blocks) // 2] for part in block.modules()}
    last = max((place for place, part in enumerate(parts) if part in first_half), default=-1)
    blocks_after = {part for block in blocks[len(blocks) // 2 :] for part in block.modules()}
    kept = set(model.get_submodule(output_layer(model, batch)).parameters())
    early = [part for part in parts[: last + 1] if part not in blocks_after] + list(first_half)
    weights = {w: None for part in early for w in part.parameters(recurse=part in first_half) if w not in kept}
    return list(weights)


def half_side(batch: Batch, name: str) -> int:
    """Half the image side, where the architecture takes both."""
    architecture, side = get_architecture(name, "cv"), batch["pixel_values"].shape[-1]
    half = side // 2
    if not architecture.any_side:
        reason = "it has learned a position for each patch of one side"
    elif half < architecture.min_side:
        reason = f"half of {side} pixels is less than its least side, {architecture.min_side}"
    elif half % architecture.side_multiple:
        reason = f"half of {side} pixels is no multiple of {architecture.side_multiple}"
    else:
        return half
    raise UsageError(
        f"knob 'progressive_resizing=true' does not apply to '{name}': {reason}",
        hint=f"give larger images (input_size={2 * architecture.fit_side(half)}) or another model"
        if architecture.any_side
        else "choose a convolutional model",
    )


def shrink(batch: Batch, side: int) -> Batch:
    """The batch with its images, (n, channels, height, width), made smaller; everything else as it is."""
    small = interpolate(batch["pixel_values"], size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return {**batch, "pixel_values": small}
