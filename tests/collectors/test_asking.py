"""A training that asks after some epochs: a yes goes on, a no ends it, and either way the run is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ecotaskset.store import Store

pytest.importorskip("accelerate")
RECIPE = ("--domain", "cv", "--dataset", "digits", "--model", "mlp", "--batch-size", "256", "--epochs", "3")


def collect(folder, *words: str, answer: str) -> subprocess.CompletedProcess:
    places = ("--store", str(folder / "store"), "--cache", str(folder / "cache"))
    return subprocess.run(
        [sys.executable, "-m", "collectors", *RECIPE, *words, *places], input=answer, capture_output=True, text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(("answer", "epochs", "status"), [("y\n", 3, "completed"), ("n\n", 2, "interrupted")])
def test_the_answer_decides_and_the_run_is_kept(tmp_path, answer, epochs, status):
    done = collect(tmp_path, "--ask-after", "2", answer=answer)
    assert done.returncode == 0, done.stderr
    (run,) = Store(tmp_path / "store").runs()
    assert (run.status, run.epochs_run) == (status, epochs) and run.energy_kwh > 0
    assert "go on to epoch 3?" in done.stderr and "error" not in done.stderr


def test_a_program_is_asked_with_the_curves_so_far_and_silence_is_a_yes(tmp_path):
    done = collect(tmp_path, "--ask-after", "1", "--json", answer="")
    asked, _, result = done.stdout.partition("\n")
    asked, run = json.loads(asked), json.loads(result)
    assert run["status"] == "completed" and (asked["epoch"], asked["epochs"]) == (1, 3)
    for name in ("curve_validation_quality", "curve_energy_kwh", "curve_duration_s"):
        assert asked[name] == run[name][:1], name


@pytest.mark.parametrize("after", ["0", "3", "-1"])
def test_there_must_be_something_left_to_ask_about(tmp_path, after):
    done = collect(tmp_path, "--ask-after", after, answer="")
    assert done.returncode == 2 and "3 epochs" in done.stderr and "1 to 2" in done.stderr
    assert not Store(tmp_path / "store").runs()


def test_a_campaign_asks_nobody(tmp_path):
    words = ("--campaign", "starter", "--ask-after", "1")
    done = subprocess.run([sys.executable, "-m", "collectors", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "does not go with --campaign" in done.stderr
