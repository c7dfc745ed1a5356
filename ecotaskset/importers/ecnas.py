"""EC-NAS: 2,532 cells of NAS-Bench-101 on CIFAR-10, each trained for 4 epochs, 91 of them three times more.

File: `ecnas_raw_4epoch_measurements.csv` of PedramBakh/EC-NAS-Bench, three evaluations a run (epochs 0, 1 or 2, and 4).

Units. The published energy is (accelerator + processor watts) × total seconds × 1.59: Carbontracker multiplies by the
world's mean power usage effectiveness. Our columns are without it, so every energy is divided by 1.59, which then
stands in `pue`. A run whose published energy differs from its watts × seconds × 1.59 by over 1 % keeps the division and
is marked `pue_uncertain`. The energies at the three evaluations are cumulative (they rise in every run and end below
the total, which also holds what follows the last one).

The task is NAS-Bench-101's: 40,000 / 10,000 / 10,000 images; 625 steps in 4 epochs give the batch size of 256.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ecotaskset.importers.ledger import Ledger, Source
from ecotaskset.importers.tables import J_PER_KWH, Row, number, read_rows, whole

FILE = "ecnas_raw_4epoch_measurements.csv"
PUE = 1.59
PUE_TOLERANCE = 0.01
EPOCHS = 4
SOURCE = Source(
    name="ecnas",
    title="EC-NAS-Bench, raw measurements of 4-epoch trainings",
    version="PedramBakh/EC-NAS-Bench@1a82fdde",
    licence="MIT",
    citation="Bakhtiarifard, Igel, Selvan: EC-NAS: Energy Consumption Aware Tabular Benchmarks for Neural Architecture "
    "Search. ICASSP 2024, arXiv 2210.06015",
    meter="accelerator (NVML power, polled) and processor (RAPL) by Carbontracker; memory not metered; published with "
    "a power usage effectiveness of 1.59, divided out here",
)
COLUMNS = {
    "space": "left out: which search space the cell was drawn from; the same cell trains alike in both",
    "arch_hash": "model = nasbench101/<hash>",
    "repeat": "tells the runs apart; not a random seed",
    "trainable_params": "n_parameters, n_trainable_parameters",
    "run_total_time_s": "duration_s",
    "run_total_energy_kWh": "energy_kwh = ÷ 1.59",
    "run_co2_g": "emissions_kg = ÷ 1,000 ÷ 1.59; over the published energy: carbon_intensity_g_per_kwh",
    "gpu": "gpu_model",
    "gpu_avg_W": "gpu_energy_kwh: its share of energy_kwh",
    "cpu_avg_W": "cpu_energy_kwh: its share of energy_kwh",
    "epoch": "place in the curves",
    "training_time_s": "left out: steps only, where our curve of seconds holds evaluations too",
    "training_steps": "left out: follows from epoch and batch size",
    "train_acc": "left out: our curves hold the training loss",
    "val_acc": "curve_validation_quality",
    "test_acc": "quality_test (at epoch 4)",
    "epoch_block_energy_kWh": "curve_energy_kwh = ÷ 1.59",
    "predicted_energy_kWh": "left out: a prediction",
}


def read(folder: Path) -> Ledger:
    """The runs under `folder`; errors as `read_rows`."""
    ledger = Ledger(SOURCE)
    groups: dict[tuple[str, ...], list[tuple[int, Row]]] = defaultdict(list)
    for line, row in read_rows(ledger, folder / FILE, COLUMNS):
        groups[row["space"], row["arch_hash"], row["repeat"]].append((line, row))
    for evaluations in groups.values():
        lines = {FILE: [line for line, _ in evaluations]}
        try:
            columns = _columns([row for _, row in evaluations])
        except (ValueError, TypeError) as error:
            ledger.refuse(lines, f"not a number: {error}")
        except KeyError as error:
            ledger.refuse(lines, f"no evaluation at epoch {error}")
        else:
            ledger.add(lines, **columns)
    return ledger


def _columns(rows: list[Row]) -> dict[str, object]:
    at = {int(float(row["epoch"])): row for row in rows}
    last = at[EPOCHS]
    quality = [number(at[e]["val_acc"]) if e in at else None for e in range(1, EPOCHS + 1)]
    energy = [float(at[e]["epoch_block_energy_kWh"]) / PUE if e in at else None for e in range(1, EPOCHS + 1)]
    known = [value for value in quality if value is not None]
    published, seconds = float(last["run_total_energy_kWh"]), float(last["run_total_time_s"])
    gpu_watts, cpu_watts, grams = float(last["gpu_avg_W"]), float(last["cpu_avg_W"]), number(last["run_co2_g"])
    expected = (gpu_watts + cpu_watts) * seconds / J_PER_KWH * PUE
    kwh, gpu_share = published / PUE, gpu_watts / (gpu_watts + cpu_watts)
    method = "Carbontracker mean watts × seconds; published × 1.59 (power usage effectiveness), divided out"
    return {
        "domain": "cv",
        "dataset": "cifar10",
        "n_train": 40_000,
        "n_validation": 10_000,
        "n_test": 10_000,
        "n_classes": 10,
        "image_size": 32,
        "n_channels": 3,
        "model": f"nasbench101/{last['arch_hash']}",
        "model_family": "nasbench101",
        "n_parameters": whole(last["trainable_params"]),
        "n_trainable_parameters": whole(last["trainable_params"]),
        "epochs": EPOCHS,
        "epochs_run": EPOCHS,
        "batch_size": 256,
        "device": "cuda",
        # one board under the names of two drivers
        "gpu_model": f"NVIDIA {last['gpu'].removeprefix('NVIDIA ')}",
        "gpu_count": 1,
        "quality_metric": "accuracy",
        "quality_validation": max(known),
        "best_epoch": quality.index(max(known)) + 1,
        "quality_last": quality[-1],
        "quality_test": number(last["test_acc"]),
        "energy_kwh": kwh,
        "energy_measured_kwh": kwh,
        "gpu_energy_kwh": kwh * gpu_share,
        "gpu_energy_source": "nvml_poll",
        "gpu_energy_quality": "measured",
        "gpu_energy_method": method,
        "cpu_energy_kwh": kwh * (1 - gpu_share),
        "cpu_energy_source": "rapl_package",
        "cpu_energy_quality": "measured",
        "cpu_energy_method": method,
        "ram_energy_quality": "missing",
        "ram_energy_method": "not metered by the source",
        "duration_s": seconds,
        "pue": PUE,
        "carbon_intensity_g_per_kwh": None if grams is None else grams / published,
        "emissions_kg": None if grams is None else grams / 1000 / PUE,
        "curve_validation_quality": quality,
        "curve_energy_kwh": energy,
        "flags": [] if abs(published / expected - 1) <= PUE_TOLERANCE else ["pue_uncertain"],
    }
