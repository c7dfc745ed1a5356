"""transformers.Trainer with our callback."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from collectors.trainer_callback import EcoTaskSetCallback
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


def test_a_training_that_breaks_off_is_kept_as_interrupted(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    trainer = trainer_of(callback)
    trainer.compute_metrics = lambda p: (_ for _ in ()).throw(ValueError("a bug in the metric"))
    with pytest.raises(ValueError, match="a bug in the metric"):
        trainer.train()
    callback._broke_off()  # what Python does at its exit
    (run,) = Store(tmp_path / "store").runs()
    assert run.status == "interrupted" and run.energy_kwh > 0


def test_a_training_without_validation_has_null_quality(trainer_of, tmp_path):
    callback = EcoTaskSetCallback("nlp", "toy", metric="accuracy", store=tmp_path / "store")
    trainer_of(callback, eval_strategy="no", num_train_epochs=1).train()
    assert callback.run.quality_validation is None and callback.run.curve_validation_quality == [None]
    assert callback.run.evaluation_energy_kwh is None
