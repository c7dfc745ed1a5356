"""green-collect --describe: what a data set is like, counted on it, so that one can ask about it before training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from rich.markup import escape

from ecotaskset.console import Output
from ecotaskset.recipe import Recipe

ANY_MODEL = {"cv": "mlp", "nlp": "bag-of-embeddings", "recsys": "gru4rec"}
"""A data set is loaded for an architecture; for these it is left as it is."""


def describe(domain: str, dataset: str, cache_dir: Path | None = None) -> dict[str, Any]:
    """What is known of a data set: `name`, `recorded_as` (what its runs call it), and the task columns of a Run that
    apply to it. It is read and prepared (once: see `--cache`), and a simple reference is fitted for `landmark_quality`.

    Raises:
        UsageError: there is no such data set, or it cannot be learned from.
    """
    from collectors.plan import public_recipe
    from collectors.tasks import load_task
    from collectors.tasks.task import descriptors

    simplest = ANY_MODEL.get(domain, "")
    recipe = Recipe.create(domain=domain, dataset=dataset, model=simplest, epochs=1, batch_size=32, learning_rate=1e-3)
    found = descriptors(load_task(recipe, cache_dir))
    del found["dataset_revision"]
    known = {name: value for name, value in found.items() if value is not None}
    return {"name": dataset, "recorded_as": public_recipe(recipe).dataset, **known}


def show_description(domain: str | None, dataset: str | None, out: Output, cache_dir: Path | None) -> None:
    """Print the description of a data set, and how to ask about it."""
    from collectors.listing import missing_domain
    from ecotaskset.errors import UsageError

    if domain is None:
        raise missing_domain(dataset)
    if not dataset:
        raise UsageError("--describe needs a data set", hint="for example --dataset csv:reviews.csv:text:label")
    with out.talk.status("reading data"):
        found = describe(domain, dataset, cache_dir)
    lines = [f"{name:<17} {value:.4g}" if isinstance(value, float) else f"{name:<17} {value}"
             for name, value in found.items()]  # fmt: skip
    out.result(found, lines, [found["recorded_as"]])
    out.say(f"next    green-recommend --domain {domain} --dataset {escape(shlex.quote(dataset))}")
