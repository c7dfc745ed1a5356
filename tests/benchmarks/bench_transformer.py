"""The paper's kind of predictor beside GREEN's: a transformer over the epochs of a training, on tasks never seen.

    python tests/benchmarks/bench_transformer.py [--domain cv] [--json]

GREEN (arXiv 2505.01468) predicts with a transformer over epochs and chooses by a weighted sum of quality and energy.
Here one is trained, on the same features and targets as our families, for each held-out data set, and its pick is
judged by the same rules as in `green-predictor evaluate`: once by the weighted sum, once by its headline rule.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from green_predictor import features, targets
from green_predictor.evaluate import summarise
from green_predictor.judge import Guess, Task, judge, measured_task
from green_predictor.preferences import Preference, choose
from green_predictor.protocols import leave_one_dataset_out
from green_predictor.source import records

WIDTH, HEADS, LAYERS, STEPS, BATCH, RATE = 64, 4, 2, 400, 64, 2e-3
SHOWN = ("energy_saved_mean", "quality_kept_mean", "quality_kept_worst", "on_front", "oracle_energy_saved_mean")


class EpochTransformer(nn.Module):
    """Features of a run at some of its epochs, in order → quality, energy and time at each, looking back only."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.enter = nn.Linear(n_features, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.1, batch_first=True)
        self.body = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.leave = nn.Linear(WIDTH, 3)

    def forward(self, x: torch.Tensor, absent: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.leave(self.body(self.enter(x), mask=mask, src_key_padding_mask=absent, is_causal=True))


def sequences(data: targets.Training, spec: features.FeatureSpec) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(runs, epochs, features), (runs, epochs, 3) and which places are absent; the last epoch stands last."""
    x = features.feature_matrix(data.rows, spec)
    runs = [np.flatnonzero(data.run == run) for run in np.unique(data.run)]
    longest = max(map(len, runs))
    xs, ys = np.zeros((len(runs), longest, x.shape[1]), np.float32), np.zeros((len(runs), longest, 3), np.float32)
    absent = np.ones((len(runs), longest), bool)
    for i, rows in enumerate(runs):
        xs[i, : len(rows)], ys[i, : len(rows)], absent[i, : len(rows)] = x[rows], data.y[rows], False
    return torch.tensor(xs), torch.tensor(ys), torch.tensor(absent)


def predict(inside: Sequence[dict[str, Any]], task: Task) -> Guess:
    """Train on the runs of all other tasks, predict the recipes of this one."""
    torch.manual_seed(0)
    data = targets.prepare(inside)
    spec = features.fit_spec(data.rows, data.weight)
    x, y, absent = sequences(data, spec)
    middle, spread = y[~absent].mean(0), y[~absent].std(0) + 1e-6
    model = EpochTransformer(x.shape[2])
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for _ in range(STEPS):
        drawn = torch.randint(len(x), (BATCH,))
        left = (model(x[drawn], absent[drawn]) - (y[drawn] - middle) / spread)[~absent[drawn]]
        optimizer.zero_grad()
        left.square().mean().backward()
        optimizer.step()
        schedule.step()
    model.eval()
    mine = targets.prepare([task.records[i] for i in task.first], reference=data.reference)
    x, _, absent = sequences(mine, spec)
    with torch.no_grad():
        made = model(x, absent) * spread + middle
    end = (~absent).sum(1) - 1
    last = mine.subset(mine.last).rows
    quality, energy, _ = targets.restore(made[torch.arange(len(x)), end].numpy(), last, data.reference)
    return Guess(quality, energy)


def by_weighted_sum(made: Guess) -> Guess:
    """The same prediction, with the weighted sum's choice put first under any rule."""
    chosen = choose(Preference(0.5, rule="weighted_sum", traded=0.0), made.quality, made.energy).best
    quality = made.quality.copy()
    quality[chosen] = quality.max() + 1
    return Guess(quality, made.energy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", choices=("cv", "nlp", "recsys"))
    parser.add_argument("--data", help="a store, a parquet file or a Hub data set")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows: dict[str, list] = {"transformer, headline rule": [], "transformer, weighted sum": []}
    for domain in [asked.domain] if asked.domain else ["cv", "nlp", "recsys"]:
        mine = [r for r in records(asked.data) if r["domain"] == domain and targets.usable(r)]
        for fold, inside, outside in leave_one_dataset_out(mine):
            task = measured_task(fold, outside)
            if task is None:
                continue
            print(f"{domain} · {fold}", file=sys.stderr)
            made = predict(inside, task)
            for name, guess in zip(rows, (made, by_weighted_sum(made)), strict=True):
                rows[name].append((domain, fold, judge(task, guess)))
    found = {name: summarise(judged) for name, judged in rows.items()}
    if asked.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name + "  " + " · ".join(f"{key} {figures[key]:.3f}" for key in SHOWN))


if __name__ == "__main__":
    main()
