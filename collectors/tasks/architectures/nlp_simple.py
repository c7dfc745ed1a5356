"""Text classifiers without attention: the cheap end of the scale. To add one: a build function and an entry below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn


def _bag(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.text_models import BagOfEmbeddings

    return BagOfEmbeddings(inputs.vocabulary, scaled(32, width), inputs.n_classes, inputs.pad_id)


def _text_cnn(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.text_models import TextCNN

    return TextCNN(inputs.vocabulary, scaled(64, width), scaled(32, width), inputs.n_classes, inputs.pad_id)


def _lstm(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.text_models import LSTMClassifier

    return LSTMClassifier(inputs.vocabulary, scaled(64, width), scaled(64, width), inputs.n_classes, inputs.pad_id)


ARCHITECTURES = (
    Architecture("bag-of-embeddings", "nlp", "bag", _bag),
    Architecture("text-cnn", "nlp", "convolution", _text_cnn),
    Architecture("lstm", "nlp", "recurrent", _lstm),
)
