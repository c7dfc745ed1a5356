"""Somebody else's loop, recorded: plain PyTorch, Accelerate, transformers.Trainer."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from collectors.recorder import RunRecorder
from ecotaskset.checks import check_runs
from ecotaskset.checks.provenance import UNKNOWN_REVISION
from ecotaskset.errors import UsageError
from ecotaskset.store import Store

N_TRAIN, N_VALIDATION, BATCH = 96, 32, 16


@pytest.fixture
def parts():
    """A model, an optimizer and two loaders over points that a line separates."""
    torch.manual_seed(0)
    x = torch.randn(N_TRAIN + N_VALIDATION, 6)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
    train = DataLoader(TensorDataset(x[:N_TRAIN], y[:N_TRAIN]), batch_size=BATCH, shuffle=True)
    validation = DataLoader(TensorDataset(x[N_TRAIN:], y[N_TRAIN:]), batch_size=BATCH)
    return model, torch.optim.RMSprop(model.parameters(), lr=0.01, weight_decay=0.001), train, validation


def recorder_of(parts, tmp_path, **more) -> RunRecorder:
    model, optimizer, train, validation = parts
    options = {"metric": "accuracy", "epochs": 2, "optimizer": optimizer, "train_loader": train}
    return RunRecorder(
        "cv", "points", model, validation_loader=validation, store=tmp_path, **{**options, **more}
    )  # fmt: skip


def train_epoch(parts, backward=lambda loss: loss.backward()) -> float:
    model, optimizer, train, _ = parts
    total = 0.0
    for x, y in train:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        backward(loss)
        optimizer.step()
        total += loss.item()
    return total / len(train)


def accuracy(parts) -> float:
    model, _, _, validation = parts
    with torch.no_grad():
        return torch.cat([(model(x).argmax(-1) == y).float() for x, y in validation]).mean().item()


def test_a_plain_loop_becomes_a_run_in_the_store(parts, tmp_path):
    with recorder_of(parts, tmp_path, task={"n_classes": 2}) as recorder:
        for _ in range(2):
            with recorder.epoch() as epoch:
                epoch.log(train_loss=train_epoch(parts))
                with epoch.evaluation():
                    epoch.log(quality=accuracy(parts))
        recorder.test(accuracy(parts))
    (run,) = Store(tmp_path).runs()
    assert run == recorder.run
    assert (run.status, run.epochs_run, run.batch_size, run.learning_rate) == ("completed", 2, BATCH, 0.01)
    assert (run.n_train, run.n_validation, run.n_classes) == (N_TRAIN, N_VALIDATION, 2)
    assert run.n_parameters == 6 * 16 + 16 + 16 * 2 + 2
    assert run.recipe().knobs == {"optimizer": "rmsprop"}
    assert run.model == "Sequential" and run.model_family is None and run.flops_per_sample is None
    assert run.quality_validation == max(run.curve_validation_quality) and run.quality_test is not None
    assert run.curve_validation_loss == [None, None]
    assert run.training_energy_kwh > 0 and run.evaluation_energy_kwh > 0
    assert run.cpu_energy_source and run.cpu_model


@pytest.mark.parametrize("given", [{"dataset_revision": "v1"}, {"task": {"dataset_revision": "v1"}}])
def test_a_run_on_data_whose_version_is_named_can_be_shared(parts, tmp_path, given):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with recorder_of(parts, tmp_path, epochs=1, **given) as recorder, recorder.epoch() as epoch:
            epoch.log(train_loss=train_epoch(parts), quality=0.5)
    assert recorder.run.dataset_revision == "v1" and check_runs([recorder.run]).of("error") == []


def test_data_of_no_known_version_are_warned_of_once_at_the_start_and_where_sharing_is_refused(parts, tmp_path):
    recorder = recorder_of(parts, tmp_path, epochs=1)
    with pytest.warns(UserWarning) as said:
        recorder.__enter__()
    assert [str(one.message) for one in said] == [UNKNOWN_REVISION]
    assert "stays on this machine" in UNKNOWN_REVISION and "dataset_revision=" in UNKNOWN_REVISION
    with recorder.epoch() as epoch:
        epoch.log(train_loss=train_epoch(parts), quality=0.5)
    recorder.__exit__(None, None, None)
    (refusal,) = check_runs([recorder.run]).of("error")
    assert (refusal.code, refusal.message) == ("V401", f"not known: dataset_revision; {UNKNOWN_REVISION}")


def test_energy_and_time_grow_and_leave_out_what_is_between_the_epochs(parts, tmp_path):
    with recorder_of(parts, tmp_path) as recorder:
        for _ in range(2):
            with recorder.epoch() as epoch:
                epoch.log(train_loss=train_epoch(parts))
            sum(i * i for i in range(2_000_000))  # the user's own business, far longer than an epoch
    run = recorder.run
    assert 0 < run.curve_energy_kwh[0] < run.curve_energy_kwh[1]
    # epochs of milliseconds are read coarsely; what was left out is far more than an epoch
    assert 0.2 < run.curve_energy_kwh[-1] / run.energy_kwh < 5
    assert 0.2 < run.curve_duration_s[-1] / run.duration_s < 5


@pytest.mark.parametrize(
    "error, status",
    [
        (KeyboardInterrupt(), "interrupted"),
        (MemoryError("no more"), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory"),
        (ValueError("a bug of the loop"), "failed"),
    ],
)
def test_a_loop_that_breaks_is_kept_and_its_error_goes_on(parts, tmp_path, error, status):
    with pytest.raises(type(error)), recorder_of(parts, tmp_path) as recorder:
        with recorder.epoch() as epoch:
            epoch.log(train_loss=train_epoch(parts), quality=0.5)
        with recorder.epoch():
            raise error
    (run,) = Store(tmp_path).runs()
    assert run.status == status and run.epochs_run == 1 and run.energy_kwh > 0


def test_a_loss_that_is_not_a_number_is_a_divergence(parts, tmp_path):
    with recorder_of(parts, tmp_path) as recorder, recorder.epoch() as epoch:
        epoch.log(train_loss=float("nan"))
    assert recorder.run.status == "diverged" and recorder.run.curve_train_loss == [None]


def test_an_optimizer_the_catalogue_does_not_know_is_flagged_not_passed_off_as_the_default(parts, tmp_path):
    model, _, train, validation = parts
    odd = model, torch.optim.Adagrad(model.parameters(), lr=0.1), train, validation
    with recorder_of(odd, tmp_path, epochs=1) as recorder, recorder.epoch() as epoch:
        epoch.log(train_loss=train_epoch(odd))
    assert "optimizer=adagrad" in recorder.run.flags and recorder.run.recipe().knobs == {}


def test_under_accelerate_wrapped_parts_are_seen_through(parts, tmp_path):
    accelerator = Accelerator(cpu=True)
    wrapped = accelerator.prepare(*parts)
    with recorder_of(wrapped, tmp_path, epochs=1) as recorder, recorder.epoch() as epoch:
        epoch.log(train_loss=train_epoch(wrapped, accelerator.backward), quality=accuracy(wrapped))
    run = recorder.run
    assert (run.status, run.n_train, run.batch_size, run.learning_rate) == ("completed", N_TRAIN, BATCH, 0.01)
    assert run.recipe().knobs == {"optimizer": "rmsprop"} and run.n_processes == 1


def test_flops_are_counted_where_there_is_a_batch(tmp_path):
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, num_labels=2
    )
    model = BertForSequenceClassification(config)
    batch = {"input_ids": torch.randint(0, 50, (2, 8)), "labels": torch.tensor([0, 1])}
    options = {"metric": "accuracy", "epochs": 1, "batch_size": 2, "learning_rate": 0.01, "model_name": "my/bert"}
    described = RunRecorder("nlp", "lines", model, example_batch=batch, store=tmp_path, **options)
    with described as recorder, recorder.epoch() as epoch:
        epoch.log(quality=1.0)
    assert recorder.run.flops_per_sample > 8 * 2 * 16 * 16 and recorder.run.n_attention_layers == 1
    assert recorder.run.model == "my/bert"


@pytest.mark.parametrize(
    "change, words",
    [
        ({"optimizer": None}, "learning_rate"),
        ({"train_loader": None}, "batch_size"),
        ({"task": {"n_clases": 2}}, "n_clases"),
        ({"epochs": 0}, "epochs=0"),
        ({"knobs": {"precison": "bf16"}}, "did you mean 'precision'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(parts, tmp_path, change, words):
    with pytest.raises(UsageError, match=words):
        recorder_of(parts, tmp_path, **change)


def test_a_quality_in_percent_is_refused(parts, tmp_path):
    with pytest.raises(UsageError, match="not between 0 and 1"), recorder_of(parts, tmp_path) as r, r.epoch() as epoch:
        epoch.log(quality=93.0)
    with pytest.raises(UsageError, match="no 'accuracy'"), recorder_of(parts, tmp_path) as r, r.epoch() as epoch:
        epoch.log(accuracy=0.9)


TWO_PROCESSES = """
import sys, torch
from accelerate import Accelerator
from torch.utils.data import DataLoader, TensorDataset
from collectors.recorder import RunRecorder
accelerator = Accelerator(cpu=True)
data = TensorDataset(torch.randn(512, 6), torch.zeros(512, dtype=torch.long))
model, loader = torch.nn.Linear(6, 2), DataLoader(data, batch_size=8)
model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1), loader)
parts = dict(metric="accuracy", epochs=2, optimizer=optimizer, train_loader=loader, store=sys.argv[1])
parts["model_name"] = "line"
with RunRecorder("cv", "zeros", model, **parts) as recorder:
    for _ in range(2):
        with recorder.epoch() as epoch:
            for x, y in loader:
                accelerator.backward(torch.nn.functional.cross_entropy(model(x), y))
                optimizer.step()
            epoch.log(quality=1.0)
accelerator.end_training()  # else the one that ends last may find its peer gone, and abort
"""


def test_of_two_processes_one_writes_the_energy_of_both(tmp_path):
    (tmp_path / "loop.py").write_text(TWO_PROCESSES)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([*launcher, str(tmp_path / "loop.py"), str(tmp_path / "store")], check=True, env=environment)
    (run,) = Store(tmp_path / "store").runs()
    assert (run.status, run.n_processes, run.batch_size, run.epochs_run) == ("completed", 2, 16, 2)
    assert run.curve_energy_kwh[-1] == pytest.approx(run.energy_kwh, rel=0.2)
