"""THE training loop: one for all domains, on Accelerate, metered phase by phase. Read it top to bottom.

    from collectors.train import train
    from ecotaskset import Recipe
    run = train(Recipe.create(domain="cv", dataset="digits", model="resnet-tiny", epochs=3))

What differs between domains (data, model, metric) is in the `Task`; what knobs change is in `collectors.knobs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed
from torch import nn
from torch.utils.data import DataLoader

from collectors.accelerator import make_accelerator
from collectors.inference import measure_inference
from collectors.knobs import data as data_knobs
from collectors.knobs import inference as inference_knobs
from collectors.knobs import model as model_knobs
from collectors.knobs import system as system_knobs
from collectors.knobs import training as training_knobs
from collectors.knobs.refuse import refuse_impossible
from collectors.metering import EnergyMeter, EnergyReport, aggregate
from collectors.outcome import make_run
from collectors.profile import describe_model, matmul_gflops
from collectors.tasks import load_task
from collectors.tasks.task import Task
from ecotaskset.recipe import Recipe
from ecotaskset.run import COST_PHASES, Run

EVALUATION_BATCH_SIZE = 256
PROFILE_BATCH_SIZE = 2

Event = Callable[[dict[str, Any]], None]
Batch = dict[str, torch.Tensor]


@dataclass
class Progress:
    """What is known of a training so far; a run is made from it whatever happens."""

    status: str = "completed"
    status_reason: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    curves: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in CURVE_NAMES})

    @property
    def quality(self) -> list[float]:
        """Validation quality epoch by epoch."""
        return self.curves["curve_validation_quality"]


CURVE_NAMES = (
    "curve_train_loss",
    "curve_validation_loss",
    "curve_validation_quality",
    "curve_energy_kwh",
    "curve_duration_s",
)


def train(
    recipe: Recipe,
    *,
    meter: EnergyMeter | None = None,
    on_event: Event | None = None,
    cache_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train a recipe on this machine and return the run, epoch by epoch, with what it cost.

    Divergence, out of memory and Ctrl-C end the training, not the run: it is returned with its status and the energy
    spent until then.

    Args:
        recipe: what to train.
        meter: an `EnergyMeter` not yet entered (for a baseline, a country, a replay); a fresh one by default.
        on_event: called with a dict at the start and after each epoch (keys `event`, `epoch`, `quality`, …).
        cache_dir: where prepared data is kept; the user's cache by default.
        progress: filled in as the training goes on, for a caller who wants what was known also when this raises.

    Raises:
        UsageError: the recipe cannot be trained here; nothing was trained.
    """
    tell = on_event or (lambda event: None)
    refuse_impossible(recipe, "cuda" if torch.cuda.is_available() else "cpu")
    accelerator = make_accelerator(recipe)
    progress = progress or Progress()
    meter = meter or new_meter()
    with system_knobs.machine_settings(recipe, accelerator.device), meter:
        try:
            with meter.window("data"):
                task = data_knobs.choose(load_task(recipe, cache_dir=cache_dir), recipe, accelerator.device)
                progress.columns |= {**task.descriptors, "quality_metric": task.metric, "data_cached": task.cached}
            rehearse(accelerator, task, recipe, progress)
            with meter.window("model"):
                set_seed(recipe.seed)
                model = model_knobs.shape(task.build_model(recipe.model, recipe), task, recipe)
            with meter.window("system"):
                parts = prepare(accelerator, task, model, recipe)
            tell({"event": "run_started", "n_parameters": progress.columns["n_parameters"], "epochs": recipe.epochs})
            run_epochs(accelerator, parts, task, recipe, meter, progress, tell)
            if progress.status in ("completed", "early_stopped"):
                trained = accelerator.unwrap_model(parts.model, keep_fp32_wrapper=False, keep_torch_compile=False)
                progress.columns |= measure_inference(trained, task, recipe, meter, accelerator.device)
        except KeyboardInterrupt:
            progress.status, progress.status_reason = "interrupted", "stopped by the user"
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            progress.status, progress.status_reason = "out_of_memory", " ".join(str(error).split())[:400] or None
    report = gather_reports(accelerator, meter)
    return make_run(recipe, progress, report, device=accelerator.device.type, n_processes=accelerator.num_processes)


def new_meter(**options: Any) -> EnergyMeter:
    """A meter for the device this process trains on; options are those of `EnergyMeter`."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    return EnergyMeter(**{"devices": devices, **options})


def gather_reports(accelerator: Accelerator, meter: EnergyMeter) -> EnergyReport:
    """The energy of all processes of this training: summed over ranks, time the longest."""
    if accelerator.num_processes == 1:
        return meter.report()
    return aggregate(gather_object([meter.report()]))


@dataclass
class Parts:
    """Everything `accelerator.prepare` wrapped."""

    model: nn.Module
    optimizer: Any
    schedule: Any
    train_loader: Any
    validation_loader: Any
    start_epoch: Callable[[int], Callable[[Batch], Batch]]
    """Called with the epoch's number (from 1); returns what is done to each of its training batches."""


def rehearse(accelerator: Accelerator, task: Task, recipe: Recipe, progress: Progress) -> None:
    """Count FLOPs, take one step and deploy a throw-away model, so that first-use costs do not end up in the bill and
    knobs that do not fit the architecture are refused before training. It runs outside all phases.
    """
    progress.columns["cpu_threads"] = torch.get_num_threads()
    progress.columns["matmul_gflops"] = matmul_gflops(str(accelerator.device))
    model = model_knobs.shape(task.build_model(recipe.model, recipe), task, recipe).train()
    batch = first_batch(task, PROFILE_BATCH_SIZE)
    progress.columns |= describe_model(model, batch)
    batch = {k: v.to(accelerator.device) for k, v in batch.items()}
    model.to(accelerator.device)(**batch).loss.backward()
    inference_knobs.rehearse(model, recipe, batch)


def is_out_of_memory(error: Exception) -> bool:
    """Torch reports exhausted host memory as a plain RuntimeError of its allocator."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def first_batch(task: Task, n: int) -> Batch:
    """The first `n` training examples as one batch."""
    return task.collate([task.train[i] for i in range(min(n, len(task.train)))])


def prepare(accelerator: Accelerator, task: Task, model: nn.Module, recipe: Recipe) -> Parts:
    """Data loaders, optimizer and schedule, moved to the device and made ready for several processes."""
    options = {"collate_fn": task.collate, **system_knobs.loader_options(recipe)}
    order = data_knobs.order(task, recipe)
    lonely = len(task.train) % recipe.batch_size == 1 < len(task.train)  # batch statistics need two examples
    train_loader = DataLoader(task.train, batch_size=recipe.batch_size, drop_last=lonely, **order, **options)
    validation_loader = DataLoader(task.validation, batch_size=EVALUATION_BATCH_SIZE, **options)
    training_knobs.checkpoint_gradients(model, recipe)
    model = system_knobs.lay_out(model, recipe)
    start_epoch = training_knobs.plan_epochs(model, first_batch(task, PROFILE_BATCH_SIZE), recipe)
    optimizer = training_knobs.make_optimizer(model, recipe)
    model, optimizer, train_loader, validation_loader = accelerator.prepare(
        model, optimizer, train_loader, validation_loader
    )
    steps = math.ceil(len(train_loader) / int(recipe.knob("gradient_accumulation"))) * recipe.epochs
    schedule = training_knobs.make_schedule(optimizer.optimizer, recipe, steps)
    model = system_knobs.compile_model(model, recipe)
    return Parts(model, optimizer, schedule, train_loader, validation_loader, start_epoch)


def run_epochs(
    accelerator: Accelerator,
    parts: Parts,
    task: Task,
    recipe: Recipe,
    meter: EnergyMeter,
    progress: Progress,
    tell: Event,
) -> None:
    """Train and validate until the last epoch, divergence, or no progress for `early_stopping` epochs."""
    patience = int(recipe.knob("early_stopping"))
    for epoch in range(1, recipe.epochs + 1):
        with meter.window("training"):
            train_loss = train_epoch(accelerator, parts, parts.start_epoch(epoch), meter)
        with meter.window("evaluation"):
            validation_loss, quality = evaluate(accelerator, parts.model, parts.validation_loader, task, meter)
        energy_kwh, duration_s = spent_so_far(accelerator, meter)
        values = (train_loss, validation_loss, quality, energy_kwh, duration_s)
        for name, value in zip(CURVE_NAMES, values, strict=True):
            progress.curves[name].append(value)
        tell(
            {"event": "epoch", "epoch": epoch, "epochs": recipe.epochs, "metric": task.metric, "quality": quality}
            | dict(zip(("train_loss", "validation_loss", "quality", "energy_kwh", "duration_s"), values, strict=True))
        )
        if not math.isfinite(train_loss):
            progress.status, progress.status_reason = "diverged", f"training loss is {train_loss} in epoch {epoch}"
            return
        best = progress.quality.index(max(progress.quality))
        if patience and epoch < recipe.epochs and epoch - 1 - best >= patience:
            progress.status, progress.status_reason = "early_stopped", f"no progress for {patience} epochs"
            return


def spent_so_far(accelerator: Accelerator, meter: EnergyMeter) -> tuple[float | None, float]:
    """Energy in kWh (summed over processes) and seconds of the phases that are the training's bill, until now."""
    windows = meter.report().windows
    phases = [windows[name] for name in COST_PHASES if name in windows]
    known = [phase.energy_kwh for phase in phases if phase.energy_kwh is not None]
    mine = sum(known) if known else None
    parts = [mine] if accelerator.num_processes == 1 else gather_object([mine])
    total = [kwh for kwh in parts if kwh is not None]
    return (sum(total) if total else None), sum(phase.duration_s for phase in phases)


def train_epoch(accelerator: Accelerator, parts: Parts, change: Callable[[Batch], Batch], meter: EnergyMeter) -> float:
    """One pass over the training examples, each batch changed first; returns the mean loss a batch."""
    parts.model.train()
    total = torch.zeros((), device=accelerator.device)
    # entering Accelerate's context costs a per cent of a small step: only where gradients are added up
    accumulating = accelerator.gradient_accumulation_steps > 1
    for batch in parts.train_loader:
        with accelerator.accumulate(parts.model) if accumulating else nullcontext():
            loss = parts.model(**change(batch)).loss
            accelerator.backward(loss)
            parts.optimizer.step()
            parts.optimizer.zero_grad()
            if accelerator.sync_gradients:
                parts.schedule.step()
        total += loss.detach()
        meter.tick()  # an epoch may last longer than it takes a counter to wrap
    return accelerator.reduce(total, "mean").item() / max(len(parts.train_loader), 1)


@torch.no_grad()
def evaluate(
    accelerator: Accelerator, model: nn.Module, loader: Any, task: Task, meter: EnergyMeter
) -> tuple[float, float]:
    """Mean loss and mean score an example over a split; examples padded in for several processes are not counted."""
    model.eval()
    losses, scores = [], []
    for batch in loader:
        out = model(**batch)
        score = task.score(out.logits, batch)
        loss = out.loss.detach().float().expand(len(score))
        loss, score = accelerator.gather_for_metrics((loss.contiguous(), score))
        losses.append(loss)
        scores.append(score)
        meter.tick()
    return torch.cat(losses).mean().item(), torch.cat(scores).float().mean().item()
