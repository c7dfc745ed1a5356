"""What another machine makes of it: a few recipes of every task that were run already, evenly from cheap to costly.

    green-collect --campaign elsewhere --jobs 2 --store elsewhere

The same recipes on two machines say how far energies carry over, without any prediction in between. Only short
trainings are among them: some ten seconds each.
"""

from collections import defaultdict

from collectors.campaigns.finals import shipped

PER_TASK = 6
LONGEST_S = 20.0


def evenly() -> list[dict]:
    """The recipes, task by task."""
    tasks = defaultdict(dict)
    for run in shipped():
        alone = run.status == "completed" and "contended" not in run.flags
        if alone and run.recipe_id and run.energy_kwh and run.duration_s and run.duration_s <= LONGEST_S:
            tasks[run.domain, run.dataset].setdefault(run.recipe_id, run)
    chosen = []
    for _, recipes in sorted(tasks.items()):
        ordered = sorted(recipes.values(), key=lambda run: (run.energy_kwh, run.recipe_id))
        places = {round(i * (len(ordered) - 1) / (PER_TASK - 1)) for i in range(PER_TASK)}
        chosen += [ordered[place].recipe().model_dump(exclude={"seed"}) for place in sorted(places)]
    return chosen


DESIGN = {
    "name": "elsewhere",
    "description": f"{PER_TASK} short recipes of every task that were run before, for comparing machines",
    "shuffle": True,
    "designs": [{"list": evenly(), "seeds": [0]}],
}
