"""Knobs of phase inference: turn the trained model into what would be deployed."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from collectors.knobs.blocks import FORWARD_ERRORS
from collectors.knobs.inference.int8 import to_int8
from collectors.knobs.model.adapters import merge_adapters
from collectors.knobs.training.checkpointing import keep_activations
from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe

__all__ = ["Predict", "active", "deploy", "plain", "rehearse"]

Batch = dict[str, torch.Tensor]
Predict = Callable[[Batch], torch.Tensor]
"""From a batch to logits, float32 (n, classes)."""


def active(recipe: Recipe) -> bool:
    """Does any knob of the recipe change the model's predictions at inference?"""
    return any(KNOBS[name].phase == "inference" and name != "inference_batch_size" for name in recipe.knobs)


def plain(model: nn.Module) -> Predict:
    """The model as it was trained. Labels are left out: nobody has them at inference, and the loss costs energy."""
    return lambda batch: model(**without_labels(batch)).logits


def deploy(model: nn.Module, recipe: Recipe, example: Batch) -> Predict:
    """The model after the recipe's inference knobs; the trained model itself stays as it is.

    Args:
        model: the trained model.
        recipe: what was trained.
        example: a batch of the size that will be predicted.

    Raises:
        UsageError: the architecture cannot be deployed so.
    """
    deployed = merge_adapters(copy.deepcopy(model)).eval()
    keep_activations(deployed)
    if recipe.knob("int8_dynamic"):
        return plain(to_int8(deployed, recipe.model))
    if recipe.knob("onnx_runtime"):
        from collectors.knobs.inference.onnx_runtime import to_onnx_runtime

        return to_onnx_runtime(deployed, without_labels(example), recipe.model)
    if recipe.knob("inference_half"):
        deployed = deployed.to(torch.bfloat16)
    if recipe.knob("inference_compile"):
        deployed = torch.compile(deployed)
    return in_half(deployed) if recipe.knob("inference_half") else plain(deployed)


def in_half(model: nn.Module) -> Predict:
    """Predictions of a bf16 model: floating-point inputs become bf16, logits float32 again."""

    def predict(batch: Batch) -> torch.Tensor:
        inputs = {k: v.bfloat16() if v.is_floating_point() else v for k, v in without_labels(batch).items()}
        return model(**inputs).logits.float()

    return predict


def rehearse(model: nn.Module, recipe: Recipe, example: Batch) -> None:
    """Deploy the untrained model and predict once, so that a knob that does not fit is refused before training.

    Compiling is left out: it is slow, and the compiler falls back where it does not understand a model.

    Raises:
        UsageError: the architecture cannot be deployed as the recipe asks.
    """
    if not active(recipe):
        return
    eager = recipe.model_copy(update={"knobs": {k: v for k, v in recipe.knobs.items() if k != "inference_compile"}})
    try:
        with torch.inference_mode():
            deploy(model, eager, example)(example)
    except FORWARD_ERRORS as error:
        if isinstance(error, UsageError):
            raise
        names = ", ".join(name for name in recipe.knobs if KNOBS[name].phase == "inference")
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"knobs {names} do not work with '{recipe.model}': {reason}", hint="leave them out") from error


def without_labels(batch: Batch) -> Batch:
    """The inputs of a batch."""
    return {name: value for name, value in batch.items() if name != "labels"}
