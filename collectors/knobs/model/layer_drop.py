"""Fewer blocks (knob layer_drop): Sajjad et al., "On the Effect of Dropping Layers" (arXiv 2004.03844)."""

from __future__ import annotations

import torch
from torch import nn

from collectors.knobs.blocks import FORWARD_ERRORS, at_rest, equal_stack
from ecotaskset.errors import UsageError


def drop_blocks(model: nn.Module, which: str, batch: dict[str, torch.Tensor], name: str) -> None:
    """Remove blocks from the longest stack of equal blocks, in place.

    Args:
        model: any module with `model(**batch)`.
        which: `top:k` removes the k blocks next to the output, `bottom:k` those next to the input.
        batch: a small batch with labels: a forward and a backward pass show whether the rest still fits together.
        name: the architecture, for messages.

    Raises:
        UsageError: no stack is long enough, or the model does not run without these blocks.
    """
    side, _, count = which.partition(":")
    container, places = equal_stack(model)
    k, n = int(count), len(places)
    if k >= n:
        stack = f"its longest stack has {n} equal blocks" if n > 1 else "it has no stack of equal blocks"
        raise UsageError(f"knob 'layer_drop={which}' does not apply to '{name}': {stack}", hint=_hint(n))
    dropped = set(places[-k:] if side == "top" else places[:k])
    kept = [block for place, block in enumerate(container) if place not in dropped]
    del container[:]
    container.extend(kept)
    _tell_configuration(getattr(model, "config", None), n, dropped, places)
    try:
        with at_rest(model), torch.enable_grad():
            model(**batch).loss.backward()
        model.zero_grad()
    except FORWARD_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"knob 'layer_drop={which}': '{name}' does not run without these blocks: {reason}", hint="leave it out"
        ) from error


def _hint(n: int) -> str:
    return f"drop at most {n - 1}" if n > 1 else "choose a model of equal blocks, such as a transformer"


def _tell_configuration(config: object, n: int, dropped: set[int], places: range) -> None:
    """Some forward passes count blocks by their configuration instead of by what is there."""
    if getattr(config, "num_hidden_layers", None) not in (n, places.stop):
        return
    kinds = getattr(config, "layer_types", None)
    if isinstance(kinds, list) and len(kinds) == config.num_hidden_layers:
        config.layer_types = [kind for place, kind in enumerate(kinds) if place not in dropped]
    config.num_hidden_layers -= len(dropped)
