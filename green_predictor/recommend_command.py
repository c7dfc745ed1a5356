"""`green-recommend`: ask, probe if wanted, show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from ecotaskset.amounts import energy as energy_text
from ecotaskset.console import INTERRUPTED, Output
from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS
from ecotaskset.recipe import is_own
from ecotaskset.store import Store
from green_predictor import probing
from green_predictor.follow import Followed, disturbed, follow
from green_predictor.own_data import FORMS, describe
from green_predictor.plot import check_ending
from green_predictor.recommender import model_of, recommend
from green_predictor.show import recommendation_table


def recommend_command(
    out: Output,
    asked: dict[str, Any],
    *,
    probe: int,
    train: bool,
    store: Path | None,
    plot: Path | None,
    json: bool,
    quiet: bool,
) -> None:
    """Answer the question `asked` (arguments of `recommend`), with `probe` trainings of two epochs before it, and then
    `train` what was recommended."""
    if plot is not None:
        check_ending(plot)
    own = is_own(asked["dataset"]) and asked["dataset"] not in _names(asked)
    if own:
        out.say(f"reading {escape(asked['dataset'])}")
        asked = {**asked, "dataset": describe(asked["domain"], asked["dataset"])}
    answer = recommend(**asked)
    facts: dict[str, Any] = {}
    lines: list[Any] = []
    if (probe or train) and not own and asked["dataset"] not in {run["dataset"] for run in answer.model.runs}:
        raise UsageError(
            f"{'probes need' if probe else '--train needs'} a data set that green-collect can load",
            hint=f"say where yours is: --dataset {FORMS[asked['domain']]}; or give runs of it as --observed",
        )
    if probe:
        tried = probing.shortlist(answer, probe)
        runs = probing.train_probes(tried, Store(store), out.say)
        used = probing.energy_kwh(runs)
        known = probing.records_with(asked.get("observed"), runs)
        among = {"candidates": tried} if len(tried) > 1 else {}
        asked = {**asked, "observed": known, **among}
        answer = recommend(**asked)
        facts["probes"] = {"run_ids": [run.run_id for run in runs], "energy_kwh": used}
        spent = "unknown energy" if used is None else energy_text(used)
        lines = [
            f"[dim]probed[/]    {len(runs)} recipes for up to {probing.EPOCHS} epochs: {spent}, on top of the bill"
        ]
    if train:
        out.say(f"[bold]train[/]   {escape(answer.verdict)}")
        try:
            followed = follow(asked, answer, Store(store), out.say)
        except KeyboardInterrupt:  # green-collect has said so
            raise SystemExit(INTERRUPTED) from None
        answer, facts["training"] = followed.answer, followed.to_dict()
        lines += [f"[dim]trained[/]   {escape(came_out(followed))}"]
    if plot is not None:
        answer.plot(plot)
        out.say(f"picture written to {plot}")
    shown = recommendation_table(answer)
    out.result(
        {**answer.to_dict(), **facts} if json else None,
        [*shown[:-2], *lines, *shown[-2:]] if not quiet else None,
        [answer.command],
    )


def _names(asked: Mapping[str, Any]) -> set[str]:
    """The data sets of the domain that runs are of."""
    if asked["domain"] not in DOMAINS:
        raise unknown_name("domain", asked["domain"], DOMAINS)
    return {
        str(run["dataset"]) for run in model_of(asked["domain"], asked.get("data"), asked.get("energy", "all")).runs
    }


def came_out(followed: Followed) -> str:
    """What the training reached and used, beside what was expected of it."""
    run, best, spent = followed.runs[-1], followed.answer.best, probing.energy_kwh(followed.runs)
    quality = "not known" if run.quality_validation is None else f"{run.quality_validation:.3f}"
    used = "unknown energy" if spent is None else energy_text(spent)
    switched = ", with what was spent before the switch" if len(followed.runs) > 1 else ""
    doubt = f"; {note}" if (note := next(filter(None, map(disturbed, followed.runs)), None)) else ""
    return (
        f"{run.model} as run {run.run_id}: {followed.answer.metric} {quality} (expected {best.quality:.3f}), "
        f"{used} (expected {energy_text(best.energy_kwh)}){switched}{doubt}"
    )
