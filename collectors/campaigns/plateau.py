"""How flat is the top: recommenders between those that lead and those that are cheap, on every task, three seeds each.

    green-collect --campaign plateau --jobs 2

Of the leaders of a recommendation task the tenth is 10 % behind the first: with gaps so wide nothing can be saved near
the top. These recipes lie in the gaps: the architecture that leads everywhere, trained a little shorter and in larger
batches. They leave out the largest task, where a run takes minutes.
"""

from collectors.campaigns.fronts import ALL_HISTORIES

LARGEST = "movielens_small"
SHORTER = [(32, 4, 0.02), (64, 4, 0.02), (64, 5, 0.02), (64, 7, 0.02), (128, 5, 0.03), (128, 7, 0.03)]
"""Batch size, epochs, learning rate; the leaders have 10 epochs, or batches of 32."""
SEEDS = [0, 1, 2]


def between(dataset: str) -> list[dict]:
    """The recipes in the gaps, on one task."""
    fixed = {"domain": "recsys", "dataset": dataset, "model": "gru4rec", "knobs": {"schedule": "one_cycle"}}
    return [{**fixed, "batch_size": size, "epochs": epochs, "learning_rate": rate} for size, epochs, rate in SHORTER]


DESIGN = {
    "name": "plateau",
    "description": "recommenders between those that lead and those that are cheap, on every task, with three seeds",
    "shuffle": True,
    "seeds": SEEDS,
    "designs": [{"list": [recipe for name in ALL_HISTORIES if name != LARGEST for recipe in between(name)]}],
}
