"""A campaign from its design to its runs: plan, skip what is done, execute, sum up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from collectors.campaign.cost import cost_words, expected_cost
from collectors.campaign.design import Campaign, load_campaign
from collectors.campaign.progress import GOOD, Reporter, clock
from collectors.campaign.worker import RunOptions
from collectors.collect_one import refuse_models
from collectors.metering import EnergyMeter
from collectors.plan import experiment_key, finished_keys, public_recipe
from ecotaskset.console import Output
from ecotaskset.errors import RunsFailedError, UsageError, unknown_name
from ecotaskset.recipe import Recipe
from ecotaskset.store import Store

ENGINES = ("local", "ray")


def run_campaign(
    campaign: str | Campaign,
    store: str | Path | None,
    out: Output,
    *,
    jobs: int = 1,
    engine: str = "local",
    limit: int | None = None,
    resume: bool = True,
    dry_run: bool = False,
    cache_dir: str | Path | None = None,
    meter_options: dict[str, Any] | None = None,
    require_measured: bool = False,
) -> None:
    """Train every recipe of a campaign that is not in the store yet.

    Args:
        campaign: a built-in name, the path of a design, or a `Campaign`.
        jobs: runs side by side, each with its own cores.
        limit: at most so many runs now.
        resume: skip recipe + seed + hardware that the store has already.
        dry_run: say what would be trained and stop.
        meter_options: keyword arguments of `EnergyMeter`.
        require_measured: train only where energy is measured.

    Raises:
        UsageError: the design, the engine, `jobs` or the meter makes no sense; nothing was trained.
        MeasurementError: measured energy was required and only a model is available; nothing was trained.
        RunsFailedError: the campaign went to its end, but some runs failed; they are kept as well.
        KeyboardInterrupt: after Ctrl-C, when the runs under way were kept as interrupted.
    """
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("a campaign runs one process a recipe", hint="leave `accelerate launch` out, use --jobs")
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} leaves nothing to do", hint="give 1 or more")
    if require_measured and engine == "ray":
        raise UsageError(
            "--require-measured cannot be checked for the machines of a Ray cluster",
            hint="`green-collect --doctor --require-measured` on each of them says it",
        )
    execute, threads = _engine(engine, jobs)
    meter_options = {**({"node_share": 1 / jobs} if engine == "local" else {}), **(meter_options or {})}
    meter = EnergyMeter(**meter_options)  # refuses what makes no sense here, and not in every run's process
    chosen = load_campaign(campaign) if isinstance(campaign, str) else campaign
    place = Store(store)
    todo = remaining(chosen.recipes, place) if resume else list(chosen.recipes)
    n_done = len(chosen.recipes) - len(todo)
    todo = todo[:limit]
    _refuse_too_many_threads(todo, threads, engine, jobs)
    cost = expected_cost(todo, jobs, threads)
    done = f" · {n_done} already in the store" if n_done else ""
    out.say(f"[bold]plan[/]    {chosen.name}: {len(todo)} of {len(chosen.recipes)} runs{done} · {cost_words(cost)}")
    if dry_run:
        from rich.markup import escape

        plan = {"campaign": chosen.name, "n_already_done": n_done, **cost}
        recipes = [{**recipe.model_dump(mode="json"), "recipe_id": recipe.recipe_id} for recipe in todo]
        lines = [f"[dry-run] would train: {recipe.command()}" for recipe in todo]
        out.result({**plan, "recipes": recipes}, escape("\n".join(lines)), [recipe.recipe_id for recipe in todo])
        return
    if todo and require_measured:
        refuse_models(meter)
    with Reporter(out, len(todo), jobs) as reporter:
        reporter.event("plan", campaign=chosen.name, n_already_done=n_done, jobs=jobs, engine=engine, **cost)
        if todo:
            options = RunOptions(str(place.path), str(cache_dir) if cache_dir else None, meter_options)
            try:
                execute(todo, options, jobs, reporter.tell)
            finally:
                reporter.event("summary", **reporter.summary())
        else:
            reporter.event("summary", **reporter.summary())
    _say_end(out, reporter, place, len(chosen.recipes) - n_done - len(todo))


def remaining(recipes: Sequence[Recipe], store: Store) -> list[Recipe]:
    """The recipes that the store has no finished run of, on this hardware."""
    from collectors.metering import hardware

    here, finished = hardware(), finished_keys(store)
    return [
        recipe
        for recipe in recipes
        if experiment_key(public_recipe(recipe).recipe_id, recipe.seed, here["cpu_model"], here["gpu_model"])
        not in finished
    ]


def _engine(name: str, jobs: int) -> tuple[Any, int]:
    """What executes the recipes, and the threads that each run gets."""
    if name == "ray":
        from collectors.campaign.ray_engine import cores_of_a_run, execute_on_ray

        return execute_on_ray, cores_of_a_run()
    from collectors.campaign.local import execute_locally, share_cores

    return execute_locally, len(share_cores(jobs)[0])


def _refuse_too_many_threads(recipes: Sequence[Recipe], threads: int, engine: str, jobs: int) -> None:
    wanted = [count for recipe in recipes if (count := recipe.knob("cpu_threads") or 0) > threads]
    if not wanted:
        return
    hint = "take these recipes out: this machine has no more"
    if engine == "ray":
        hint = "the environment's ECOTASKSET_RAY_CORES says how many a run gets"
    elif jobs > 1:
        hint = "run fewer side by side: --jobs 1"
    recipes_want = f"{len(wanted)} recipes want" if len(wanted) > 1 else "a recipe wants"
    raise UsageError(f"{recipes_want} {max(wanted)} threads, a run gets {threads} here", hint=hint)


def _say_end(out: Output, reporter: Reporter, store: Store, n_left: int) -> None:
    end = reporter.summary()
    counts = ", ".join(f"{n} {status}" for status, n in sorted(end["statuses"].items())) or "nothing to do"
    energy = "" if end["energy_kwh"] is None else f" · {end['energy_kwh'] * 1000:.3f} Wh"
    out.say(f"[bold]done[/]    {counts}{energy} · {clock(end['duration_s'])} · in {store.path}")
    if n_left:
        out.say(f"left    {n_left} runs of the campaign; the same command goes on with them")
    if not out.json:
        out.result(end, None, end["run_ids"])
    if reporter.failures:
        n_failed = sum(n for status, n in end["statuses"].items() if status not in GOOD)
        raise RunsFailedError(
            f"{n_failed} of {end['n_runs']} runs failed, the first: {reporter.failures[0]}",
            hint="they are kept: failures are data too",
        )
    if end["n_runs"]:
        out.say("next    green-collect --push   or   green-predictor fit")
