"""Convolutional image classifiers from `transformers`, at sizes that fit small images. To add one: an entry below."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn


def classifier(model: str, inputs: Inputs, **settings: Any) -> nn.Module:
    """`<model>ForImageClassification` of `transformers` with a configuration of its own and random weights."""
    import transformers

    config = getattr(transformers, f"{model}Config")(
        num_channels=inputs.channels,
        num_labels=inputs.n_classes,
        problem_type="single_label_classification",
        **settings,
    )
    return getattr(transformers, f"{model}ForImageClassification")(config)


def _resnet(sizes: tuple[int, ...], depths: tuple[int, ...], stem: int, inputs: Inputs, width: float) -> nn.Module:
    """He et al., "Deep Residual Learning", CVPR 2016: basic blocks."""
    return classifier(
        "ResNet",
        inputs,
        embedding_size=scaled(stem, width),
        hidden_sizes=[scaled(size, width) for size in sizes],
        depths=list(depths),
        layer_type="basic",
    )


ARCHITECTURES = (
    Architecture("resnet-tiny", "cv", "resnet", partial(_resnet, (16, 32, 64), (1, 1, 1), 16), min_side=16),
    Architecture(
        "resnet18",
        "cv",
        "resnet",
        partial(_resnet, (64, 128, 256, 512), (2, 2, 2, 2), 64),
        min_side=32,
        pretrained_id="microsoft/resnet-18",
    ),
)
