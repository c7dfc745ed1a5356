"""Sequential recommenders. To add one: a model in recsys_models, a build function and an entry below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn

HIDDEN = 64
HEADS = 2
LAYERS = 2


def _gru4rec(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.recsys_models import GRU4Rec

    return GRU4Rec(inputs.n_items, scaled(HIDDEN, width))


def _sasrec(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.recsys_models import SASRec

    return SASRec(inputs.n_items, inputs.length, scaled(HIDDEN, width, 2 * HEADS), HEADS, LAYERS)


ARCHITECTURES = (
    Architecture("gru4rec", "recsys", "recurrent", _gru4rec),
    Architecture("sasrec", "recsys", "attention", _sasrec),
)
