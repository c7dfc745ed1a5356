"""How a prediction is judged: one number an example, whose mean is the quality (0 to 1, higher is better)."""

from __future__ import annotations

import torch
from torch import Tensor

CUTOFF = 10


def accuracy(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """1 where the largest of logits (n, classes) is the label (n,), else 0."""
    return (logits.argmax(dim=-1) == batch["labels"]).float()


def ndcg_at_10(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """1 / log2(1 + rank) of the next item if it is among the first ten of all items, else 0.

    Logits (n, items + 1), labels (n, length) with the next item at the last position. With one relevant item, the
    ideal gain is 1 (Järvelin and Kekäläinen 2002).
    """
    rank = _rank(logits, batch["labels"])
    return torch.where(rank <= CUTOFF, 1 / torch.log2(rank + 1), 0.0)


def recall_at_10(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """1 if the next item is among the first ten of all items, else 0."""
    return (_rank(logits, batch["labels"]) <= CUTOFF).float()


def _rank(logits: Tensor, labels: Tensor) -> Tensor:
    """Rank from 1, as floats; the padding item is left out. Ties, and NaN, count against the model."""
    target = labels[:, -1:]
    items = logits[:, 1:].float()
    own = items.gather(1, target - 1)
    ahead = ~(items < own)
    return ahead.sum(dim=1).float()
