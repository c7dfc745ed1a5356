"""On two threads what ran on one: of every architecture and size of batch some short recipes, every fifth also on one
thread with nothing beside it.

    green-collect --campaign threads --jobs 1

Which recipes they are follows from the snapshot that is shipped: those that the processor of this machine has run, so
that both trainings are of one processor. Where it has run none, each is run both ways.
"""

import random
from collections import defaultdict

from collectors.campaigns.finals import shipped
from collectors.metering import hardware
from ecotaskset.run import Run

SHORTEST_S, LONGEST_S = 1.5, 30.0
OF_EACH, EVERY = 4, 5
BATCHES = (16, 64)
"""Batches up to the first are small, above the second large."""


def some(runs: list[Run]) -> list[dict]:
    """Some recipes of each architecture and size of batch, without the number of threads."""
    kinds: dict[tuple, dict[str, Run]] = defaultdict(dict)
    for run in runs:
        alone = run.cpu_threads == 1 and run.status == "completed"
        if alone and run.duration_s and SHORTEST_S < run.duration_s < LONGEST_S:
            size = sum(run.batch_size > limit for limit in BATCHES)
            kinds[run.domain, run.model, size].setdefault(run.recipe_id, run)
    draw, found = random.Random(0), []
    for kind in sorted(kinds):
        recipes = [kinds[kind][name].recipe() for name in sorted(kinds[kind])]
        draw.shuffle(recipes)
        found += [recipe.model_dump() for recipe in recipes if "early_stopping" not in recipe.knobs][:OF_EACH]
    return found


def on(count: int, recipes: list[dict]) -> list[dict]:
    """The same recipes on so many threads."""
    return [{**recipe, "knobs": {**recipe["knobs"], "cpu_threads": count}} for recipe in recipes]


RUNS, CPU = shipped(), hardware()["cpu_model"]
HERE = [run for run in RUNS if run.cpu_model == CPU]
RECIPES = some(HERE or RUNS)

DESIGN = {
    "name": "threads",
    "description": "on two threads what ran on one on this processor",
    "shuffle": True,
    "designs": [{"list": [*on(2, RECIPES), *on(1, RECIPES[:: EVERY if HERE else 1])]}],
}
