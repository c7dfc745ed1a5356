"""Few trained weights (knobs lora and freeze_backbone); the head is always trained."""

from __future__ import annotations

from torch import nn

from collectors.knobs.blocks import head_parameters, step_by_step
from ecotaskset.errors import UsageError

ALPHA_PER_RANK = 2
"""Adapters are scaled by alpha / rank; alpha = 2 · rank keeps that factor the same at every rank."""


def add_adapters(model: nn.Module, head: str, rank: int, name: str) -> None:
    """Freeze the model, put low-rank adapters beside its linear layers, and leave the head trainable, in place.

    Hu et al., "LoRA" (arXiv 2106.09685), by `peft`. At the start adapters change nothing: one of the two factors is 0.

    Raises:
        UsageError: no linear layer beside the head, or a rank that would not be low.
    """
    from peft import LoraConfig, inject_adapter_in_model

    kept = head_parameters(model, head)
    targets = _linear_layers(model, set(kept))
    if not targets:
        raise UsageError(
            f"knob 'lora={rank}' does not apply to '{name}': it has no linear layer beside its output layer",
            hint="choose a transformer",
        )
    full = max(min(layer.weight.shape) for layer in targets.values())
    if rank >= full:
        raise UsageError(
            f"knob 'lora={rank}' is not low-rank for '{name}': its widest linear layer has rank {full}",
            hint=f"choose less than {full}",
        )
    settings = LoraConfig(r=rank, lora_alpha=ALPHA_PER_RANK * rank, target_modules=sorted(targets))
    settings.fan_in_fan_out = any(type(layer).__name__ == "Conv1D" for layer in targets.values())
    inject_adapter_in_model(settings, model)
    for weight in kept:
        weight.requires_grad_(True)
    step_by_step(model)  # the fused encoder reads the weights of linear layers and would pass over adapters


def freeze_all_but(model: nn.Module, head: str, name: str) -> None:
    """Train the head only; running averages of normalisation layers still follow the data.

    Raises:
        UsageError: the model has nothing but a head.
    """
    kept = set(head_parameters(model, head))
    frozen = [weight for weight in model.parameters() if weight not in kept]
    if not frozen:
        raise UsageError(f"knob 'freeze_backbone=true' does not apply to '{name}': it is all head", hint="leave it out")
    for weight in frozen:
        weight.requires_grad_(False)


def merge_adapters(model: nn.Module) -> nn.Module:
    """The model with each adapter added into the layer it stands beside, in place: what would be deployed."""
    adapted = [(path, part) for path, part in model.named_modules() if hasattr(part, "base_layer")]
    for path, part in adapted:
        part.merge()
        parent, _, last = path.rpartition(".")
        setattr(model.get_submodule(parent), last, part.get_base_layer())
    return model


def _linear_layers(model: nn.Module, head: set[nn.Parameter]) -> dict[str, nn.Module]:
    """Linear layers by name, without the head and without those whose weights attention reads past them."""
    read_past = {part.out_proj for part in model.modules() if isinstance(part, nn.MultiheadAttention)}
    return {
        path: part
        for path, part in model.named_modules()
        if (isinstance(part, nn.Linear) or type(part).__name__ == "Conv1D")
        and part not in read_past
        and part.weight not in head
    }
