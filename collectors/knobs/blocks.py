"""What is inside a model: its stacks of blocks, the order in which its parts act, and its output layer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ecotaskset.errors import UsageError

FORWARD_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError)
"""What a model that does not fit together raises in its forward pass."""


def equal_stack(model: nn.Module) -> tuple[nn.Module, range]:
    """The longest stack of equal blocks: its container and the blocks' places in it.

    Equal are neighbours of one class whose weights have the same shapes. Of equally long stacks, the first.
    """
    best: tuple[nn.Module, range] = (model, range(0))
    for container in _containers(model):
        start = 0
        kinds = [_kind(block) for block in container]
        for place in range(1, len(kinds) + 1):
            if place == len(kinds) or kinds[place] != kinds[start]:
                if place - start > len(best[1]) and kinds[start][1]:
                    best = (container, range(start, place))
                start = place
    return best


def block_sequence(model: nn.Module) -> list[nn.Module]:
    """The model's blocks from input to output, equal or not: the longest container of parts with weights.

    Where that holds single layers only (a plain convolutional network), those are the blocks.
    """
    best: list[nn.Module] = []
    for container in _containers(model):
        blocks = [block for block in container if any(True for _ in block.parameters())]
        if len(blocks) > len(best) or (len(blocks) == len(best) and _deep(blocks) and not _deep(best)):
            best = blocks
    return best


def parts_in_order(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[list[nn.Module], Any]:
    """Every part of the model in the order of its first call, and the model's output for the batch."""
    called: dict[nn.Module, None] = {}
    hooks = [
        part.register_forward_hook(lambda part, *_: called.setdefault(part))
        for part in model.modules()
        if part != model
    ]
    try:
        with at_rest(model), torch.no_grad():
            output = model(**batch)
    finally:
        for hook in hooks:
            hook.remove()
    return list(called), output


@contextmanager
def at_rest(model: nn.Module) -> Any:
    """The model in evaluation mode, with PyTorch's fused encoder off: it would pass over the parts inside."""
    training, fused = model.training, torch.backends.mha.get_fastpath_enabled()
    model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        model.train(training)


def step_by_step(model: nn.Module) -> None:
    """Keep PyTorch's fused encoder off in this model for good, in place: its layers are called one by one."""
    for part in model.modules():
        if isinstance(part, nn.TransformerEncoderLayer):
            part.activation_relu_or_gelu = 0  # what the layer itself looks at before it takes the fused path


def output_layer(model: nn.Module, batch: dict[str, torch.Tensor]) -> str:
    """Name of the layer that makes the logits: a linear layer, a convolution, or the item embedding.

    Recommenders score items with the embedding they read them with; that embedding is their output layer.

    Raises:
        UsageError: none can be told.
    """
    parts, output = parts_in_order(model, batch)
    names = {part: name for name, part in model.named_modules()}
    n_outputs = output.logits.shape[-1]
    for part in reversed(parts):
        if getattr(part, "out_features", getattr(part, "out_channels", None)) == n_outputs:
            return names[part]
    for part in parts:
        if isinstance(part, nn.Embedding) and part.num_embeddings == n_outputs:
            return names[part]
    raise UsageError("the model's output layer cannot be told", hint="leave out the knobs that change or keep it")


def head_parameters(model: nn.Module, head: str) -> list[nn.Parameter]:
    """The weights of the head: of a model from `transformers`, all that is not its base model; else `head` alone."""
    base = getattr(model, getattr(model, "base_model_prefix", "") or "", None)
    if isinstance(base, nn.Module) and base is not model:
        inside = set(base.parameters())
        return [p for p in model.parameters() if p not in inside]
    return list(model.get_submodule(head).parameters())


def _containers(model: nn.Module) -> list[nn.Module]:
    return [part for part in model.modules() if isinstance(part, (nn.ModuleList, nn.Sequential))]


def _kind(block: nn.Module) -> tuple[type, tuple[torch.Size, ...]]:
    return type(block), tuple(weight.shape for weight in block.parameters())


def _deep(blocks: list[nn.Module]) -> bool:
    return all(any(True for _ in block.children()) for block in blocks)
