"""Runs made by hand for tests of the data room, and an isolated Hugging Face cache."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecotaskset.run import Run

ROOT = Path(__file__).parents[2]


def a_run(**changes: Any) -> Run:
    """A complete, plausible run; keyword arguments replace columns."""
    row: dict[str, Any] = {
        "domain": "cv",
        "dataset": "digits",
        "model": "cnn",
        "epochs": 2,
        "epochs_run": 2,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "seed": 0,
        "n_train": 1000,
        "device": "cpu",
        "cpu_tdp_w": 20.0,
        "quality_metric": "accuracy",
        "quality_validation": 0.9,
        "energy_kwh": 2e-5,
        "cpu_energy_kwh": 2e-5,
        "cpu_energy_source": "cpu_time_model",
        "cpu_energy_quality": "modelled",
        "duration_s": 6.0,
        "foreign_cpu_share": 0.01,
        "curve_validation_quality": [0.5, 0.9],
        "curve_energy_kwh": [1e-5, 2e-5],
    }
    return Run.model_validate({**row, **changes})


@pytest.fixture
def make_run() -> Callable[..., Run]:
    return a_run


@pytest.fixture
def make_runs() -> Callable[..., list[Run]]:
    """`make_runs(recipes, seeds=3)`: that many cv recipes, each with its seeds."""

    def build(recipes: int, seeds: int = 3, **changes: Any) -> list[Run]:
        # no two trainings measure the same joules: equal ones are taken for copies
        return [
            a_run(
                **{
                    "learning_rate": 1e-4 * (1 + recipe),
                    "seed": seed,
                    "energy_kwh": (kwh := 2e-5 * (1 + 0.003 * seed + 1e-4 * recipe)),
                    "cpu_energy_kwh": kwh,
                    "curve_energy_kwh": [kwh / 2, kwh],
                    **changes,
                }
            )
            for recipe in range(recipes)
            for seed in range(seeds)
        ]

    return build


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a fresh process with its own, offline Hugging Face cache; fails the test if it fails."""

    def run(code: str, *, cwd: Path, path: Path = ROOT, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(path),
            "HF_HOME": str(cache or tmp_path / "hf"),
            "HF_HUB_OFFLINE": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done

    return run
