"""How far cheap trainings go: steeper learning rates on every task, and much of the data for the smallest models.

    green-collect --campaign cheap --jobs 2

Where nothing was tried above a learning rate, nothing above it can be recommended; a steep rate in few epochs is often
the cheapest way to a good model, and sometimes ruins it. Both have to be seen.
"""

from collectors.campaigns.fronts import (
    ALL_HISTORIES,
    ALL_TEXTS,
    CHEAP_HISTORIES,
    DIGITS,
    IMAGES,
    MORE_IMAGES,
    SMALL_IMAGES,
    WORDS,
    grid,
)

SHARED_IMAGES = {**SMALL_IMAGES, **MORE_IMAGES}
STEEP_IMAGES = [0.01, 0.03]
STEEP_WORDS = [0.03, 0.06]
STEADY = [0.01, 0.03]
WHOLE = 1.0
MUCH = [0.3, WHOLE]
LARGE_BATCH = 128


def shared(tasks: dict[str, list[float]]) -> list[str]:
    """Tasks of which the other campaigns take a share; the others were trained whole already."""
    return [name for name, sizes in tasks.items() if sizes[0] < WHOLE]


def much(domain: str, dataset: str, models: list[str], rates: list[float], **knobs: object) -> dict:
    """Much of the data, a few epochs in large batches."""
    design = grid(domain, dataset, models, [2, 4], MUCH, rates=rates, **knobs)
    return {**design, "defaults": {**design["defaults"], "batch_size": LARGE_BATCH}}


DESIGN = {
    "name": "cheap",
    "description": "steeper learning rates on every task, and much of the data for the smallest models",
    "shuffle": True,
    "designs": [
        *(grid("cv", name, IMAGES, [4], [1.0], rates=STEEP_IMAGES) for name in DIGITS),
        *(
            grid("cv", name, IMAGES, [4], sizes[:1], rates=STEEP_IMAGES, input_size=16)
            for name, sizes in SHARED_IMAGES.items()
        ),
        *(grid("nlp", name, WORDS, [3, 8], sizes[:1], rates=STEEP_WORDS) for name, sizes in ALL_TEXTS.items()),
        *(
            grid("recsys", name, CHEAP_HISTORIES, [6], sizes[:1], rates=rates, schedule=schedule)
            for name, sizes in ALL_HISTORIES.items()
            for schedule, rates in (("constant", STEADY), ("one_cycle", STEADY[1:]))
        ),
        *(much("cv", name, ["mlp"], [0.004, 0.01], input_size=16) for name in SHARED_IMAGES),
        *(much("nlp", name, ["bag-of-embeddings"], [0.015, 0.03]) for name in shared(ALL_TEXTS)),
    ],
}
