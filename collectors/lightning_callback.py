"""Record a Lightning training: one callback, one Run in the store.

    trainer = lightning.Trainer(max_epochs=3, callbacks=[LightningRecorder("cv", "my-images", metric="accuracy",
                                dataset_revision="v1", batch_size=32, learning_rate=1e-3)])
    trainer.fit(module, train_loader, validation_loader)

The module logs what is recorded: `train_loss` (or what `train_loss=` names), `val_loss`, and `val_<metric>`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from collectors.recorder import Epoch, RunRecorder
from ecotaskset.run import Run
from ecotaskset.store import Store


class LightningRecorder(Callback):
    """Meters a `fit` and keeps it as a Run when it ends, however it ends.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a name for the data, the same each time.
        metric: the quality, 0 to 1, higher is better; the module logs it as `val_<metric>`.
        train_loss, validation_loss: the names under which the module logs its losses.
        store: where the run is kept; a `Store`, a path, or None for the default store.
        options: further arguments of `RunRecorder`: `dataset_revision`, `batch_size`, `learning_rate`, `model_name`,
            `knobs`, `task`, …; the first three are seen by themselves where loader and optimizer show them.
    """

    def __init__(
        self,
        domain: str,
        dataset: str,
        *,
        metric: str,
        train_loss: str = "train_loss",
        validation_loss: str = "val_loss",
        store: Store | str | Path | None = None,
        **options: Any,
    ) -> None:
        self._options = {"metric": metric, "store": store, **options}
        self._task = (domain, dataset)
        self._names = {"train_loss": train_loss, "validation_loss": validation_loss, "quality": f"val_{metric}"}
        self._recorder: RunRecorder | None = None
        self._epoch: Epoch | None = None
        self.run: Run | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        seen = {
            "epochs": trainer.max_epochs,
            "model_name": type(pl_module).__name__,
            "optimizer": trainer.optimizers[0] if trainer.optimizers else None,
            "train_loader": trainer.train_dataloader,
            "validation_loader": trainer.val_dataloaders,
        }
        self._recorder = RunRecorder(*self._task, pl_module, **{**seen, **self._options}).__enter__()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._epoch = Epoch(self._recorder)
        self._recorder.enter_phase("training")

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self._recorder.tick()

    def on_validation_batch_start(self, trainer: Trainer, pl_module: LightningModule, *batch: Any, **_: Any) -> None:
        if self._recorder:  # not during the sanity check before the training
            self._recorder.tick()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._recorder:  # not during the sanity check before the training
            self._recorder.enter_phase("evaluation")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._recorder:
            self._recorder.enter_phase("training")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        logged = trainer.callback_metrics
        self._epoch.log(**{ours: float(logged[name]) for ours, name in self._names.items() if name in logged})
        self._recorder.enter_phase(None)
        self._recorder.close_epoch(self._epoch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(KeyboardInterrupt() if trainer.interrupted else None)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._end(exception)

    def _end(self, error: BaseException | None) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder:
            recorder.__exit__(type(error) if error else None, error, None)
            self.run = recorder.run
