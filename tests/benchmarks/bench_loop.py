"""Throughput of our training loop against the plainest PyTorch loop over the same model and the same batches, paired.

    python tests/benchmarks/bench_loop.py          # prints the ratio; exit 1 below 0.97

Each pair trains the same model from the same weights over the same batches, once with each loop, in alternating order;
CPU time is compared, because other processes do not count in it. They still disturb caches and cores, which only ever
adds time: the figure is the fastest of each loop against the fastest of the other; the pairs' ratios are shown beside.
"""

from __future__ import annotations

import copy
import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch.utils.data import DataLoader

from collectors.accelerator import make_accelerator
from collectors.metering import EnergyMeter
from collectors.tasks import load_task
from collectors.tasks.task import Task
from collectors.train import Progress, prepare, run_epochs
from ecotaskset.recipe import Recipe

PAIRS = 15
EPOCHS = 3
LEAST = 0.97
RECIPE = {"domain": "cv", "dataset": "digits", "model": "resnet-tiny", "epochs": EPOCHS, "batch_size": 32}


def plain_loop(model: torch.nn.Module, task: Task, recipe: Recipe) -> Callable[[], None]:
    """What a person writes first: loader, forward, backward, step; validation after each epoch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
    order = torch.Generator().manual_seed(recipe.seed)
    loader = DataLoader(
        task.train, batch_size=recipe.batch_size, shuffle=True, generator=order, collate_fn=task.collate
    )
    validation = DataLoader(task.validation, batch_size=256, collate_fn=task.collate)

    def run() -> None:
        for _ in range(recipe.epochs):
            model.train()
            total = 0.0
            for batch in loader:
                loss = model(**batch).loss
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                total += loss.item()
            model.eval()
            with torch.no_grad():
                scores = [task.score(model(**batch).logits, batch) for batch in validation]
            torch.cat(scores).mean().item()

    return run


def our_loop(model: torch.nn.Module, task: Task, recipe: Recipe) -> Callable[[], None]:
    """The loop of `collectors.train`, metered, over prepared parts."""
    accelerator = make_accelerator(recipe)
    parts = prepare(accelerator, task, model, recipe)
    meter = EnergyMeter().start()
    return lambda: run_epochs(accelerator, parts, task, recipe, meter, Progress(), lambda event: None)


def cpu_seconds(loop: Callable[..., Callable[[], None]], model: torch.nn.Module, task: Task, recipe: Recipe) -> float:
    """Processor time of one training of a fresh copy of the model, set-up left out on both sides."""
    run = loop(copy.deepcopy(model), task, recipe)
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> int:
    torch.set_num_threads(1)
    recipe = Recipe.create(**RECIPE)
    task = load_task(recipe)
    torch.manual_seed(0)
    model = task.build_model(recipe.model, recipe)
    pairs = []
    for pair in range(PAIRS + 1):
        loops = (plain_loop, our_loop) if pair % 2 else (our_loop, plain_loop)
        seconds = {loop: cpu_seconds(loop, model, task, recipe) for loop in loops}
        if pair:  # the first pair warms up
            pairs.append((seconds[plain_loop], seconds[our_loop]))
    figure = min(plain for plain, _ in pairs) / min(ours for _, ours in pairs)
    ratios = sorted(round(plain / ours, 4) for plain, ours in pairs)
    median = statistics.median(ratios)
    print(
        json.dumps({"throughput_ratio": round(figure, 4), "least": LEAST, "median_of_pairs": median, "pairs": ratios})
    )
    return 0 if figure >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
