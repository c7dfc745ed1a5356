"""Record your own training loop: what it trained, how far it got, what it cost, as a Run in the store.

    with RunRecorder("cv", "my-images", model, metric="accuracy", epochs=3, optimizer=optimizer,
                     train_loader=train_loader, validation_loader=validation_loader,
                     dataset_revision="v1") as recorder:
        for _ in range(3):
            with recorder.epoch() as epoch:
                ...                                        # your training
                with epoch.evaluation():
                    ...                                    # your validation
                epoch.log(train_loss=0.4, validation_loss=0.5, quality=0.81)
    recorder.run                                           # kept; `green-collect --push` shares it

Works in plain PyTorch and under Accelerate; `trainer_callback` and `lightning_callback` are built on it.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from collectors.recorder_describe import (
    all_ranks,
    describe_loaders,
    describe_module,
    describe_optimizer,
    full_model,
    how_it_ended,
    sum_known,
)
from ecotaskset.checks.provenance import UNKNOWN_REVISION
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import COST_PHASES, CURVES, Run
from ecotaskset.store import Store

if TYPE_CHECKING:
    from torch import nn, optim

    from collectors.metering import EnergyMeter, Snapshot


class Epoch:
    """One epoch under way: give it what it reached before its block ends."""

    def __init__(self, recorder: RunRecorder) -> None:
        self._recorder = recorder
        self.values: dict[str, float | None] = {"train_loss": None, "validation_loss": None, "quality": None}

    def log(self, **values: float) -> None:
        """`train_loss`, `validation_loss` and `quality` (the metric, 0 to 1) of this epoch, in one call or several.

        Raises:
            UsageError: another name, or a quality outside 0 to 1.
        """
        for name, value in values.items():
            if name not in self.values:
                raise UsageError(f"an epoch has no '{name}'", hint=f"log {', '.join(self.values)}")
            self.values[name] = number = float(value)
            if name == "quality" and not 0 <= number <= 1:
                raise UsageError(f"quality={number:g} is not between 0 and 1", hint="log a share: 0.93, not 93")

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """What happens inside is billed to the validation, not to the training."""
        with self._recorder.phase("evaluation"):
            yield


class RunRecorder:
    """A context manager round a training loop; at its end, however it ends, `run` is in the store.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a name for the data, the same each time.
        model: the module that is trained; its weights, layers and (with `example_batch`) FLOPs are counted.
        metric: what `quality` means: `accuracy`, `ndcg@10`, …
        epochs: how many are planned.
        model_name: the architecture's name; the module's own name by default.
        optimizer: gives learning rate, weight decay and the knob `optimizer`.
        dataset_revision: a name for this version of the data; a `datasets.Dataset` in the loader has one of its own. A
            run without it is kept, but can't be shared.
        train_loader, validation_loader: give sizes and the batch size.
        example_batch: a small batch as a dict for `model(**batch)`, to count FLOPs.
        batch_size, learning_rate, weight_decay, seed, pretrained: where they cannot be seen from the arguments above.
        knobs: knobs that the loop applies, by name.
        task: columns of a Run that describe the data, such as `n_classes`; see `ecotaskset.run.Run`.
        meter: an `EnergyMeter` not yet started.
        store: where the run is kept; a `Store`, a path, or None for the default store.

    Raises:
        UsageError: something needed is missing or makes no sense; the message names it.
    """

    def __init__(
        self,
        domain: str,
        dataset: str,
        model: nn.Module,
        *,
        metric: str,
        epochs: int,
        dataset_revision: str | None = None,
        model_name: str | None = None,
        optimizer: optim.Optimizer | None = None,
        train_loader: Any = None,
        validation_loader: Any = None,
        example_batch: dict[str, Any] | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        seed: int = 0,
        pretrained: bool = False,
        knobs: dict[str, Any] | None = None,
        task: dict[str, Any] | None = None,
        meter: EnergyMeter | None = None,
        store: Store | str | Path | None = None,
    ) -> None:
        seen = {**describe_loaders(train_loader, validation_loader), **describe_optimizer(optimizer)}
        given = {"batch_size": batch_size, "learning_rate": learning_rate, "weight_decay": weight_decay}
        visible = {name: seen.pop(name, None) for name in given}
        chosen = {name: visible[name] if value is None else value for name, value in given.items()}
        for name in ("batch_size", "learning_rate"):
            if chosen[name] is None:
                raise UsageError(
                    f"RunRecorder cannot see {name}", hint=f"give {name}=…, or the loader and the optimizer"
                )
        self._knobs = {**seen.pop("knobs", {}), **(knobs or {})}
        self.flags: list[str] = seen.pop("flags", [])
        self.recipe = Recipe.create(
            domain=domain,
            dataset=dataset,
            model=model_name or full_model(model).__class__.__name__,
            epochs=epochs,
            seed=seed,
            pretrained=pretrained,
            knobs=self._knobs,
            **{**chosen, "weight_decay": chosen["weight_decay"] or 0.0},
        )
        self.columns = {
            **{name: value for name, value in seen.items() if name in Run.model_fields},
            **describe_module(model, example_batch),
            "quality_metric": metric,
            **({} if dataset_revision is None else {"dataset_revision": dataset_revision}),
            **(task or {}),
        }
        self.device = next((p.device.type for p in model.parameters()), "cpu")
        unknown = [name for name in self.columns if name not in Run.model_fields]
        if unknown:
            raise UsageError(f"a run has no column '{unknown[0]}'", hint="ecotaskset.run.Run names them all")
        self.store = store if isinstance(store, Store) else Store(store)
        self.status: tuple[str, str | None] | None = None
        self.run: Run | None = None
        self._meter = meter
        self._window = ExitStack()
        self._phase: str | None = None
        self._left: Snapshot | None = None
        self._outside = (0.0, 0.0)
        self._curves: dict[str, list[float | None]] = {name: [] for name in CURVES}

    def __enter__(self) -> RunRecorder:
        import torch

        from collectors.metering import EnergyMeter
        from collectors.metering.ranks import current_rank
        from collectors.profile import matmul_gflops

        if self.columns.get("dataset_revision") is None and current_rank(os.environ).rank == 0:
            warnings.warn(UNKNOWN_REVISION, stacklevel=2)
        self.columns |= {"cpu_threads": torch.get_num_threads(), "matmul_gflops": matmul_gflops(self.device)}
        self._meter = (self._meter or EnergyMeter()).start()
        self._left = self._meter.snapshot()
        return self

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Bill what happens inside to a phase: `data`, `model`, `system`, `training` or `evaluation`.

        Raises:
            UsageError: no such phase.
        """
        if name not in COST_PHASES:
            raise UsageError(f"no phase '{name}'", hint=f"choose from {', '.join(COST_PHASES)}")
        before = self._phase
        self.enter_phase(name)
        try:
            yield
        finally:
            self.enter_phase(before)

    @contextmanager
    def epoch(self) -> Iterator[Epoch]:
        """One epoch of the loop; its values are kept when the block ends, not when it raises."""
        epoch = Epoch(self)
        with self.phase("training"):
            yield epoch
        self.close_epoch(epoch)

    def tick(self) -> None:
        """For every batch where an epoch lasts for minutes, so that no counter wraps unseen: a look at the clock."""
        self._meter.tick()

    def close_epoch(self, epoch: Epoch) -> None:
        """Keep an epoch's values, with energy and time up to now."""
        now = self._meter.snapshot()
        left = self._left or now
        energy = None
        if now.energy_kwh is not None:
            gap = 0.0 if self._phase else now.energy_kwh - (left.energy_kwh or 0.0)
            energy = now.energy_kwh - self._outside[0] - gap
        gap = 0.0 if self._phase else now.duration_s - left.duration_s
        seconds = now.duration_s - self._outside[1] - gap
        energy = sum_known(all_ranks(energy))  # in every process, at the end of every epoch
        for name, value in zip(CURVES, (*epoch.values.values(), energy, seconds), strict=True):
            self._curves[name].append(value)
        loss = epoch.values["train_loss"]
        if loss is not None and not math.isfinite(loss):
            self.status = ("diverged", f"training loss is {loss} in epoch {len(self._curves[CURVES[0]])}")

    def test(self, quality: float) -> None:
        """The quality on the test examples, once, of the final model."""
        self.columns["quality_test"] = float(quality)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.enter_phase(None)
        self._meter.stop()
        n_run = len(self._curves[CURVES[0]])
        status = how_it_ended(error, n_run, self.recipe.epochs) if error or self.status is None else self.status
        self._keep(status, alone=error is not None)

    def broke_off(self, error: BaseException | None) -> None:
        """End, as of the meter's last reading, a loop that was left some time ago: for callbacks that are not told.

        Args:
            error: what it was left with; None where nobody knows.
        """
        self._meter.stop(at_last_read=True)
        self._window.close()
        n_run = len(self._curves[CURVES[0]])
        status = how_it_ended(error, n_run, self.recipe.epochs) if error else ("failed", "broken off")
        self._keep(status, alone=True)

    def _keep(self, status: tuple[str, str | None], *, alone: bool) -> None:
        from collectors.metering import aggregate
        from collectors.outcome import make_run
        from collectors.train import Progress

        own = self._meter.report()
        reports = [own] if alone else all_ranks(own)  # where one process failed, waiting for the others may not end
        progress = Progress(*status, columns=self.columns, curves=self._curves)
        try:
            run = make_run(
                self.recipe,
                progress,
                reports[0] if len(reports) == 1 else aggregate(reports),
                device=self.device,
                n_processes=len(reports),
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"the run's {'.'.join(map(str, first['loc']))} is not legal: {first['msg']}") from None
        self.run = run.model_copy(update={"flags": [*run.flags, *self.flags]})
        self.run.run_id = self.run.content_id()
        if own.rank.get("rank", 0) == 0:
            self.store.append(self.run)

    def enter_phase(self, phase: str | None) -> None:
        """From now on, bill to this phase; None bills to nobody. For callbacks; loops use `phase` and `epoch`."""
        if phase == self._phase:
            return
        now = self._meter.snapshot()
        if self._phase is None and self._left is not None:
            spent = (now.energy_kwh or 0.0) - (self._left.energy_kwh or 0.0)
            self._outside = (self._outside[0] + spent, self._outside[1] + now.duration_s - self._left.duration_s)
        self._window.close()
        self._phase = phase
        if phase is None:
            self._left = self._meter.snapshot()
        else:
            self._window.enter_context(self._meter.window(phase))
