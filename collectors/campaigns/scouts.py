"""What could be cheaper: one recommender that works, with one thing after another changed, on four quick tasks.

    green-collect --campaign scouts --jobs 2

Knobs, optimizers, lengths and widths, one seed each. What came out best is run on every task by `wider`.
"""

from collectors.campaigns.wider import recommender

TASKS = ["movielens_100k-dense", "movielens_100k-casual", "movielens_small-dense", "movielens_100k-niche"]

SHORTER = [
    (32, 0.02, 3), (32, 0.03, 3), (16, 0.015, 3), (16, 0.025, 3), (16, 0.015, 2), (16, 0.025, 2), (32, 0.015, 10)
]  # fmt: skip
"""Batch size, learning rate, epochs."""
KNOBS = [
    {}, {"dynamic_padding": True}, {"dynamic_padding": True, "input_size": 32}, {"input_size": 32}, {"input_size": 16},
    {"width": 0.5}, {"width": 2.0}, {"low_rank_head": 16}, {"precision": "bf16"},
]  # fmt: skip
OPTIMIZERS = [("lion", 0.005), ("lion", 0.002), ("rmsprop", 0.01), ("adafactor", 0.05)]
OTHERS = [
    ("sasrec", 32, 0.005, 6), ("core", 32, 0.01, 5), ("fmc", 32, 0.06, 4), ("fmc", 32, 0.1, 3), ("fmc", 16, 0.03, 4)
]  # fmt: skip
"""Architecture, batch size, learning rate, epochs."""
WIDTHS = [
    *((size, rate, epochs, 2.0) for size, rate, epochs in [
        (32, 0.01, 4), (32, 0.015, 3), (32, 0.01, 3), (32, 0.02, 3), (32, 0.015, 2), (32, 0.02, 2), (64, 0.015, 4),
        (64, 0.02, 4), (64, 0.03, 4), (64, 0.015, 3), (64, 0.02, 3), (64, 0.02, 6), (128, 0.02, 4), (128, 0.03, 4),
        (128, 0.03, 6), (32, 0.015, 6), (32, 0.01, 6),
    ]),
    (64, 0.01, 4, 4.0), (64, 0.015, 3, 4.0), (64, 0.015, 2, 4.0), (64, 0.02, 4, 3.0),
]  # fmt: skip
"""Batch size, learning rate, epochs, width."""
HALF_PRECISION = [
    (32, 0.02, 4, 2.0), (32, 0.01, 6, 2.0), (32, 0.02, 3, 2.0), (32, 0.02, 2, 2.0), (64, 0.02, 6, 2.0),
    (64, 0.03, 4, 2.0), (64, 0.02, 4, 2.0), (128, 0.03, 6, 2.0), (16, 0.01, 3, 2.0), (32, 0.01, 4, 4.0),
    (64, 0.02, 3, 4.0), (64, 0.01, 4, 4.0), (64, 0.02, 4, 4.0), (128, 0.02, 4, 4.0), (64, 0.02, 4, 3.0),
    (32, 0.015, 4, 3.0), (32, 0.015, 3, 3.0),
]  # fmt: skip


def changed(dataset: str) -> list[dict]:
    """The recipes on one task."""
    return [
        *(recommender(dataset, *shape) for shape in SHORTER),
        *(recommender(dataset, 32, 0.02, 4, **knobs) for knobs in KNOBS),
        *(recommender(dataset, 32, rate, 4, optimizer=name) for name, rate in OPTIMIZERS),
        recommender(dataset, 16, 0.02, 3, dynamic_padding=True),
        *(recommender(dataset, *shape, model=model) for model, *shape in OTHERS),
        *(recommender(dataset, *shape, width=width) for *shape, width in WIDTHS),
        *(recommender(dataset, *shape, width=width, precision="bf16") for *shape, width in HALF_PRECISION),
    ]


DESIGN = {
    "name": "scouts",
    "description": "one recommender that works, with one thing after another changed, on four quick tasks",
    "shuffle": True,
    "designs": [{"list": [recipe for name in TASKS for recipe in changed(name)], "seeds": [0]}],
}
