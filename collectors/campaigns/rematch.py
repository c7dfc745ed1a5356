"""Do they win everywhere: the recipes that lead on one recommendation task, on the others, with three seeds.

    green-collect --campaign rematch --jobs 2

Recommenders are judged by small and noisy scores. Which recipe is best on a task nobody has seen can only be learnt
where the same recipes met on many tasks, often enough that luck averages out.
"""

from collectors.campaigns.finals import ranked, shipped
from collectors.campaigns.fronts import ALL_HISTORIES

LEADERS = 3
SEEDS = [0, 1, 2]


def leading() -> list[dict]:
    """The leaders of each recommendation task, each once."""
    tasks = ranked([run for run in shipped() if run.domain == "recsys"])
    unique = {}
    for recipe in (recipe for task in tasks for recipe in task[:LEADERS]):
        placeless = {name: value for name, value in recipe.items() if name != "dataset"}
        unique.setdefault(str(placeless), placeless)
    return list(unique.values())


DESIGN = {
    "name": "rematch",
    "description": f"the {LEADERS} leading recipes of each recommendation task, on the others too, with three seeds",
    "shuffle": True,
    "designs": [
        {"list": [{**recipe, "dataset": name} for name in ALL_HISTORIES for recipe in leading()], "seeds": SEEDS}
    ],
}
