"""What the training loop needs to know about a task: data, model, and how a prediction is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import Dataset

Batch = dict[str, "Tensor"]
Score = Callable[["Tensor", Batch], "Tensor"]


@dataclass(frozen=True)
class Task:
    """A data set with its learning problem, ready to be trained on.

    `train`, `validation` and `test` are map-style torch data sets whose items are dicts of tensors. `collate` turns a
    list of items into a batch. For every model that `build_model` makes, `out = model(**batch)` has `out.loss`
    (a scalar) and `out.logits` (shape `(batch, classes)`, or `(batch, items + 1)` in recommendation, where column 0
    is the padding item). `score(logits, batch)` gives one number an example; their mean is the quality (0 to 1).
    """

    domain: str
    dataset: str
    metric: str
    train: Dataset
    validation: Dataset
    test: Dataset
    collate: Callable[[list[dict[str, Tensor]]], Batch]
    score: Score
    build_model: Callable[[str, Any], nn.Module]
    descriptors: Mapping[str, Any]
    revision: str
    cached: bool = False
    """Were the prepared arrays already on disk? Then phase `data` only paid for reading them."""
    extra_scores: Mapping[str, Score] = field(default_factory=dict)
    """Further figures of the same kind as `score`, by name: `recall@10` in recommendation."""


def descriptors(task: Task) -> dict[str, Any]:
    """The task columns of a Run, as a fresh dict; what does not apply to the domain is None."""
    return dict(task.descriptors)
