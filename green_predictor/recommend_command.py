"""`green-recommend`: ask, probe if wanted, show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecotaskset.amounts import energy as energy_text
from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from ecotaskset.store import Store
from green_predictor import probing
from green_predictor.plot import check_ending
from green_predictor.recommender import recommend
from green_predictor.show import recommendation_table


def recommend_command(
    out: Output, asked: dict[str, Any], *, probe: int, store: Path | None, plot: Path | None, json: bool, quiet: bool
) -> None:
    """Answer the question `asked` (arguments of `recommend`), with `probe` trainings of two epochs before it."""
    if plot is not None:
        check_ending(plot)
    answer = recommend(**asked)
    facts: dict[str, Any] = {}
    lines: list[Any] = []
    if probe:
        if asked["dataset"] not in {run["dataset"] for run in answer.model.runs}:
            raise UsageError(
                "probes need a data set that green-collect can load",
                hint="make short runs of your own task, record them, and give them as --observed",
            )
        tried = probing.shortlist(answer, probe)
        runs = probing.train_probes(tried, Store(store), out.say)
        used = probing.energy_kwh(runs)
        known = probing.records_with(asked.get("observed"), runs)
        among = {"candidates": tried} if len(tried) > 1 else {}
        answer = recommend(**{**asked, "observed": known, **among})
        facts["probes"] = {"run_ids": [run.run_id for run in runs], "energy_kwh": used}
        spent = "unknown energy" if used is None else energy_text(used)
        lines = [
            f"[dim]probed[/]    {len(runs)} recipes for up to {probing.EPOCHS} epochs: {spent}, on top of the bill"
        ]
    if plot is not None:
        answer.plot(plot)
        out.say(f"picture written to {plot}")
    shown = recommendation_table(answer)
    out.result(
        {**answer.to_dict(), **facts} if json else None,
        [*shown[:-2], *lines, *shown[-2:]] if not quiet else None,
        [answer.command],
    )
