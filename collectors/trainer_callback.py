"""Record a `transformers.Trainer` run: one callback, one Run in the store.

trainer = Trainer(model=model, args=arguments, ..., compute_metrics=compute_metrics)
trainer.add_callback(EcoTaskSetCallback("nlp", "my-reviews", metric="accuracy", dataset_revision="v1"))
trainer.train()
"""

from __future__ import annotations

import atexit
import math
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from collectors.metering import EnergyMeter
from collectors.recorder import Epoch, RunRecorder
from collectors.recorder_describe import describe_loaders, full_model, knob_or_flag
from ecotaskset.run import Run
from ecotaskset.store import Store

EXAMPLES = 2
"""Training examples on which FLOPs are counted."""

BILLED_TO_S = 1.0
"""How close to its last step a training that breaks off is billed: a read at every step would wait for the device."""


class EcoTaskSetCallback(TrainerCallback):
    """Meters a training and keeps it as a Run when it ends. One that breaks off is kept, billed to its last step, when
    the next one begins or Python exits, since Trainer tells its callbacks nothing of an exception.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a name for the data, the same each time.
        metric: what `compute_metrics` calls the quality (`accuracy` for `eval_accuracy`); 0 to 1, higher is better.
        dataset_revision: a name for this version of the data; by default the fingerprint of a `datasets.Dataset`. A run
            without it is kept, but can't be shared.
        model_name: the architecture's name; `config.model_type` by default.
        pretrained: does the model start from published weights?
        task: columns of a Run that describe the data, such as `n_classes`.
        store: where the run is kept; a `Store`, a path, or None for the default store.
        country: ISO code of the grid, for CO2.
    """

    def __init__(
        self,
        domain: str,
        dataset: str,
        *,
        metric: str,
        dataset_revision: str | None = None,
        model_name: str | None = None,
        pretrained: bool = False,
        task: dict[str, Any] | None = None,
        store: Store | str | Path | None = None,
        country: str | None = None,
    ) -> None:
        self.domain, self.dataset, self.metric = domain, dataset, metric
        self.model_name, self.pretrained, self.task, self.store = model_name, pretrained, task, store
        self.dataset_revision, self.country = dataset_revision, country
        self.run: Run | None = None
        self._recorder: RunRecorder | None = None
        self._meter: EnergyMeter | None = None
        self._state: TrainerState | None = None
        self._epoch: Epoch | None = None
        self._losses: list[float] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any
    ) -> None:
        self._broke_off()
        self._meter, self._state = EnergyMeter(country=self.country), state
        model, loader = parts["model"], parts.get("train_dataloader")
        knobs, flags = knobs_of(args)
        config = getattr(full_model(model), "config", None)
        self._recorder = RunRecorder(
            self.domain,
            self.dataset,
            model,
            metric=self.metric,
            epochs=max(1, math.ceil(state.num_train_epochs)),
            dataset_revision=self.dataset_revision,
            model_name=self.model_name or getattr(config, "model_type", None) or None,
            optimizer=parts.get("optimizer"),
            train_loader=loader,
            validation_loader=parts.get("eval_dataloader"),
            example_batch=example_batch(loader, args.device),
            batch_size=args.train_batch_size * args.world_size,
            learning_rate=args.learning_rate,
            weight_decay=args.weight_decay,
            seed=args.seed,
            pretrained=self.pretrained,
            knobs=knobs,
            task=self.task,
            meter=self._meter,
            store=self.store,
        ).__enter__()
        self._recorder.flags += flags
        atexit.register(self._broke_off)

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._recorder:
            self._close_epoch()
            self._epoch = Epoch(self._recorder)
            self._recorder.enter_phase("training")

    def on_epoch_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._recorder:
            self._recorder.enter_phase(None)

    def on_prediction_step(self, args: TrainingArguments, state: TrainerState, control: Any, **parts: Any) -> None:
        if self._recorder:
            sizes = describe_loaders(None, parts.get("eval_dataloader"))  # Trainer makes it only now
            self._recorder.columns.update(sizes)
            self._recorder.enter_phase("evaluation")
            self._meter.tick(BILLED_TO_S)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any) -> None:
        if self._recorder and "loss" in (logs := parts.get("logs") or {}):
            self._losses.append(float(logs["loss"]))

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **parts: Any) -> None:
        if not self._recorder or not self._epoch:
            return
        metrics = parts.get("metrics") or {}
        names = {"validation_loss": "eval_loss", "quality": f"eval_{self.metric}"}
        self._epoch.log(**{ours: metrics[theirs] for ours, theirs in names.items() if theirs in metrics})
        self._recorder.enter_phase(None)

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._recorder:
            self._recorder.enter_phase("training")
            self._meter.tick(BILLED_TO_S)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._recorder:
            self._meter.tick(BILLED_TO_S)

    on_substep_end = on_step_end

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._recorder:
            self._close_epoch()
            recorder = self._let_go()
            recorder.__exit__(None, None, None)
            self.run = recorder.run

    def _close_epoch(self) -> None:
        if self._epoch is None:
            return
        if self._losses:
            self._epoch.log(train_loss=sum(self._losses) / len(self._losses))
        self._recorder.enter_phase(None)
        self._recorder.close_epoch(self._epoch)
        self._epoch, self._losses = None, []

    def _let_go(self) -> RunRecorder:
        recorder, self._recorder, self._epoch, self._losses = self._recorder, None, None, []
        atexit.unregister(self._broke_off)
        return recorder

    def _broke_off(self) -> None:
        """What is still open when the next training begins, or Python ends, was broken off."""
        if self._recorder:
            recorder = self._let_go()
            recorder.broke_off(what_ended(self._state))
            self.run = recorder.run


def what_ended(state: TrainerState) -> BaseException | None:
    """The exception that left this training, if it is the last one nobody caught, which scripts and notebooks keep."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    while error is not None:
        at = error.__traceback__
        while at is not None:
            if getattr(at.tb_frame.f_locals.get("self"), "state", None) is state:
                return error
            at = at.tb_next
        error = error.__cause__ or error.__context__  # wrapped by whoever called `train`
    return None


def knobs_of(args: TrainingArguments) -> tuple[dict[str, Any], list[str]]:
    """The knobs that training arguments set, and as flags what the catalogue has no value for."""
    schedule = knob_or_flag("schedule", getattr(args.lr_scheduler_type, "value", str(args.lr_scheduler_type)))
    knobs = {
        "precision": "bf16" if args.bf16 else "fp16" if args.fp16 else "fp32",
        "gradient_accumulation": args.gradient_accumulation_steps,
        "gradient_checkpointing": bool(args.gradient_checkpointing),
        "dataloader_workers": args.dataloader_num_workers,
        "torch_compile": bool(args.torch_compile),
        **schedule.get("knobs", {}),
    }
    return knobs, schedule.get("flags", [])


def example_batch(loader: Any, device: Any) -> dict[str, torch.Tensor] | None:
    """The first examples as a batch, without drawing from the loader, whose order must stay what it is."""
    dataset = getattr(loader, "dataset", None)
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__") or len(dataset) < EXAMPLES:
        return None
    with torch.random.fork_rng():
        batch = loader.collate_fn([dataset[i] for i in range(EXAMPLES)])
    if not hasattr(batch, "items"):
        return None
    return {name: value.to(device) for name, value in batch.items() if torch.is_tensor(value)}
