"""Convolutional image classifiers from `transformers`, at sizes that fit small images. To add one: an entry below."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn

BATCH_NORM_MOMENTUM = 0.1
DROPOUT = 0.2
PORTS_WITHOUT_START = ("EfficientNet",)
"""Ports made for published weights: from their own start (0.02 everywhere, even as the factor of a batch
normalisation) the signal dies out on its way through the layers, and nothing is learned."""


def classifier(model: str, inputs: Inputs, **settings: Any) -> nn.Module:
    """`<model>ForImageClassification` of `transformers` with a configuration of its own and random weights."""
    import transformers
    from torch import nn

    config = getattr(transformers, f"{model}Config")(
        num_channels=inputs.channels,
        num_labels=inputs.n_classes,
        problem_type="single_label_classification",
        **settings,
    )
    network = getattr(transformers, f"{model}ForImageClassification")(config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Several ports carry the momentum of TensorFlow, which means its complement there: the running
            # statistics would be those of the last batch alone.
            module.momentum = BATCH_NORM_MOMENTUM
        if model in PORTS_WITHOUT_START:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
    return network


def _resnet(sizes: tuple[int, ...], depths: tuple[int, ...], stem: int, inputs: Inputs, width: float) -> nn.Module:
    """He et al., "Deep Residual Learning for Image Recognition", CVPR 2016: basic blocks."""
    return classifier(
        "ResNet",
        inputs,
        embedding_size=scaled(stem, width),
        hidden_sizes=[scaled(size, width) for size in sizes],
        depths=list(depths),
        layer_type="basic",
    )


def _convnextv2(inputs: Inputs, width: float) -> nn.Module:
    """Woo et al., "ConvNeXt V2", CVPR 2023."""
    sizes = [scaled(size, width) for size in (16, 32, 64)]
    return classifier("ConvNextV2", inputs, patch_size=2, num_stages=3, hidden_sizes=sizes, depths=[1, 1, 2])


def _mobilenet_v1(inputs: Inputs, width: float) -> nn.Module:
    """Howard et al., "MobileNets", 2017, at a quarter of its width."""
    return classifier(
        "MobileNetV1", inputs, depth_multiplier=0.25 * width, classifier_dropout_prob=DROPOUT, image_size=inputs.side
    )


def _mobilenet_v2(multiplier: float, inputs: Inputs, width: float) -> nn.Module:
    """Sandler et al., "MobileNetV2", CVPR 2018."""
    return classifier(
        "MobileNetV2",
        inputs,
        depth_multiplier=multiplier * width,
        classifier_dropout_prob=DROPOUT,
        image_size=inputs.side,
        finegrained_output=False,
    )


def _efficientnet_tiny(inputs: Inputs, width: float) -> nn.Module:
    """Tan and Le, "EfficientNet", ICML 2019: the same block in four stages."""
    return _efficientnet(
        inputs,
        in_channels=[32, 8, 16, 24],
        out_channels=[8, 16, 24, 40],
        kernel_sizes=[3, 3, 5, 3],
        strides=[1, 2, 2, 1],
        num_block_repeats=[1, 1, 1, 1],
        expand_ratios=[1, 4, 4, 4],
        width_coefficient=0.5 * width,
        hidden_dim=int(scaled(640, width, 8)),
    )


def _efficientnet_b0(inputs: Inputs, width: float) -> nn.Module:
    """Tan and Le, "EfficientNet", ICML 2019: the published B0."""
    return _efficientnet(inputs, width_coefficient=width, hidden_dim=_rounded_filters(1280 * width))


def _efficientnet(inputs: Inputs, **settings: Any) -> nn.Module:
    return classifier(
        "EfficientNet", inputs, image_size=inputs.side, depth_coefficient=1.0, dropout_rate=DROPOUT, **settings
    )


def _rounded_filters(size: float, divisor: int = 8) -> int:
    """How `transformers` rounds the last layer of an EfficientNet; its head needs the same number."""
    rounded = max(divisor, int(size + divisor / 2) // divisor * divisor)
    return int(rounded + divisor if rounded < 0.9 * size else rounded)


def _regnet(inputs: Inputs, width: float) -> nn.Module:
    """Radosavovic et al., "Designing Network Design Spaces", CVPR 2020: the Y block (with squeeze and excitation)."""
    sizes = [scaled(size, width, 8) for size in (24, 56, 104)]
    return classifier(
        "RegNet", inputs, embedding_size=scaled(16, width), hidden_sizes=sizes, depths=[1, 1, 2], groups_width=8
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
    Architecture("convnextv2-tiny", "cv", "convnext", _convnextv2, min_side=16),
    Architecture("mobilenet-v1", "cv", "mobilenet", _mobilenet_v1, min_side=32),
    Architecture("mobilenet-v2-tiny", "cv", "mobilenet", partial(_mobilenet_v2, 0.35), min_side=32),
    Architecture(
        "mobilenet-v2",
        "cv",
        "mobilenet",
        partial(_mobilenet_v2, 1.0),
        min_side=32,
        pretrained_id="google/mobilenet_v2_1.0_224",
    ),
    Architecture("efficientnet-tiny", "cv", "efficientnet", _efficientnet_tiny, min_side=16),
    Architecture(
        "efficientnet-b0",
        "cv",
        "efficientnet",
        _efficientnet_b0,
        min_side=32,
        pretrained_id="google/efficientnet-b0",
    ),
    Architecture("regnet-tiny", "cv", "regnet", _regnet, min_side=16),
)
