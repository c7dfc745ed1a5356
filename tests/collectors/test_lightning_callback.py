"""A Lightning training with our callback; needs lightning, which the project itself does not."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from collectors.metering import EnergyMeter
from ecotaskset.checks import check_runs
from ecotaskset.store import Store

lightning = pytest.importorskip("lightning", reason="lightning is not installed: pip install lightning")


class Line(lightning.LightningModule):
    """Tells the sign of the first number."""

    def __init__(self, breaks: bool = False) -> None:
        super().__init__()
        self.layer, self.breaks = nn.Linear(4, 2), breaks

    def training_step(self, batch, _):
        if self.breaks and self.current_epoch == 1:
            raise ValueError("a bug in the module")
        loss = nn.functional.cross_entropy(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        self.log("val_accuracy", (self.layer(batch[0]).argmax(-1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)


def fit(tmp_path, **options):
    from collectors.lightning_callback import LightningRecorder

    torch.manual_seed(0)
    x = torch.randn(64, 4)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=16)
    callback = LightningRecorder("cv", "signs", metric="accuracy", dataset_revision="v1", store=tmp_path / "store")
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Line(**options), loader, loader)
    return callback.run


def test_a_fit_is_kept_with_its_curves_and_energy(tmp_path):
    run = fit(tmp_path)
    assert [run] == Store(tmp_path / "store").runs()
    assert (run.status, run.epochs_run, run.batch_size, run.learning_rate, run.model) == (
        "completed", 2, 16, 0.5, "Line"
    )  # fmt: skip
    assert run.recipe().knobs == {"optimizer": "sgd"} and run.n_train == 64 and run.n_parameters == 10
    assert run.curve_train_loss[1] < run.curve_train_loss[0] and run.quality_validation > 0.5
    assert run.training_energy_kwh > 0 and run.evaluation_energy_kwh > 0
    assert run.dataset_revision == "v1" and check_runs([run]).of("error") == []


def test_counters_are_looked_after_at_every_batch(tmp_path, monkeypatch):
    ticks = []
    monkeypatch.setattr(EnergyMeter, "tick", lambda meter: ticks.append(1))
    fit(tmp_path)
    assert len(ticks) == 2 * (4 + 4)


def test_a_fit_that_breaks_is_kept_as_failed(tmp_path):
    with pytest.raises(ValueError, match="a bug in the module"):
        fit(tmp_path, breaks=True)
    (run,) = Store(tmp_path / "store").runs()
    assert run.status == "failed" and run.epochs_run == 1 and "a bug in the module" in run.status_reason
