"""Do good choices carry over: recipes worth choosing on one task, on the others where nobody ran them.

    green-collect --campaign everywhere --jobs 2

What is good on a task nobody has seen can only be learnt from recipes that met on many tasks. Worth choosing is what
comes close to the best trade of its task, where 1 % of the quality is worth half of the energy, or to the most
accurate.
"""

import json
import math
from collections import defaultdict

from collectors.campaign.progress import GOOD
from ecotaskset.load import load_tables
from ecotaskset.run import Run, from_table

KEPT = 0.992
"""Losing up to 0.8 % of the best quality is free, as in the question that GREEN is judged by."""
CLOSE = {"cv": (1.0, 0.99), "nlp": (1.0, 0.99), "recsys": (2.0, 0.98)}
"""A trade is close to the best where it is less than so many log-units dearer, or keeps so much of the best quality."""
TASKS = {"cv": 2, "nlp": 1, "recsys": 1}
"""On so many tasks. Images have easy tasks, on which nearly anything is worth choosing."""


def everywhere() -> list[dict]:
    """Recipes without a seed, those first that are worth choosing on the largest share of their domain's tasks."""
    met: dict[str, dict[str, dict[str, list[Run]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for run in (run for table in load_tables().values() for run in from_table(table)):
        if run.status in GOOD and run.recipe_id and run.quality_last is not None and run.energy_kwh:
            met[run.domain][run.dataset][_placeless(run)].append(run)
    found = []
    for domain, tasks in sorted(met.items()):
        good = defaultdict(int)
        for recipes in tasks.values():
            for recipe in _worth_choosing(recipes, *CLOSE[domain]):
                good[recipe] += 1
        for recipe, times in good.items():
            if times >= TASKS[domain]:
                missing = [task for task in sorted(tasks) if recipe not in tasks[task]]
                found += [(times / len(tasks), {**json.loads(recipe), "dataset": task}) for task in missing]
    return [recipe for _, recipe in sorted(found, key=lambda pair: -pair[0])]


def _placeless(run: Run) -> str:
    """A recipe without its data set, seed and number of threads, on which no quality hangs."""
    recipe = run.recipe().model_dump(exclude={"seed", "dataset"})
    recipe["knobs"].pop("cpu_threads", None)
    return json.dumps(recipe, sort_keys=True)


def _worth_choosing(recipes: dict[str, list[Run]], dearer: float, accurate: float) -> list[str]:
    quality = {name: sum(run.quality_last for run in runs) / len(runs) for name, runs in recipes.items()}
    spent = {name: sum(math.log(run.energy_kwh) for run in runs) / len(runs) for name, runs in recipes.items()}
    best = max(quality.values())
    price = {n: spent[n] + 100 * math.log(2) * max(0.0, KEPT - quality[n] / best) for n in recipes}
    least = min(price.values())
    return [n for n in recipes if price[n] <= least + dearer or quality[n] >= accurate * best]


DESIGN = {
    "name": "everywhere",
    "description": "recipes worth choosing on one task, on the others of their domain where nobody ran them",
    "designs": [{"list": everywhere(), "seeds": [0]}],
}
