"""ImageNet efficiency: 21 networks in two frameworks for 10 epochs, on 8 × A100 or one Quadro RTX 5000, with curves.

Files: `imagenet_train_runs.csv` and `imagenet_train_history.csv` of raphischer/imagenet-energy-efficiency.

Units. Energies are joules of the accelerators (NVML power, polled), and of the processor where RAPL could be read. The
operation counts are multiply-adds (VGG16: 15.5 × 10⁹), so FLOP are twice that; 0 means not counted, and a count below
the number of weights cannot be one (depthwise convolutions were not seen by the counter): both are unknown here.
Time stamps mark the end of an epoch; the start is the last one minus the duration. The images are those of
ILSVRC 2012: 1,281,167 and 50,000.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

from ecotaskset.importers.ledger import Ledger, Source
from ecotaskset.importers.tables import J_PER_KWH, Row, number, read_rows, whole

RUNS = "imagenet_train_runs.csv"
HISTORY = "imagenet_train_history.csv"
FLOP_PER_MULTIPLY_ADD = 2
SOURCE = Source(
    name="imagenet_efficiency",
    title="Energy efficiency of ImageNet classifiers",
    version="raphischer/imagenet-energy-efficiency@65eb68c4",
    licence="MIT",
    citation="Fischer, Jakobs, Mücke, Morik: A Unified Framework for Assessing Energy Efficiency of Machine Learning. "
    "ECML PKDD 2022 Workshops",
    meter="accelerators (NVML power, polled); processor (RAPL) on one of two machines; memory not metered",
)
RUN_COLUMNS = {
    "file": "joins the two files",
    "backend": "model = <network>/<backend>: the same name differs between frameworks",
    "model": "model",
    "batch_size": "batch_size, as given (marked where several accelerators may each have taken that many)",
    "epochs": "epochs",
    "lr": "learning_rate",
    "opt": "knob optimizer",
    "n_gpus": "gpu_count",
    "gpu": "gpu_model",
    "cpu": "cpu_model",
    "params": "n_parameters",
    "flops": "flops_per_sample = × 2 where it can be a count",
    "duration_s": "duration_s",
    "gpu_energy_J": "gpu_energy_kwh = ÷ 3.6 × 10⁶",
    "rapl_energy_J": "cpu_energy_kwh = ÷ 3.6 × 10⁶",
    "final_val_acc": "left out: the last entry of the curve",
    "n_epochs_logged": "epochs_run",
    "hist_keys": "left out: list of columns",
}
HISTORY_COLUMNS = {
    "file": "joins the two files",
    "epoch": "place in the curves",
    "timestamp": "curve_duration_s, collected_at",
    "loss": "curve_train_loss",
    "accuracy": "left out: our curves hold the training loss",
    "top_5_accuracy": "left out: accuracy is the metric",
    "val_loss": "curve_validation_loss",
    "val_accuracy": "curve_validation_quality",
    "val_top_5_accuracy": "left out: accuracy is the metric",
    "lr": "left out: the schedule, where logged at all",
}


def read(folder: Path) -> Ledger:
    """The runs under `folder`; errors as `read_rows`."""
    ledger = Ledger(SOURCE)
    history: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for line, row in read_rows(ledger, folder / HISTORY, HISTORY_COLUMNS):
        history[row["file"]].append((line, row))
    for line, row in read_rows(ledger, folder / RUNS, RUN_COLUMNS):
        epochs = history.pop(row["file"], [])
        lines = {RUNS: [line], HISTORY: [number_ for number_, _ in epochs]}
        try:
            columns = _columns(row, sorted((r for _, r in epochs), key=lambda r: int(r["epoch"])))
        except ValueError as error:
            ledger.refuse(lines, f"not a number: {error}")
        else:
            ledger.add(lines, **columns)
    for epochs in history.values():
        ledger.refuse({HISTORY: [line for line, _ in epochs]}, "epochs of a run that is not in the table of runs")
    return ledger


def _columns(row: Row, epochs: list[Row]) -> dict[str, object]:
    ends = [float(epoch["timestamp"]) / 1000 for epoch in epochs]
    seconds = number(row["duration_s"])
    start = ends[-1] - seconds if ends and seconds is not None else None
    quality = [number(epoch["val_accuracy"]) for epoch in epochs]
    losses = [number(epoch["loss"]) for epoch in epochs]
    known = [value for value in quality if value is not None]
    gpu, cpu = number(row["gpu_energy_J"]), number(row["rapl_energy_J"])
    total = None if gpu is None else (gpu + (cpu or 0.0)) / J_PER_KWH
    count, weights, cards = number(row["flops"]) or 0.0, whole(row["params"]), whole(row["n_gpus"]) or 0
    flags = ["batch_size_as_given"] if cards > 1 else []
    return {
        "collected_at": datetime.fromtimestamp(ends[-1], timezone.utc) if ends else None,
        "status": "diverged" if losses and losses[-1] is None else "completed",
        "status_reason": "the loss is not a number" if losses and losses[-1] is None else None,
        "domain": "cv",
        "dataset": "imagenet",
        "n_train": 1_281_167,
        "n_validation": 50_000,
        "n_classes": 1000,
        "n_channels": 3,
        "model": f"{row['model']}/{row['backend']}",
        "n_parameters": weights,
        "flops_per_sample": count * FLOP_PER_MULTIPLY_ADD if weights and count >= weights else None,
        "epochs": whole(row["epochs"]),
        "epochs_run": whole(row["n_epochs_logged"]),
        "batch_size": whole(row["batch_size"]),
        "learning_rate": number(row["lr"]),
        "knobs": [{"phase": "training", "name": "optimizer", "value": row["opt"]}],
        "device": "cuda",
        "cpu_model": row["cpu"],
        "gpu_model": f"NVIDIA {row['gpu'].removeprefix('NVIDIA ')}",
        "gpu_count": cards,
        "quality_metric": "accuracy",
        "quality_validation": max(known) if known else None,
        "best_epoch": quality.index(max(known)) + 1 if known else None,
        "quality_last": quality[-1] if quality else None,
        "energy_kwh": total,
        "energy_measured_kwh": total,
        "gpu_energy_kwh": None if gpu is None else gpu / J_PER_KWH,
        "gpu_energy_source": "nvml_poll",
        "gpu_energy_quality": "measured" if gpu is not None else "missing",
        "gpu_energy_method": "NVML power polled, all accelerators summed",
        "cpu_energy_kwh": None if cpu is None else cpu / J_PER_KWH,
        "cpu_energy_source": None if cpu is None else "rapl_package",
        "cpu_energy_quality": "missing" if cpu is None else "measured",
        "cpu_energy_method": "RAPL could not be read on that machine" if cpu is None else "RAPL",
        "ram_energy_quality": "missing",
        "ram_energy_method": "not metered by the source",
        "duration_s": seconds,
        "curve_train_loss": losses,
        "curve_validation_loss": [number(epoch["val_loss"]) for epoch in epochs],
        "curve_validation_quality": quality,
        "curve_duration_s": [end - start for end in ends] if start is not None else [],
        "flags": [*flags, *(["gpu_only"] if cpu is None else [])],
    }
