"""Drift: does the same recipe cost more at one hour than at another, on one and the same machine?

Where energy is modelled from processor time, a machine that other tenants slow down makes every training look dearer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

from ecotaskset.report_repeats import FINISHED, machine, source_of
from ecotaskset.run import Run

FIRM = 1.0
"""A ridge penalty: an hour that a single repeat ties to the others is believed half."""


def drift(runs: Sequence[Run]) -> dict[str, list[dict[str, Any]]]:
    """By source of the energy: hours (UTC, one machine each) in which recipes ran that also ran in other hours, with
    the number of such runs and what an epoch cost then, over what the same recipes cost on average."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        known = run.recipe_id and run.energy_kwh and run.epochs_run and run.collected_at
        if run.status in FINISHED and known and "contended" not in run.flags:
            groups[source_of(run)].append(run)
    found = {}
    for source, members in sorted(groups.items()):
        hours = [(machine(run), f"{run.collected_at:%Y-%m-%d %H}:00") for run in members]
        factors = hour_factors(
            [(run.recipe_id, machine(run)) for run in members],
            hours,
            [run.energy_kwh / run.epochs_run for run in members],
        )
        if factors:
            found[source] = [
                {"hour": hour[1], "runs": count, "factor": factor} for hour, (count, factor) in factors.items()
            ]
    return found


def hour_factors(
    recipes: Sequence[Hashable], hours: Sequence[Hashable], costs: Sequence[float]
) -> dict[Hashable, tuple[int, float]]:
    """What hours do to costs: a two-way model, log cost = recipe + hour, by ridge regression on what is left within
    recipes. Only hours that share a recipe with another one: (runs that tell, factor), in the order of the hours. The
    factors' mean over those runs is 1 on the logarithmic scale."""
    import numpy as np

    cost, by_recipe = np.log(np.asarray(costs, dtype=float)), defaultdict(list)
    for i, recipe in enumerate(recipes):
        by_recipe[recipe].append(i)
    telling = [mine for mine in by_recipe.values() if len({hours[i] for i in mine}) > 1]
    names = sorted({hours[i] for mine in telling for i in mine}, key=str)
    if not names:
        return {}
    place = {name: column for column, name in enumerate(names)}
    gram, right, count = np.eye(len(names)) * FIRM, np.zeros(len(names)), np.zeros(len(names))
    for mine in telling:
        made = np.zeros((len(mine), len(names)))
        made[np.arange(len(mine)), [place[hours[i]] for i in mine]] = 1
        count += made.sum(0)
        made -= made.mean(0)
        gram += made.T @ made
        right += made.T @ cost[mine]
    effect = np.linalg.solve(gram, right)
    effect -= count @ effect / count.sum()
    return {name: (int(count[place[name]]), float(np.exp(effect[place[name]]))) for name in names}
