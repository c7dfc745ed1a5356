"""Train one recipe for a person at a terminal: the plan, the epochs as they come, the result, the next command."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from collectors.asking import Asking
from collectors.keep import keep
from collectors.signals import sigterm_as_ctrl_c
from ecotaskset.console import Output
from ecotaskset.errors import EcoTaskSetError, MeasurementError, RunsFailedError, UsageError
from ecotaskset.recipe import Recipe, is_own
from ecotaskset.run import Run
from ecotaskset.store import Store

if TYPE_CHECKING:
    from collectors.metering import EnergyMeter

SILENT = Output(quiet=True)
QUALITY_MARK = {"measured": "measured", "modelled": "modelled", "missing": "not known", None: "not known"}


def collect_one(
    recipe: Recipe,
    store: Store,
    out: Output,
    *,
    dry_run: bool,
    repeat: bool,
    cache_dir: Path | None,
    meter_options: dict[str, Any],
    require_measured: bool,
    ask_after: int | None = None,
    prepare_first: bool = False,
) -> None:
    """Plan, train, keep and show one recipe. `ask_after`: the epoch after which to ask whether to go on.
    `prepare_first`: the first training of a data set prepares it for all later ones; that is not to be on its bill.

    Raises:
        UsageError: there is no such epoch, the recipe cannot be trained here, or the store cannot be written (the
            message says where the run is, if that was found out too late).
        MeasurementError: measured energy was required and only a model is available.
        RunsFailedError: the training diverged, ran out of memory or hit a bug; the run is kept.
        KeyboardInterrupt: after the interrupted run was kept.
    """
    from collectors.metering.ranks import current_rank
    from collectors.plan import check_recipe, refuse_unfit, same_experiment

    check_recipe(recipe)
    if ask_after is not None and not 1 <= ask_after < recipe.epochs:
        raise UsageError(
            f"--ask-after {ask_after} is not before the end of {recipe.epochs} epochs",
            hint=f"from 1 to {recipe.epochs - 1}" if recipe.epochs > 1 else "one epoch is all there is",
        )
    if dry_run:  # a training rehearses by itself, on its own data
        refuse_unfit(recipe)
    rank = current_rank(os.environ).rank
    main_process = rank == 0
    if not main_process:  # under `accelerate launch`, the first process talks and writes for all
        out = SILENT
    if not repeat and (known := same_experiment(store, recipe)) is not None:
        out.say(f"already collected as run [bold]{known.run_id}[/]; add --repeat to measure it again")
        out.result(known.model_dump(mode="json"), run_table(known), [known.run_id] if main_process else [])
        return
    guess = "" if out.quiet and not dry_run else _guessed(recipe, out, cache_dir)
    what = f"{recipe.domain} · {recipe.dataset} · {recipe.model} · {recipe.epochs} epochs"
    out.say(f"[bold]plan[/]    {what} · {escape(guess)}")
    if dry_run:
        out.result(
            {"recipe": recipe.model_dump(), "recipe_id": recipe.recipe_id, "estimate": guess},
            f"\\[dry-run] would train: {recipe.command()}",
            [recipe.recipe_id] if main_process else [],
        )
        return
    store.check_writable()
    # the first process asks for all
    tell = Asking(ask_after if main_process else None, out, lambda event: _epoch_line(out, event))
    run, error = train_aloud(recipe, out, cache_dir, meter_options, require_measured, tell, prepare_first)
    if not main_process:
        if error is not None:  # the first process will only hear that this one is gone
            sys.stderr.write(f"process {rank}: {run.status_reason}\n")
        return
    try:
        path = keep(run, store)
    finally:
        out.result(run.model_dump(mode="json"), run_table(run), [run.run_id])
    out.say(f"saved   run [bold]{run.run_id}[/] in {path.parent.parent}")
    if not tell.declined:
        raise_unless_good(run, error)
    out.say(f"next    green-collect --push   or   {escape(ask_again(recipe, run, store))}")


def _guessed(recipe: Recipe, out: Output, cache_dir: Path | None) -> str:
    from collectors.plan import estimate

    if is_own(recipe.dataset):
        out.say(f"reading {recipe.dataset}")
    return estimate(recipe, cache_dir)


def _prepare_apart(recipe: Recipe, out: Output, cache_dir: Path | None) -> None:
    """Prepare the data in a process of its own: what a training finds in memory already is not on its bill."""
    with out.talk.status("preparing the data, once"), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(_prepare, recipe, cache_dir).result()


def _prepare(recipe: Recipe, cache_dir: Path | None) -> None:
    from collectors.tasks import load_task

    load_task(recipe, cache_dir)


def ask_again(recipe: Recipe, run: Run, store: Store) -> str:
    """The command that asks about the task of a run; about data of one's own with the runs made on them."""
    command = f"green-recommend --domain {run.domain} --dataset {shlex.quote(recipe.dataset)}"
    return f"{command} --observed {shlex.quote(str(store.path))}" if is_own(recipe.dataset) else command


def train_aloud(
    recipe: Recipe,
    out: Output,
    cache_dir: Path | None,
    meter_options: dict[str, Any],
    require_measured: bool,
    tell: Callable[[dict[str, Any]], None] | None = None,
    prepare_first: bool = False,
) -> tuple[Run, Exception | None]:
    """Train with one line an epoch, or as `tell` tells it; the run, whatever happened, and the error if it is `failed`.
    `prepare_first`: see `collect_one`.

    Raises:
        UsageError: the recipe cannot be trained here; no epoch was.
        MeasurementError: measured energy was required and only a model is available.
    """
    with out.talk.status("loading torch"):
        from collectors.failures import attempt
        from collectors.train import new_meter

    meter = new_meter(**meter_options)
    if require_measured:
        refuse_models(meter)
    with sigterm_as_ctrl_c():
        if prepare_first and recipe.knob("cached_preprocessing"):
            _prepare_apart(recipe, out, cache_dir)
        tell = tell or (lambda event: _epoch_line(out, event))
        run, error = attempt(recipe, meter=meter, on_event=tell, cache_dir=cache_dir)
    if isinstance(error, EcoTaskSetError) and not run.epochs_run:
        raise error
    return run, error


def refuse_models(meter: EnergyMeter) -> None:
    """Refuse a machine on which a meter like this one would measure nothing.

    Raises:
        MeasurementError: energy can only be modelled here.
    """
    if not meter.measures():
        raise MeasurementError(
            "energy can only be modelled on this machine, and --require-measured was given",
            hint="`green-collect --doctor` says what is missing",
        )


def raise_unless_good(run: Run, error: Exception | None) -> None:
    """What a kept run says of its training, as the exit code will say it.

    Raises:
        KeyboardInterrupt: it was interrupted.
        RunsFailedError: it failed in any other way; caused by `error`.
    """
    if run.status == "interrupted":
        raise KeyboardInterrupt
    if run.status not in ("completed", "early_stopped"):
        hint = "it is kept: failures are data too" + ("; --repeat --debug shows the traceback" if error else "")
        raise RunsFailedError(f"the run is {run.status}: {run.status_reason}", hint=hint) from error


def _epoch_line(out: Output, event: dict[str, Any]) -> None:
    if event["event"] != "epoch":
        return
    energy = "energy not known" if event["energy_kwh"] is None else f"{event['energy_kwh'] * 1000:.4f} Wh"
    left = (event["epochs"] - event["epoch"]) * event["duration_s"] / event["epoch"]
    out.say(
        f"epoch   {event['epoch']}/{event['epochs']}  loss {event['train_loss']:.3f}  "
        f"{event['metric']} {event['quality']:.3f}  {energy}  {event['duration_s']:.1f} s  [dim]{left:.0f} s left[/]"
    )


def run_table(run: Run) -> Any:
    """The result of a run as a rich table: every energy with its source and whether it is measured."""
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_row("status", run.status + (f" ({run.status_reason})" if run.status_reason else ""))
    if run.quality_validation is not None:
        table.add_row(
            run.quality_metric, f"{run.quality_validation:.4f} validation (best epoch {run.best_epoch})"
            + (f" · {run.quality_test:.4f} test" if run.quality_test is not None else "")
        )  # fmt: skip
    table.add_row("energy", _energy(run.energy_kwh, run.energy_low_kwh, run.energy_high_kwh))
    for name in ("gpu", "cpu", "ram"):
        kwh, quality = getattr(run, f"{name}_energy_kwh"), getattr(run, f"{name}_energy_quality")
        if quality is None or (name == "gpu" and kwh is None):
            continue
        source = getattr(run, f"{name}_energy_source") or getattr(run, f"{name}_energy_method")
        table.add_row(f"  {name}", f"{_energy(kwh)}  {QUALITY_MARK[quality]} ({source})")
    if run.duration_s is not None:
        table.add_row("time", f"{run.duration_s:.1f} s")
    if run.inference_kwh_per_1000 is not None:
        table.add_row("inference", f"{run.inference_kwh_per_1000 * 1000:.5f} Wh per 1,000 predictions")
    if run.flags:
        table.add_row("doubts", ", ".join(run.flags))
    return table


def _energy(kwh: float | None, low: float | None = None, high: float | None = None) -> str:
    if kwh is None:
        return "not known"
    interval = f" ({low * 1000:.4f} to {high * 1000:.4f})" if low is not None and high is not None else ""
    return f"{kwh * 1000:.4f} Wh{interval}"
