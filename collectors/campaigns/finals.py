"""Who is really best: the leading recipes of every task in the shipped snapshot, with two more seeds.

    green-collect --campaign finals --jobs 2

The most accurate of a hundred recipes is partly the luckiest of them. What savings are measured against should not be
luck, so the leaders are run again; which ones they are follows from the snapshot that is shipped.
"""

from collections import defaultdict

from ecotaskset.load import load_tables
from ecotaskset.run import Run, from_table

LEADERS = 8
MORE_SEEDS = [1, 2]


def by_recipe(runs: list[Run]) -> dict[tuple[str, str], dict[str, list[Run]]]:
    """The completed runs of each recipe of each task (domain, data set)."""
    found: dict[tuple[str, str], dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.status == "completed" and run.quality_test is not None and run.recipe_id:
            found[run.domain, run.dataset][run.recipe_id].append(run)
    return dict(sorted(found.items()))


def leaders(runs: list[Run]) -> list[dict]:
    """The recipes of highest validation quality on each task; a recipe counts with its mean over seeds."""
    found = []
    for recipes in by_recipe(runs).values():
        means = {name: sum(run.quality_last or 0 for run in made) / len(made) for name, made in recipes.items()}
        for name in sorted(means, key=lambda name: (-means[name], name))[:LEADERS]:
            found.append(recipes[name][0].recipe().model_dump(exclude={"seed"}))
    return found


DESIGN = {
    "name": "finals",
    "description": f"the {LEADERS} most accurate recipes of every task, with two more seeds",
    "designs": [
        {"list": leaders([run for table in load_tables().values() for run in from_table(table)]), "seeds": MORE_SEEDS}
    ],
}
