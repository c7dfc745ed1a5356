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


def ranked(runs: list[Run]) -> list[list[dict]]:
    """The recipes of each task, best first: by validation quality, as its mean over seeds."""
    tasks: dict[tuple[str, str], dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.status == "completed" and run.quality_last is not None and run.recipe_id:
            tasks[run.domain, run.dataset][run.recipe_id].append(run)
    found = []
    for _, recipes in sorted(tasks.items()):
        mean = {name: sum(run.quality_last for run in made) / len(made) for name, made in recipes.items()}
        best_first = sorted(mean, key=lambda name: (-mean[name], name))
        found.append([recipes[name][0].recipe().model_dump(exclude={"seed"}) for name in best_first])
    return found


def shipped() -> list[Run]:
    """The runs of the snapshot that is shipped, but those that say on how many threads: a campaign's runs share the
    processor."""
    runs = (run for table in load_tables().values() for run in from_table(table))
    return [run for run in runs if not any(knob.name == "cpu_threads" for knob in run.knobs)]


DESIGN = {
    "name": "finals",
    "description": f"the {LEADERS} most accurate recipes of every task, with two more seeds",
    "designs": [{"list": [recipe for task in ranked(shipped()) for recipe in task[:LEADERS]], "seeds": MORE_SEEDS}],
}
