"""SEAA 2023: five image classifiers trained 30 times and more on three machines, accelerator energy only.

File: `dl_training_energy_369_runs.csv` of GAISSA-UPC/seaa2023_ect. Its energy column is the integral of the board power
that `nvidia-smi` reported (mean power times duration gives it back within 0.1 %), so nothing but the accelerator is in
it. Training size, Spanish grid intensity and the meaning of the columns are from the data cards beside the file.
"""

from __future__ import annotations

from pathlib import Path

from ecotaskset.importers.ledger import Ledger, Source
from ecotaskset.importers.tables import Row, number, read_rows, whole

FILE = "dl_training_energy_369_runs.csv"
SOURCE = Source(
    name="seaa2023",
    title="Training energy of image classifiers in three environments",
    version="GAISSA-UPC/seaa2023_ect@6fa5af6f",
    licence="CC-BY-4.0",
    citation="del Rey, Martínez-Fernández, Cruz, Franch: Do DL models and training environments have an impact on "
    "energy consumption? SEAA 2023, arXiv 2307.05520",
    meter="accelerator only, board power polled with nvidia-smi; processor and memory not metered",
)
GRID_G_PER_KWH = 232.0
COLUMNS = {
    "training environment": "left out: the machine is told by `gpu model`",
    "architecture": "model",
    "run": "left out: number of the repetition, not a random seed",
    "training duration (h)": "duration_s = × 3,600",
    "gpu model": "gpu_model",
    "gpu working time (h)": "left out: no column",
    "gpu usage (%)": "left out: no column",
    "gpu memory working time (h)": "left out: no column",
    "gpu memory usage": "left out: no column",
    "average memory used (MB)": "left out: no column",
    "memory used std (MB)": "left out: no column",
    "total power (W)": "left out: a sum of samples, not a quantity",
    "average power draw (W)": "left out: energy over duration",
    "power draw std (W)": "left out: no column",
    "max power limit (W)": "gpu_tdp_w",
    "average temperature (Celsius)": "left out: no column",
    "temperature std (Celsius)": "left out: no column",
    "energy (MJ)": "gpu_energy_kwh, energy_kwh = ÷ 3.6",
    "emissions (gCO2e)": "emissions_kg = ÷ 1,000",
    "split number": "left out: always the same split",
    "training size": "n_train",
    "validation size": "n_validation",
    "batch size": "batch_size",
    "GFLOPs": "flops_per_sample = × 10⁹",
    "accuracy": "quality_validation, quality_last (of the final model)",
    "precision": "left out: accuracy is the metric",
    "recall": "left out: accuracy is the metric",
    "AUC": "left out: accuracy is the metric",
    "trained epochs": "epochs_run",
    "total seen images": "left out: epochs times steps",
    "f1-score": "left out: accuracy is the metric",
}


def read(folder: Path) -> Ledger:
    """The runs under `folder`; errors as `read_rows`."""
    ledger = Ledger(SOURCE)
    for line, row in read_rows(ledger, folder / FILE, COLUMNS):
        try:
            columns = _columns(row)
        except ValueError as error:
            ledger.refuse({FILE: [line]}, f"not a number: {error}")
        else:
            ledger.add({FILE: [line]}, **columns)
    return ledger


def _columns(row: Row) -> dict[str, object]:
    megajoules, hours = number(row["energy (MJ)"]), number(row["training duration (h)"])
    gflops, emitted = number(row["GFLOPs"]), number(row["emissions (gCO2e)"])
    kwh = None if megajoules is None else megajoules / 3.6
    quality = number(row["accuracy"])
    return {
        "domain": "cv",
        "dataset": "seaa2023-binary-images",
        "n_train": whole(row["training size"]),
        "n_validation": whole(row["validation size"]),
        "n_classes": 2,
        "model": row["architecture"],
        "flops_per_sample": None if gflops is None else gflops * 1e9,
        "epochs_run": whole(row["trained epochs"]),
        "batch_size": whole(row["batch size"]),
        "device": "cuda",
        "gpu_model": row["gpu model"],
        "gpu_count": 1,
        "gpu_tdp_w": number(row["max power limit (W)"]),
        "quality_metric": "accuracy",
        # published for the final model only, so the best known and the last are the same
        "quality_validation": quality,
        "quality_last": quality,
        "energy_kwh": kwh,
        "energy_measured_kwh": kwh,
        "gpu_energy_kwh": kwh,
        "gpu_energy_source": "nvml_poll",
        "gpu_energy_quality": "measured",
        "gpu_energy_method": "nvidia-smi board power summed over the run",
        "cpu_energy_quality": "missing",
        "cpu_energy_method": "not metered by the source",
        "ram_energy_quality": "missing",
        "ram_energy_method": "not metered by the source",
        "duration_s": None if hours is None else hours * 3600,
        "country": "ES",
        "carbon_intensity_g_per_kwh": GRID_G_PER_KWH,
        "emissions_kg": None if emitted is None else emitted / 1000,
        "flags": ["gpu_only"],
    }
