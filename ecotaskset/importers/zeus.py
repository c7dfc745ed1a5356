"""Zeus traces: batch size × accelerator power limit on four accelerators, joined with epochs to reach each target.

Files: `zeus_summary_train.csv` (epoch at which each validation target was first reached, by batch size and seed) and
`zeus_summary_power_<gpu>.csv` (seconds and mean watts an epoch, by batch size and power limit) of ml-energy/zeus.

One run is one cell of a power trace. It is what the median seed would have done there, as in the source's own
simulator: a target counts as reached at the median over the seeds of its epoch (never, if half of them never did);
the run lasts until the last target reached; energy = epochs × seconds × watts. So quality at an epoch is the highest
target passed, a lower bound (mark `quality_from_targets`), and no seed spread of energy can be read from these rows.
Power is the accelerator's alone. Optimizer, learning rate and power limit are those of the cell.

The speech task (an error rate) is of no domain here; its rows are refused.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ecotaskset.importers.ledger import Ledger, Source
from ecotaskset.importers.tables import J_PER_KWH, Row, number, read_rows, whole

TRAIN = "zeus_summary_train.csv"
GPUS = {
    "a40": ("NVIDIA A40", 300), "p100": ("NVIDIA P100", 250),
    "rtx6000": ("NVIDIA Quadro RTX 6000", 260), "v100": ("NVIDIA V100", 250),
}  # fmt: skip
"""Trace → name and the accelerator's own power limit (W), the highest of its trace."""
SOURCE = Source(
    name="zeus",
    title="Zeus traces of training and power",
    version="ml-energy/zeus@75a8b939",
    licence="Apache-2.0",
    citation="You, Chung, Chowdhury: Zeus: Understanding and Optimizing GPU Energy Consumption of DNN Training. "
    "NSDI 2023, arXiv 2208.06102",
    meter="accelerator only (NVML power), one profile a cell; processor and memory not metered",
)
TRAIN_COLUMNS = {
    "dataset": "dataset, domain",
    "network": "model",
    "batch_size": "batch_size",
    "optimizer": "knob optimizer",
    "learning_rate": "learning_rate",
    "run": "the median over these seeds is taken",
    "target_metric": "curve_validation_quality = per cent as a share, where it is per cent",
    "target_epoch": "place in the curves",
}
POWER_COLUMNS = {
    "dataset": "dataset, domain",
    "network": "model",
    "batch_size": "batch_size",
    "optimizer": "knob optimizer",
    "power_limit": "knob gpu_power_limit (W)",
    "time_per_epoch": "curve_duration_s, duration_s = × epochs (s)",
    "average_power": "energy_kwh = × seconds ÷ 3.6 × 10⁶ (W)",
}


@dataclass(frozen=True)
class _Task:
    domain: str
    metric: str
    scale: float = 1.0
    pretrained: bool = False


TASKS = {
    "cifar100": _Task("cv", "accuracy"),
    "imagenet": _Task("cv", "accuracy"),
    "movielens-1m": _Task("recsys", "ndcg@10"),
    "sentiment140": _Task("nlp", "accuracy", pretrained=True),
    "squad": _Task("nlp", "f1", scale=0.01, pretrained=True),
}
Key = tuple[str, str, str, str]


def read(folder: Path) -> Ledger:
    """The runs under `folder`; errors as `read_rows`."""
    ledger = Ledger(SOURCE)
    trainings: dict[Key, list[tuple[int, Row]]] = defaultdict(list)
    for line, row in read_rows(ledger, folder / TRAIN, TRAIN_COLUMNS):
        trainings[_key(row)].append((line, row))
    used: set[Key] = set()
    for gpu in GPUS:
        file = f"zeus_summary_power_{gpu}.csv"
        for line, row in read_rows(ledger, folder / file, POWER_COLUMNS):
            if (reason := _refusal(row)) is None and _key(row) not in trainings:
                reason = "no training with this network, batch size and optimizer in the training trace"
            if reason is not None:
                ledger.refuse({file: [line]}, reason)
            elif _add(ledger, {file: [line]}, row, [r for _, r in trainings[_key(row)]], GPUS[gpu]):
                used.add(_key(row))
    for key, rows in trainings.items():
        lines = {TRAIN: [line for line, _ in rows]}
        if key in used:
            ledger.use(lines)
        else:
            ledger.refuse(lines, _refusal(rows[0][1]) or "no power was measured at this batch size and optimizer")
    return ledger


def _key(row: Row) -> Key:
    return row["dataset"], row["network"], row["batch_size"], row["optimizer"]


def _refusal(row: Row) -> str | None:
    if row["dataset"] == "librispeech":
        return "speech recognition is none of the domains, and its metric is an error rate"
    return None if row["dataset"] in TASKS else f"unknown data set '{row['dataset']}'"


def _add(ledger: Ledger, lines: dict[str, list[int]], row: Row, training: list[Row], gpu: tuple[str, int]) -> bool:
    try:
        curve = quality_curve(training)
        columns = _columns(row, training[0], curve, gpu)
    except (ValueError, TypeError) as error:
        ledger.refuse(lines, f"not a number: {error}")
        return False
    if not curve:
        ledger.refuse(lines, "half of the seeds or more reached no target")
        return False
    return ledger.add(lines, **columns) is not None


def quality_curve(training: list[Row]) -> list[float | None]:
    """Highest target passed after each epoch by the median seed; None before the first, empty if there is none."""
    epochs_by_target: dict[float, list[float]] = defaultdict(list)
    for row in training:
        reached = number(row["target_epoch"])
        epochs_by_target[float(row["target_metric"])].append(math.inf if reached is None else reached)
    medians = {target: statistics.median(epochs) for target, epochs in epochs_by_target.items()}
    passed = {target: math.ceil(epoch) for target, epoch in medians.items() if math.isfinite(epoch)}
    scale = TASKS[training[0]["dataset"]].scale
    return [
        max((target * scale for target, first in passed.items() if first <= epoch), default=None)
        for epoch in range(1, max(passed.values(), default=0) + 1)
    ]


def _columns(row: Row, training: Row, curve: list[float | None], gpu: tuple[str, int]) -> dict[str, object]:
    task = TASKS[row["dataset"]]
    seconds, watts = float(row["time_per_epoch"]), float(row["average_power"])
    durations = [seconds * epoch for epoch in range(1, len(curve) + 1)]
    energies = [watts * duration / J_PER_KWH for duration in durations]
    best = max((value for value in curve if value is not None), default=None)
    return {
        "domain": task.domain,
        "dataset": row["dataset"],
        "model": row["network"],
        "pretrained": task.pretrained,
        "epochs": len(curve),
        "epochs_run": len(curve),
        "batch_size": whole(row["batch_size"]),
        "learning_rate": number(training["learning_rate"]),
        "knobs": [
            {"phase": "system", "name": "gpu_power_limit", "value": str(whole(row["power_limit"]))},
            {"phase": "training", "name": "optimizer", "value": row["optimizer"]},
        ],
        "device": "cuda",
        "gpu_model": gpu[0],
        "gpu_count": 1,
        "gpu_tdp_w": gpu[1],
        "quality_metric": task.metric,
        "quality_validation": best,
        "best_epoch": len(curve) or None,
        "quality_last": best,
        "energy_kwh": energies[-1] if energies else None,
        "energy_measured_kwh": energies[-1] if energies else None,
        "gpu_energy_kwh": energies[-1] if energies else None,
        "gpu_energy_source": "nvml_poll",
        "gpu_energy_quality": "measured",
        "gpu_energy_method": "mean watts and seconds of profiled epochs × epochs of the median seed",
        "cpu_energy_quality": "missing",
        "cpu_energy_method": "not metered by the source",
        "ram_energy_quality": "missing",
        "ram_energy_method": "not metered by the source",
        "duration_s": durations[-1] if durations else None,
        "curve_validation_quality": curve,
        "curve_energy_kwh": energies,
        "curve_duration_s": durations,
        "flags": ["gpu_only", "quality_from_targets"],
    }
