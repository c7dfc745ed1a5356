"""A task on made-up examples: what a model says to a recipe's knobs can be asked before any data is read or fetched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures import Inputs, build, get_architecture
from collectors.tasks.catalogue import get_dataset
from collectors.tasks.load import DEFAULT_LENGTH, MIN_LENGTH
from collectors.tasks.task import Task

if TYPE_CHECKING:
    from torch import Tensor

N_EXAMPLES = 2

# where the catalogue does not say, enough for every knob: nothing may be refused that the data could allow
SIDE, CHANNELS, N_CLASSES, VOCABULARY, N_ITEMS = 64, 3, 1_000, 4_096, 10_000


def made_up_task(recipe: Any) -> Task:
    """The recipe's task with random examples of the declared size, for a model from scratch.

    Raises UsageError for a data set or an architecture that is not in the catalogue.
    """
    import torch

    from collectors.tasks.prepare.tensors import TensorColumns, stack

    inputs = _inputs(recipe)
    columns = _columns(inputs, torch.Generator().manual_seed(0))
    examples = TensorColumns(columns, lambda rows: rows)
    return Task(
        domain=recipe.domain,
        dataset=recipe.dataset,
        metric="",
        train=examples,
        validation=examples,
        test=examples,
        collate=stack,
        score=lambda logits, batch: logits.new_zeros(len(logits)),
        build_model=partial(build, inputs),
        descriptors={},
        revision="",
    )


def _inputs(recipe: Any) -> Inputs:
    entry, architecture = get_dataset(recipe.dataset, recipe.domain), get_architecture(recipe.model, recipe.domain)
    size, n_classes = recipe.knobs.get("input_size"), entry.n_classes or N_CLASSES
    if recipe.domain == "cv":
        side = architecture.fit_side(int(size or entry.image_side or SIDE))
        return Inputs(n_classes=n_classes, side=side, channels=CHANNELS)
    length = max(MIN_LENGTH, int(size or entry.sequence_length or DEFAULT_LENGTH))
    if recipe.domain == "nlp":
        return Inputs(n_classes=n_classes, vocabulary=VOCABULARY, length=length)
    return Inputs(n_items=N_ITEMS, length=length)


def _columns(inputs: Inputs, generator: Any) -> dict[str, Tensor]:
    import torch

    def draw(*shape: int, high: int) -> Tensor:
        return torch.randint(1, high, (N_EXAMPLES, *shape), generator=generator)

    if inputs.side:
        pixels = torch.randn(N_EXAMPLES, inputs.channels, inputs.side, inputs.side, generator=generator)
        return {"pixel_values": pixels, "labels": draw(high=inputs.n_classes)}
    ids = draw(inputs.length, high=inputs.n_items or inputs.vocabulary)
    labels = ids.roll(-1, 1) if inputs.n_items else draw(high=inputs.n_classes)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}
