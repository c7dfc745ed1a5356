"""Text classifiers without attention: the cheap end of the scale. To add one: a build function and an entry below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn


def _bag(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.text_models import BagOfEmbeddings

    return BagOfEmbeddings(inputs.vocabulary, scaled(32, width), inputs.n_classes, inputs.pad_id)


ARCHITECTURES = (Architecture("bag-of-embeddings", "nlp", "fasttext", _bag),)
