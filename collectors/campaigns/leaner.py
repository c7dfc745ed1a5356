"""How lean can it be: the leading recipes of every task, each with less of one thing.

    green-collect --campaign leaner --jobs 2

Who has a recipe that works asks what it would cost to train it shorter, in larger batches or on less data, and what
would be lost. Near the best of a task such neighbours decide what can be saved; a grid over everything hardly has any.
Which recipes lead follows from the snapshot that is shipped.
"""

from collectors.campaigns.finals import ranked, shipped

ARCHITECTURES = 2
SEEDS = [0, 1]


def leading(recipes: list[dict]) -> list[dict]:
    """Of a task's recipes, best first, the first of each of the first architectures."""
    best: dict[str, dict] = {}
    for recipe in recipes:
        best.setdefault(recipe["model"], recipe)
    return list(best.values())[:ARCHITECTURES]


def leaner(recipe: dict) -> list[dict]:
    """The recipe with less of one thing, and of two."""
    fewer = {"epochs": max(1, round(recipe["epochs"] / 2))}
    larger = {"batch_size": 2 * recipe["batch_size"]}
    largest = {"batch_size": 4 * recipe["batch_size"], "learning_rate": round(2 * recipe["learning_rate"], 7)}
    share = float(recipe["knobs"].get("data_fraction", 1.0))
    less, least = ({"knobs": {**recipe["knobs"], "data_fraction": round(share * part, 4)}} for part in (0.7, 0.4))
    stopped = {"knobs": {**recipe["knobs"], "early_stopping": 1}}
    return [
        {**recipe, **change}
        for change in (fewer, larger, largest, less, least, stopped, fewer | larger, larger | less, fewer | less)
    ]


DESIGN = {
    "name": "leaner",
    "description": "the leading recipes of every task with fewer epochs, larger batches or less data",
    "shuffle": True,
    "seeds": SEEDS,
    "designs": [
        {"list": [change for task in ranked(shipped()) for recipe in leading(task) for change in leaner(recipe)]}
    ],
}
