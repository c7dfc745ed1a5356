"""Sequential recommenders. To add one: a model in `next_item_models`, a build function and an entry below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn

HIDDEN = 64
HEADS = 2
LAYERS = 2


def _wide(width: float) -> int:
    return scaled(HIDDEN, width, 4 * HEADS)


def _fmc(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.next_item_models import FMC

    return FMC(inputs.n_items, _wide(width))


def _mean_mlp(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.next_item_models import MeanMLP

    return MeanMLP(inputs.n_items, _wide(width))


def _gru4rec(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.next_item_models import GRU4Rec

    return GRU4Rec(inputs.n_items, _wide(width))


def _nextitnet(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.next_item_models import NextItNet

    return NextItNet(inputs.n_items, _wide(width))


def _sasrec(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.attention_models import SASRec

    return SASRec(inputs.n_items, inputs.length, _wide(width), HEADS, LAYERS)


def _bert4rec(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.attention_models import BERT4Rec

    return BERT4Rec(inputs.n_items, inputs.length, _wide(width), HEADS, LAYERS)


def _core(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.attention_models import CORE

    return CORE(inputs.n_items, inputs.length, _wide(width), HEADS, LAYERS)


ARCHITECTURES = (
    Architecture("fmc", "recsys", "markov", _fmc),
    Architecture("mean-mlp", "recsys", "mlp", _mean_mlp),
    Architecture("gru4rec", "recsys", "recurrent", _gru4rec),
    Architecture("nextitnet", "recsys", "convolution", _nextitnet),
    Architecture("sasrec", "recsys", "attention", _sasrec),
    Architecture("bert4rec", "recsys", "attention", _bert4rec),
    Architecture("core", "recsys", "attention", _core),
)
