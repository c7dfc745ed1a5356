"""transformers.Trainer with our callback."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from collectors.metering import EnergyMeter
from collectors.trainer_callback import BILLED_TO_S, EcoTaskSetCallback
from ecotaskset.store import Store

N_TRAIN, BATCH = 48, 8


@pytest.fixture
def trainer_of(tmp_path):
    def make(callback, **changes) -> Trainer:
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=20, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
        )
        rows = [{"input_ids": torch.full((6,), i % 2 + 1), "labels": i % 2} for i in range(N_TRAIN)]
        options = {"eval_strategy": "epoch", "logging_strategy": "epoch", "learning_rate": 3e-3, "num_train_epochs": 2}
        arguments = TrainingArguments(
            output_dir=str(tmp_path / "out"), per_device_train_batch_size=BATCH, save_strategy="no", report_to=[],
            use_cpu=True, disable_tqdm=True, **{**options, **changes},
        )  # fmt: skip
        return Trainer(
            model=BertForSequenceClassification(config), args=arguments, train_dataset=rows, eval_dataset=rows[:16],
            compute_metrics=lambda p: {"accuracy": float(np.mean(p.predictions.argmax(-1) == p.label_ids))},
            callbacks=[callback] if callback else [],
        )  # fmt: skip

    return make


def test_a_trainer_run_is_kept_with_its_recipe_curves_and_energy(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store", task={"n_classes": 2})
    trainer = trainer_of(callback, gradient_accumulation_steps=2, seed=7)
    trainer.train()
    (run,) = Store(tmp_path / "store").runs()
    assert run == callback.run
    assert (run.status, run.epochs, run.epochs_run, run.seed, run.model) == ("completed", 2, 2, 7, "bert")
    assert (run.batch_size, run.learning_rate, run.n_train, run.n_validation) == (BATCH, 3e-3, N_TRAIN, 16)
    assert run.recipe().knobs == {"gradient_accumulation": 2, "schedule": "linear"}
    logged = [entry["eval_accuracy"] for entry in trainer.state.log_history if "eval_accuracy" in entry]
    assert run.curve_validation_quality == logged
    assert run.curve_train_loss == [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert run.training_energy_kwh > 0 and run.evaluation_energy_kwh > 0
    assert run.flops_per_sample > 0 and run.n_attention_layers == 1


def test_the_callback_changes_nothing_in_the_training(trainer_of, tmp_path):
    losses = []
    for callback in (EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store"), None):
        trainer = trainer_of(callback)
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == losses[1]


def test_counters_are_looked_after_at_every_step_and_batch(trainer_of, tmp_path, monkeypatch):
    ticks = []
    monkeypatch.setattr(EnergyMeter, "tick", lambda meter, every_s: ticks.append(every_s))
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    trainer_of(callback, gradient_accumulation_steps=2).train()
    a_pass, validation = N_TRAIN // BATCH, 2  # every second batch is a step of its own; the others begin one
    assert len(ticks) == 2 * (a_pass + a_pass // 2 + validation) and set(ticks) == {BILLED_TO_S}


FINGERPRINT = """
from datasets import Dataset
rows = Dataset.from_list([{"input_ids": [i % 2 + 1] * 6, "labels": i % 2, "text": "left out"} for i in range(48)])
print(rows.remove_columns(["text"])._fingerprint)
"""


@pytest.mark.parametrize("given, revision", [({}, None), ({"dataset_revision": "v1"}, "v1")])
def test_a_data_set_with_a_fingerprint_names_its_version_the_same_in_every_process(
    trainer_of, tmp_path, given, revision
):
    rows = [{"input_ids": [i % 2 + 1] * 6, "labels": i % 2, "text": "left out"} for i in range(N_TRAIN)]
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store", **given)
    trainer = trainer_of(callback, num_train_epochs=1)
    trainer.train_dataset = Dataset.from_list(rows)
    trainer.train()
    elsewhere = subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True)
    assert callback.run.dataset_revision == (revision or elsewhere.stdout.strip())
    assert Dataset.from_list(rows[1:]).remove_columns(["text"])._fingerprint != elsewhere.stdout.strip()


def test_plain_examples_have_no_version_of_their_own(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    with pytest.warns(UserWarning, match="stays on this machine"):
        trainer_of(callback, num_train_epochs=1).train()
    assert callback.run.dataset_revision is None


class Breaks(Trainer):
    """Raises at the fourth batch."""

    error: BaseException
    batches = 0

    def training_step(self, *args, **kwargs):
        self.batches += 1
        if self.batches == 4:
            raise self.error
        return super().training_step(*args, **kwargs)


@pytest.fixture
def broken_off(trainer_of, tmp_path, monkeypatch):
    """The run of a training that raised, closed long after by what Python does at its exit; was the error kept?"""

    def run(error: BaseException, kept: bool):
        monkeypatch.setattr("collectors.trainer_callback.BILLED_TO_S", 0.0)
        monkeypatch.setattr(sys, "last_exc", None, raising=False)
        monkeypatch.setattr(sys, "last_value", NameError("of an earlier cell"), raising=False)
        callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
        trainer = trainer_of(callback)
        trainer.__class__, trainer.error = Breaks, error
        with pytest.raises(type(error)) as raised:
            trainer.train()
        if kept:
            monkeypatch.setattr(sys, "last_value", raised.value)
        began_s = time.thread_time()
        while time.thread_time() - began_s < 1.5:  # something else, in the same process
            pass
        callback._broke_off()
        assert [callback.run] == Store(tmp_path / "store").runs()
        return callback.run

    return run


def test_a_training_that_breaks_off_is_billed_to_its_last_step_and_says_so(broken_off):
    run = broken_off(ValueError("a bug in the model"), kept=False)
    assert (run.status, run.status_reason) == ("failed", "broken off")
    assert 0 < run.cpu_time_s < 1.4 and run.energy_kwh > 0 and run.epochs_run == 0
    assert "contended" not in run.flags and run.foreign_cpu_share is None


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("shapes cannot be multiplied"), "failed", "RuntimeError: shapes cannot be multiplied"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory", "OutOfMemoryError: CUDA out of memory"),
        (KeyboardInterrupt(), "interrupted", "stopped by the user"),
    ],
    ids=["failed", "out_of_memory", "interrupted"],
)
def test_the_error_that_ended_it_is_told_where_python_kept_it(broken_off, error, status, reason):
    run = broken_off(error, kept=True)
    assert (run.status, run.status_reason) == (status, reason)


def test_the_next_training_closes_the_one_that_broke_off(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    trainer = trainer_of(callback)
    metrics = trainer.compute_metrics
    trainer.compute_metrics = lambda p: (_ for _ in ()).throw(ValueError("a bug in the metric"))
    with pytest.raises(ValueError, match="a bug in the metric"):
        trainer.train()
    trainer.compute_metrics = metrics
    trainer.train()
    assert sorted(run.status for run in Store(tmp_path / "store").runs()) == ["completed", "failed"]


def test_a_training_without_validation_has_null_quality(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    trainer_of(callback, eval_strategy="no", num_train_epochs=1).train()
    assert callback.run.quality_validation is None and callback.run.curve_validation_quality == [None]
    assert callback.run.evaluation_energy_kwh is None
