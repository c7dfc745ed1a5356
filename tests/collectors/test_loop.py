"""THE loop: the same seed gives the same curves, two processes the same quality, and a failure is a run."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest

from collectors.failures import train_anyhow
from collectors.metering import EnergyMeter
from collectors.train import EVALUATION_BATCH_SIZE, train
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.store import Store

LEARNED = ("curve_train_loss", "curve_validation_loss", "curve_validation_quality")
CHEAP = {
    "cv": {"dataset": "digits-0to4", "model": "resnet-tiny"},
    "nlp": {"dataset": "tweets-strong", "model": "bert-tiny"},
    "recsys": {"dataset": "movielens_100k-dense", "model": "sasrec", "knobs": {"data_fraction": 0.1}},
}


def recipe_of(domain: str, **changes) -> Recipe:
    return Recipe.create(**{"domain": domain, "epochs": 2, "batch_size": 64, **CHEAP[domain], **changes})


@pytest.mark.parametrize("domain", CHEAP)
def test_the_same_recipe_and_seed_give_the_same_curves_bit_for_bit(domain):
    first, again, other = (train(recipe_of(domain, seed=seed)) for seed in (1, 1, 2))
    for name in LEARNED:
        assert getattr(first, name) == getattr(again, name) and len(getattr(first, name)) == 2
    assert first.quality_test == again.quality_test
    assert first.curve_train_loss != other.curve_train_loss
    assert first.recipe_id == other.recipe_id and first.run_id != again.run_id


def test_a_run_says_all_that_is_known_of_it(tmp_path):
    events = []
    run = train(recipe_of("cv"), cache_dir=tmp_path, on_event=events.append)
    assert [event["event"] for event in events] == ["run_started", "epoch", "epoch"]
    assert run.status == "completed" and run.epochs_run == 2 and run.data_cached is False
    phases = [getattr(run, f"{name}_energy_kwh") or 0 for name in ("data", "model", "training", "system", "evaluation")]
    assert sum(phases) == pytest.approx(run.energy_kwh, rel=1e-6)
    assert run.curve_energy_kwh[0] < run.curve_energy_kwh[1] <= run.energy_kwh * 1.05
    assert run.n_parameters > 0 and run.flops_per_sample > 0 and run.n_conv_layers > 0 and run.n_norm_layers > 0
    assert run.quality_validation == max(run.curve_validation_quality) and 0 <= run.quality_test <= 1
    assert run.inference_kwh_per_1000 > 0
    assert train(recipe_of("cv"), cache_dir=tmp_path).data_cached is True


def test_counters_are_looked_after_at_every_batch(tmp_path, monkeypatch):
    ticks = []
    monkeypatch.setattr(EnergyMeter, "tick", lambda meter: ticks.append(1))
    run = train(recipe_of("cv"), cache_dir=tmp_path)
    training, validation = math.ceil(run.n_train / 64), math.ceil(run.n_validation / EVALUATION_BATCH_SIZE)
    assert len(ticks) == 2 * (training + validation)


def test_a_loss_that_runs_away_ends_as_diverged_with_its_energy(tmp_path):
    recipe = recipe_of("cv", model="mlp", learning_rate=100.0, epochs=5, knobs={"optimizer": "sgd"})
    run = train(recipe, cache_dir=tmp_path)
    assert run.status == "diverged" and "training loss is" in run.status_reason
    assert run.energy_kwh > 0 and run.epochs_run < 5 and run.curve_train_loss[-1] is None


def test_early_stopping_stops(tmp_path):
    recipe = recipe_of("cv", learning_rate=1e-9, epochs=9, knobs={"early_stopping": 1})
    run = train(recipe, cache_dir=tmp_path)
    assert run.status == "early_stopped" and run.epochs == 9 and run.epochs_run < 9


def test_a_bug_in_a_model_costs_its_run_only(tmp_path, monkeypatch):
    def broken(*_):
        raise TypeError("forward() got an unexpected keyword")

    monkeypatch.setattr("collectors.train.train_epoch", broken)
    run = train_anyhow(recipe_of("cv"), meter=EnergyMeter(), cache_dir=tmp_path)
    assert run.status == "failed" and run.status_reason.startswith("TypeError: forward()")
    assert run.n_parameters > 0 and run.n_train > 0 and run.energy_kwh > 0  # what was known by then is kept


MEMORY_SCRIPT = """
import resource, sys
from collectors.failures import train_anyhow
from collectors.metering import EnergyMeter
from ecotaskset.recipe import Recipe
import torch
torch.set_num_threads(1)
recipe = dict(domain="recsys", dataset="movielens_100k", model="sasrec", epochs=1)
warm = Recipe.create(**{**recipe, "dataset": "movielens_100k-dense", "knobs": {"data_fraction": 0.05}})
train_anyhow(warm, meter=EnergyMeter())
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 600_000_000,) * 2)
run = train_anyhow(Recipe.create(**recipe, batch_size=4096), meter=EnergyMeter())
print(run.model_dump_json())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space limits are Linux's")
def test_exhausted_memory_is_a_run_with_that_status_and_its_energy():
    done = subprocess.run([sys.executable, "-c", MEMORY_SCRIPT], capture_output=True, text=True, check=True)
    run = json.loads(done.stdout.splitlines()[-1])
    assert run["status"] == "out_of_memory" and "allocate memory" in run["status_reason"]
    assert run["energy_kwh"] > 0 and run["curve_train_loss"] == []


PARTED_AT_THE_END = """
import atexit, runpy, sys
def tell():
    import torch
    sys.stderr.write("still joined" if torch.distributed.is_initialized() else "parted ")
atexit.register(tell)
runpy.run_module("collectors", run_name="__main__", alter_sys=True)
"""
"""`python -m collectors`, and the last that its interpreter says: whether it is still joined to other processes."""


def collect(store, *words, launch=("-m", "collectors")) -> tuple[int, str, str]:
    """`green-collect` as a process, maybe under a launcher; exit code, stdout, stderr."""
    base = ["--domain", "cv", "--dataset", "digits-0to4", "--model", "mlp", "--epochs", "3"]
    command = [sys.executable, *launch, *base, "--store", str(store), *words]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_two_processes_reach_the_same_quality_and_their_energy_is_added_up(tmp_path):
    alone, two = tmp_path / "alone", tmp_path / "two"
    threads = ("--knob", "cpu_threads=1", "-q")
    # `accelerate launch` starts several CPU processes through MPI only; torchrun sets the same variables without it
    script = tmp_path / "collect.py"
    script.write_text(PARTED_AT_THE_END)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script))
    assert collect(alone, *threads)[0] == 0
    code, printed, said = collect(two, *threads, launch=launcher)
    # torch's threads may abort where the interpreter's end finds processes joined
    assert said.count("parted") == 2 and "still joined" not in said
    (one,), (pair,) = Store(alone).runs(), Store(two).runs()
    assert code == 0 and printed.split() == [pair.run_id]  # only the first process talks and writes
    assert (one.n_processes, pair.n_processes) == (1, 2) and pair.recipe_id == one.recipe_id
    assert pair.n_train == one.n_train and pair.n_validation == one.n_validation
    for ours, theirs in zip(one.curve_train_loss, pair.curve_train_loss, strict=True):
        assert math.isclose(ours, theirs, rel_tol=0.05)
    for ours, theirs in zip(one.curve_validation_quality, pair.curve_validation_quality, strict=True):
        assert abs(ours - theirs) <= 0.03  # dropout and the order of sums differ
        # 135 examples do not split evenly: were the padded one counted, this would be a share of 136
        assert theirs * pair.n_validation == pytest.approx(round(theirs * pair.n_validation), abs=1e-3)
    # one process alone does half of the work: were the other's not added, this would be well below. What else the
    # machine does makes a run dearer, never cheaper: the least of some says what it costs
    runs = [one]
    while len(runs) < 4 and pair.cpu_time_s <= 0.75 * min(run.cpu_time_s for run in runs):
        assert collect(alone, *threads, "--repeat")[0] == 0
        runs = Store(alone).runs()
    assert pair.cpu_time_s > 0.75 * min(run.cpu_time_s for run in runs)
    assert pair.cpu_energy_kwh > 0.75 * min(run.cpu_energy_kwh for run in runs)


def test_the_same_command_again_trains_nothing(tmp_path):
    first = collect(tmp_path, "-q")
    again = collect(tmp_path, "-q")
    assert first == again and first[0] == 0 and len(Store(tmp_path).runs()) == 1


def test_a_recipe_that_cannot_be_trained_here_raises_before_training(tmp_path):
    with pytest.raises(UsageError, match="needs a GPU"):
        train(recipe_of("cv", knobs={"precision": "fp16"}), cache_dir=tmp_path)
