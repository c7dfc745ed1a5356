"""What the trained model costs to use: energy of 1,000 predictions, latency, and quality on the test examples."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from collectors.knobs import inference as inference_knobs
from collectors.metering import EnergyMeter
from collectors.tasks.task import Task
from ecotaskset.recipe import Recipe

DEFAULT_BATCH_SIZE = 64
MAX_EXAMPLES = 2_000
"""Energy and latency are taken over at most this many test examples; quality over all of them."""


def measure_inference(
    model: nn.Module, task: Task, recipe: Recipe, meter: EnergyMeter, device: torch.device
) -> dict[str, Any]:
    """Predict the test split once; returns the run's inference columns and `quality_test`.

    `quality_test` is of the model as trained; `inference_quality` of the model after the inference knobs.
    """
    size = int(recipe.knob("inference_batch_size") or DEFAULT_BATCH_SIZE)
    loader = DataLoader(task.test, batch_size=size, collate_fn=task.collate)
    batches = [{k: v.to(device) for k, v in batch.items()} for batch in loader]
    model.eval()
    as_trained = inference_knobs.plain(model)
    deployed = inference_knobs.deploy(model, recipe, batches[0])
    metered = batches[: max(1, MAX_EXAMPLES // size)]
    with torch.inference_mode():
        deployed(batches[0])  # warm-up: first calls allocate and compile
        before = meter.snapshot()
        with meter.window("inference"):
            timings = [_timed(deployed, batch, device) for batch in metered]
        spent = meter.snapshot().energy_kwh
        quality = _quality(deployed, batches, task)
        test = quality if not inference_knobs.active(recipe) else _quality(as_trained, batches, task)
    n = sum(len(next(iter(batch.values()))) for batch in metered)
    known = spent is not None and before.energy_kwh is not None
    return {
        "quality_test": test,
        "inference_quality": quality,
        "inference_batch_size": size,
        "inference_kwh_per_1000": (spent - before.energy_kwh) / n * 1000 if known else None,
        "inference_latency_p50_ms": float(np.percentile(timings, 50)) * 1000,
        "inference_latency_p95_ms": float(np.percentile(timings, 95)) * 1000,
    }


def _timed(predict: inference_knobs.Predict, batch: dict[str, torch.Tensor], device: torch.device) -> float:
    start = time.perf_counter()
    predict(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _quality(predict: inference_knobs.Predict, batches: list[dict[str, torch.Tensor]], task: Task) -> float:
    return torch.cat([task.score(predict(batch), batch).float() for batch in batches]).mean().item()
