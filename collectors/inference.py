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
LEAST_S, MOST_S, MOST_PASSES = 0.3, 2.0, 200
"""The test split is predicted again and again until `LEAST_S` are reached, for counters step every 0.1 s; after
`MOST_S` or `MOST_PASSES` it is enough. Quality is always taken over the whole split."""


def measure_inference(
    model: nn.Module, task: Task, recipe: Recipe, meter: EnergyMeter, device: torch.device
) -> dict[str, Any]:
    """Predict the test split; returns the run's inference columns and `quality_test`.

    `quality_test` is of the model as trained; `inference_quality` of the model after the inference knobs.
    """
    size = int(recipe.knob("inference_batch_size") or DEFAULT_BATCH_SIZE)
    loader = DataLoader(task.test, batch_size=size, collate_fn=task.collate)
    batches = [{k: v.to(device) for k, v in batch.items()} for batch in loader]
    model.eval()
    deployed = inference_knobs.deploy(model, recipe, batches[0])  # outside of the window: made once, used for long
    with torch.inference_mode():
        for batch in one_of_each_shape(batches):
            deployed(batch)  # first calls allocate and compile
        before = meter.snapshot().energy_kwh
        with meter.window("inference"):
            timings, n = predict_repeatedly(deployed, batches, device)
        after = meter.snapshot().energy_kwh
        quality = _quality(deployed, batches, task)
        changed = inference_knobs.active(recipe)
        test = _quality(inference_knobs.plain(model), batches, task) if changed else quality
    return {
        "quality_test": test,
        "inference_quality": quality,
        "inference_batch_size": size,
        "inference_kwh_per_1000": (after - before) / n * 1000 if None not in (after, before) else None,
        "inference_latency_p50_ms": float(np.percentile(timings, 50)) * 1000,
        "inference_latency_p95_ms": float(np.percentile(timings, 95)) * 1000,
    }


def predict_repeatedly(
    predict: inference_knobs.Predict, batches: list[dict[str, torch.Tensor]], device: torch.device
) -> tuple[list[float], int]:
    """Predict all batches, over again where that was too short to be metered; (seconds of each batch, examples)."""
    timings: list[float] = []
    examples = 0
    start = time.perf_counter()
    for _ in range(MOST_PASSES):
        for batch in batches:
            timings.append(_timed(predict, batch, device))
            examples += len(next(iter(batch.values())))
            if time.perf_counter() - start >= MOST_S:
                return timings, examples
        if time.perf_counter() - start >= LEAST_S:
            break
    return timings, examples


def one_of_each_shape(batches: list[dict[str, torch.Tensor]]) -> list[dict[str, torch.Tensor]]:
    """The first batch of every shape; compilers and runtimes prepare themselves for each."""
    return list({tuple(value.shape for value in batch.values()): batch for batch in reversed(batches)}.values())[::-1]


def _timed(predict: inference_knobs.Predict, batch: dict[str, torch.Tensor], device: torch.device) -> float:
    start = time.perf_counter()
    predict(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _quality(predict: inference_knobs.Predict, batches: list[dict[str, torch.Tensor]], task: Task) -> float:
    return torch.cat([task.score(predict(batch), batch).float() for batch in batches]).mean().item()
