"""Recipes for tests, package data where it can be had, and the line with which a recipe is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.tasks import Task, load_task
from collectors.tasks.sources.packages import SourceUnavailable, cache_root
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

MODELS = {"cv": "mlp", "nlp": "bag-of-embeddings", "recsys": "fmc"}


def recipe(domain: str, dataset: str, model: str | None = None, **fields: object) -> Recipe:
    return Recipe.create(domain=domain, dataset=str(dataset), model=model or MODELS[domain], **fields)


def load_packaged(domain: str, dataset: str, model: str | None = None, **knobs: object) -> Task:
    """A task on package data, from the user's cache; the test is skipped only where the package cannot be reached."""
    try:
        return load_task(recipe(domain, dataset, model, knobs=knobs), cache_root())
    except UsageError as error:
        if isinstance(error.__context__, SourceUnavailable) or "cannot be had" in error.message:
            pytest.skip(f"package data out of reach: {error.message}")
        raise


def refusal(domain: str, dataset: str, cache: Path, model: str | None = None, **fields: object) -> str:
    """The one line with which a recipe is refused."""
    with pytest.raises(UsageError) as caught:
        task = load_task(recipe(domain, dataset, model, **fields), cache)
        task.build_model(model or MODELS[domain], recipe(domain, dataset, model, **fields))
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return str(caught.value)
