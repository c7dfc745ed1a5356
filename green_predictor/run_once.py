"""Choosing by prediction beside choosing by measurement: what would somebody reach who runs every recipe once?

Of recipes that were run with several seeds, one run is what that person sees; the runs of the other seeds say what the
choice is really worth. GREEN's choice among the same recipes is judged by the same other runs. What not even running
everything once would reach is the luck of seeds, and no predictor's to reach.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from green_predictor.judge import HEADLINE, Guess, Task, measured_task, outcome
from green_predictor.preferences import choose

DRAWS = 20
LEAST_RECIPES = 3


def run_once(
    task: Task, made: Guess, energy: str = "all", seed: int = 0
) -> tuple[dict[str, float], dict[str, float]] | None:
    """Outcomes (see `judge.outcome`) of the headline rule, means over `DRAWS`: told one run of each repeated recipe,
    and told `made`. What running them all costs is on no bill. None where fewer than `LEAST_RECIPES` were repeated.
    """
    runs: dict[int, list[int]] = defaultdict(list)
    for i, recipe in enumerate(task.recipe_of_record):
        runs[int(recipe)].append(i)
    seeds = [record.get("seed") for record in task.records]
    repeated = sorted(recipe for recipe, own in runs.items() if len({seeds[i] for i in own}) > 1)
    if len(repeated) < LEAST_RECIPES:
        return None
    among = np.isin(np.arange(len(task.quality)), repeated)
    wise = among if made.choosable is None or not (among & made.choosable).any() else among & made.choosable
    predicted = repeated.index(replace(made, choosable=wise).choice(HEADLINE))
    rng = np.random.default_rng(seed)
    found: tuple[list, list] = ([], [])
    for _ in range(DRAWS):
        seen = [int(rng.choice(runs[recipe])) for recipe in repeated]
        others = [i for one, recipe in zip(seen, repeated, strict=True) for i in runs[recipe] if seeds[i] != seeds[one]]
        told, truth = (measured_task(task.name, [task.records[i] for i in some], energy) for some in (seen, others))
        assert told is not None and truth is not None  # as many recipes as were repeated
        for outcomes, chosen in zip(found, (choose(HEADLINE, told.quality, told.energy).best, predicted), strict=True):
            outcomes.append(outcome(truth, chosen))
    told_one, told_made = ({name: float(np.mean([o[name] for o in some])) for name in some[0]} for some in found)
    return told_one, told_made
