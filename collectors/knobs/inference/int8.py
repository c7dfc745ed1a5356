"""Linear layers in eight bits (knob int8_dynamic): weights once, activations as they come. On the CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from collectors.knobs.blocks import step_by_step
from ecotaskset.errors import UsageError

LARGEST = 127
LEAST_SCALE = 1e-8


class Int8Linear(nn.Module):
    """A linear layer whose product is taken in int8 with int32 sums.

    Weights have one scale an output; activations have one a call, from their largest value (Krishnamoorthi, arXiv
    1806.08342, "dynamic"). Symmetric, so that no zero points have to be taken off the product.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        weight = layer.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp_min(LEAST_SCALE) / LARGEST
        self.register_buffer("weight_scale", scale)
        self.register_buffer("int8_weight", (weight / scale[:, None]).round().to(torch.int8))
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().float())
        self.in_features, self.out_features = layer.in_features, layer.out_features

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) to (…, out_features), float32."""
        rows = x.reshape(-1, self.in_features)
        low, high = rows.aminmax()
        scale = torch.maximum(-low, high).clamp_min(LEAST_SCALE) / LARGEST
        sums = torch._int_mm((rows / scale).round_().to(torch.int8), self.int8_weight.t()).float()
        scales = scale * self.weight_scale
        out = sums.mul_(scales) if self.bias is None else torch.addcmul(self.bias, sums, scales)
        return out.view(*x.shape[:-1], self.out_features)


def to_int8(model: nn.Module, name: str) -> nn.Module:
    """The model with its linear layers in int8, in place; attention that reads weights past its layers stays as it is.

    Raises:
        UsageError: the model has no such layer.
    """
    read_past = {part.out_proj for part in model.modules() if isinstance(part, nn.MultiheadAttention)}
    linear = [
        (path, part) for path, part in model.named_modules() if isinstance(part, nn.Linear) and part not in read_past
    ]
    if not linear:
        raise UsageError(
            f"knob 'int8_dynamic=true' does not apply to '{name}': it has no linear layer", hint="leave it out"
        )
    for path, part in linear:
        parent, _, last = path.rpartition(".")
        setattr(model.get_submodule(parent), last, Int8Linear(part))
    step_by_step(model)  # the fused encoder would read float weights that are gone
    return model
