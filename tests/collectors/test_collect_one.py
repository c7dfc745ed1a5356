"""One recipe at a terminal: whatever happens to its training or to the disk, the run is not lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ecotaskset.recipe import Recipe
from ecotaskset.run import Run, to_table
from ecotaskset.store import Store
from green_predictor.probing import train_probes

LONG, SHORT = 5000, 3
"""Epochs: `LONG` never ends within a test."""
START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a shell's background jobs ignore it
from collectors.cli import main; main()
"""
IN_EPOCH_3 = """
import os
import collectors.train
whole, epochs = collectors.train.train_epoch, []
def train_epoch(*words):
    epochs.append(1)
    if len(epochs) == 3:
        {trouble}
    return whole(*words)
collectors.train.train_epoch = train_epoch
from collectors.cli import main; main()
"""
BUG = IN_EPOCH_3.format(trouble='raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")')
FULL_DISK = IN_EPOCH_3.format(trouble="import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))")


def training(epochs: int) -> tuple[str, ...]:
    return ("--domain", "cv", "--dataset", "digits", "--model", "mlp", "--batch-size", "256", "--epochs", str(epochs))


class Command:
    """`green-collect …` as a process, with a store and a cache in `folder`."""

    def __init__(self, folder: Path, *words: str, code: str = START):
        folder.mkdir(exist_ok=True)
        self.store = Store(folder / "store")
        places = ("--store", str(self.store.path), "--cache", str(folder / "cache"))
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words, *places], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TMPDIR": str(folder)},
        )  # fmt: skip

    def until_an_epoch(self) -> None:
        for line in self.process.stderr:
            if line.startswith("epoch"):
                return
        raise AssertionError("no epoch was trained")

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout, and what was said on stderr since it was last read."""
        printed, talk = self.process.communicate(timeout=120)
        return self.process.returncode, printed, talk


def test_a_bug_in_a_late_epoch_is_one_line_and_the_run_is_kept(tmp_path):
    command = Command(tmp_path, *training(SHORT), "--json", code=BUG)
    code, printed, talk = command.end()
    assert code == 5 and "Traceback" not in talk
    (line,) = [line for line in talk.splitlines() if line.startswith("error:")]
    assert "RuntimeError: mat1 and mat2" in line and "--debug" in talk
    (run,) = command.store.runs()
    assert run.status == "failed" and run.epochs_run == 2 and len(run.curve_train_loss) == 2 and run.energy_kwh > 0
    assert json.loads(printed)["run_id"] == run.run_id
    code, _, talk = Command(tmp_path, *training(SHORT), "--repeat", "--debug", code=BUG).end()
    assert code != 0 and "Traceback" in talk and "in train_epoch" in talk and len(command.store.runs()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_what_was_trained_until_it_was_stopped_is_kept(tmp_path, number):
    command = Command(tmp_path, *training(LONG))
    command.until_an_epoch()
    command.process.send_signal(number)
    code, printed, talk = command.end()
    assert code == 130 and "interrupted" in printed and "Traceback" not in talk
    (run,) = command.store.runs()
    assert run.status == "interrupted" and run.epochs_run >= 1 and run.energy_kwh > 0


def test_a_store_that_breaks_meanwhile_costs_nobody_the_run(tmp_path):
    command = Command(tmp_path, *training(200), "--json")
    command.until_an_epoch()
    (tmp_path / "store" / "runs").rmdir()
    (tmp_path / "store" / "runs").write_text("a file where the runs should be")
    code, printed, talk = command.end()
    assert code == 2 and "cannot write" in talk and "Traceback" not in talk
    (kept,) = tmp_path.glob("ecotaskset-*/runs/*.json")
    assert str(kept) in talk and json.loads(printed)["run_id"] == kept.stem
    (tmp_path / "store" / "runs").unlink()
    (tmp_path / "store" / "runs").mkdir()
    kept.rename(tmp_path / "store" / "runs" / kept.name)  # as the hint says
    assert [run.status for run in command.store.runs()] == ["completed"]


def test_on_a_full_disk_the_run_is_on_stderr(tmp_path):
    command = Command(tmp_path, *training(SHORT), "--quiet", code=FULL_DISK)
    code, printed, talk = command.end()
    assert code == 2 and "cannot write" in talk and "Traceback" not in talk, talk
    (line,) = [line for line in talk.splitlines() if line.startswith("{")]
    run = Run.model_validate_json(line)
    assert run.status == "completed" and printed.split() == [run.run_id]
    assert command.store.runs() == [] and not list(tmp_path.rglob("*.tmp"))


@pytest.fixture
def long_run(tmp_path) -> Run:
    """Somebody's run that nobody would wait for, in a table of the store."""
    command = Command(tmp_path / "theirs", *training(LONG))
    command.until_an_epoch()
    command.process.send_signal(signal.SIGINT)
    command.end()
    (run,) = command.store.runs()
    (tmp_path / "store").mkdir()
    pq.write_table(to_table([run]), tmp_path / "store" / "theirs.parquet")
    return run


def test_a_reproduction_that_is_stopped_is_kept_and_not_compared(tmp_path, long_run):
    command = Command(tmp_path, "--reproduce", long_run.run_id)
    command.until_an_epoch()
    command.process.send_signal(signal.SIGINT)
    code, printed, talk = command.end()
    assert code == 130 and printed == "" and "Traceback" not in talk
    assert [run.status for run in command.store.runs()] == ["interrupted", "interrupted"]
    assert not (tmp_path / "store" / "reproductions").exists()
    (tmp_path / "store" / "runs").rename(tmp_path / "elsewhere")
    (tmp_path / "store" / "runs").write_text("a file where the runs should be")
    code, _, talk = Command(tmp_path, "--reproduce", long_run.run_id).end()  # told before it trains
    assert code == 2 and "cannot write" in talk


def test_one_of_two_processes_that_fails_is_named_and_the_run_is_kept(tmp_path):
    (tmp_path / "start.py").write_text(
        BUG.replace("len(epochs) == 3", "len(epochs) == 3 and os.environ['RANK'] == '1'")
    )
    launcher = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(tmp_path / "start.py"))
    done = subprocess.run(
        [sys.executable, "-m", *launcher, *training(5), "--quiet", "--store", str(tmp_path / "store")],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert "process 1: RuntimeError: mat1 and mat2" in done.stderr
    (run,) = Store(tmp_path / "store").runs()
    assert (run.status, run.epochs_run, run.n_processes) == ("failed", 2, 2) and "low_confidence" in run.flags


def test_data_that_are_prepared_first_are_not_on_the_bill(tmp_path):
    """`--train` once said 0.49 mWh and 2.15 came out on a fresh cache: most of it prepared data, for all later runs."""
    found = []
    for name, *words in (("plain",), ("first", "--prepare-first")):
        code, printed, talk = Command(tmp_path / name, *training(SHORT), "--json", *words).end()
        assert code == 0, talk
        found.append(json.loads(printed))
    plain, first = found
    assert [run["data_cached"] for run in found] == [False, True]
    assert first["data_energy_kwh"] < 0.5 * plain["data_energy_kwh"]


def test_what_a_recommendation_trains_finds_its_data_prepared(tmp_path, monkeypatch):
    monkeypatch.setenv("ECOTASKSET_CACHE", str(tmp_path / "cache"))
    recipe = Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=1, batch_size=256, learning_rate=1e-3)
    (run,) = train_probes([recipe], Store(tmp_path / "store"))
    assert run.data_cached
