"""What a model is, counted on the real model: weights, forward FLOPs, layers by kind; and how fast the device is."""

from __future__ import annotations

import functools
import time
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

_MATMUL_SIDE = 768
_KINDS = {
    "n_conv_layers": ("Conv1d", "Conv2d", "Conv3d"),
    "n_linear_layers": ("Linear", "Conv1D", "NonDynamicallyQuantizableLinear"),
    "n_embedding_layers": ("Embedding", "EmbeddingBag"),
    "n_recurrent_layers": ("GRU", "LSTM", "RNN"),
}


def describe_model(model: nn.Module, batch: dict[str, Any]) -> dict[str, int | float]:
    """Run columns that describe a model.

    Args:
        model: any module with `model(**batch)`.
        batch: a small batch of inputs, tensors of shape (n, …), on the model's device.

    Returns:
        `n_parameters`, `n_trainable_parameters`, `flops_per_sample` (one forward pass of one example, a
        multiply-add is two operations), and `n_*_layers` by kind.
    """
    parameters = list(model.parameters())
    return {
        "n_parameters": sum(p.numel() for p in parameters),
        "n_trainable_parameters": sum(p.numel() for p in parameters if p.requires_grad),
        "flops_per_sample": count_flops(model, batch),
        **count_layers(model),
    }


def count_flops(model: nn.Module, batch: dict[str, Any]) -> float:
    """Forward FLOPs of one example, averaged over the batch, in the mode (training or not) the model is in.

    Fused kernels hide their products from the counter, so attention, recurrent layers and encoder layers are
    made to run unfused while counting. In training mode running statistics are touched: pass a throw-away model.
    """
    n = next(len(value) for value in batch.values() if torch.is_tensor(value))
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            warnings.catch_warnings(action="ignore", category=UserWarning),
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            torch.backends.cudnn.flags(enabled=False),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            model(**batch)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    return counter.get_total_flops() / n


def count_layers(model: nn.Module) -> dict[str, int]:
    """Layers by kind; an attention block counts once, however many projections it has."""
    counts = dict.fromkeys([*_KINDS, "n_attention_layers", "n_norm_layers"], 0)
    for module in model.modules():
        name = type(module).__name__
        for column, names in _KINDS.items():
            counts[column] += name in names
        counts["n_norm_layers"] += "Norm" in name and any(True for _ in module.parameters(recurse=False))
        counts["n_attention_layers"] += "Attention" in name and not any(
            "Attention" in type(inner).__name__ for inner in module.modules() if inner is not module
        )
    return counts


def matmul_gflops(device: str) -> float:
    """Rate of a fixed float32 matrix product on the device with the current thread count, GFLOP/s (best of six)."""
    return _matmul_gflops(device, torch.get_num_threads())


@functools.cache
def _matmul_gflops(device: str, threads: int) -> float:
    generator = torch.Generator(device).manual_seed(0)  # its own: the caller's random numbers must stay as they are
    a = torch.rand(_MATMUL_SIDE, _MATMUL_SIDE, device=device, generator=generator)
    best = float("inf")
    for _ in range(6):
        _synchronize(device)
        start = time.perf_counter()
        a @ a
        _synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * _MATMUL_SIDE**3 / best / 1e9


def _synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
