"""Knobs of phase data that need the loaded task; the others are applied where data is loaded (`collectors.tasks`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from collectors.knobs.data.lengths import SimilarLengths, lengths_of
from collectors.knobs.data.selection import choose

__all__ = ["choose", "order"]


def order(task: Any, recipe: Any) -> Mapping[str, Any]:
    """Arguments of the training `DataLoader` that say in which order examples come; reshuffled every epoch.

    With dynamic_padding, texts of similar length share a batch: otherwise nearly every batch holds a long one, and
    cutting batches to their longest text would save nothing.
    """
    shuffle = torch.Generator().manual_seed(recipe.seed)
    if not recipe.knob("dynamic_padding"):
        return {"shuffle": True, "generator": shuffle}
    return {"sampler": SimilarLengths(lengths_of(task.train), recipe.batch_size, shuffle)}
