"""Classic image networks with the sizes of their papers, and a stem that suits small images.

The papers' stems shrink 224 pixels at once; these start with a 3×3 convolution and end with global average pooling,
so that one network takes images of 16 pixels and of 224.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from collectors.tasks.architectures.declaration import Inputs
from collectors.tasks.architectures.outputs import Answer, answer

DROPOUT = 0.5
STRIDE_FROM = 24
"""AlexNet's first convolution skips every other pixel from this side on (the paper: three of four, of 224)."""


class ImageClassifier(nn.Module):
    """A body and a head: pixels (n, channels, side, side) to logits (n, classes)."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> Answer:
        """Pixels (n, channels, side, side), labels (n,)."""
        return answer(self.head(self.body(pixel_values)), labels)


def mlp(inputs: Inputs, hidden: Sequence[int]) -> ImageClassifier:
    """Fully connected layers on the pixels."""
    layers: list[nn.Module] = [nn.Flatten()]
    size = inputs.channels * inputs.side**2
    for wanted in hidden:
        layers += [nn.Linear(size, wanted), nn.ReLU()]
        size = wanted
    return ImageClassifier(nn.Sequential(*layers), nn.Linear(size, inputs.n_classes))


def alexnet(inputs: Inputs, sizes: Sequence[int], hidden: int) -> ImageClassifier:
    """Krizhevsky et al., NIPS 2012, with the five convolutions of its one-GPU version (Krizhevsky 2014)."""
    first, second, *rest = sizes
    stride = 2 if inputs.side >= STRIDE_FROM else 1
    body: list[nn.Module] = [*_conv(inputs.channels, first, stride=stride), nn.MaxPool2d(2)]
    body += [*_conv(first, second), nn.MaxPool2d(2)]
    size = second
    for wanted in rest:
        body += _conv(size, wanted)
        size = wanted
    body += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, inputs.n_classes))
    return ImageClassifier(nn.Sequential(*body), head)


def vgg(inputs: Inputs, blocks: Sequence[Sequence[int]]) -> ImageClassifier:
    """Simonyan and Zisserman, ICLR 2015, with batch normalisation and a single linear layer on pooled features."""
    body: list[nn.Module] = []
    size = inputs.channels
    for block in blocks:
        for wanted in block:
            body += _conv(size, wanted, norm=True)
            size = wanted
        body.append(nn.MaxPool2d(2))
    body += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return ImageClassifier(nn.Sequential(*body), nn.Linear(size, inputs.n_classes))


def squeezenet(inputs: Inputs, squeezes: Sequence[int]) -> ImageClassifier:
    """Iandola et al., "SqueezeNet", 2016 (version 1.1): fire modules, a convolution as classifier."""
    body: list[nn.Module] = [*_conv(inputs.channels, 4 * squeezes[0]), nn.MaxPool2d(2)]
    size = 4 * squeezes[0]
    for number, squeeze in enumerate(squeezes):
        body.append(Fire(size, squeeze))
        size = 8 * squeeze
        if number in (1, 3):
            body.append(nn.MaxPool2d(2))
    last = nn.Conv2d(size, inputs.n_classes, 1)
    nn.init.normal_(last.weight, std=0.01)
    head = nn.Sequential(nn.Dropout(0.1), last, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return ImageClassifier(nn.Sequential(*body), head)


class Fire(nn.Module):
    """Squeeze to few channels, expand with 1×1 and 3×3 convolutions to eight times as many."""

    def __init__(self, size: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(size, squeeze, 1)
        self.one, self.three = nn.Conv2d(squeeze, 4 * squeeze, 1), nn.Conv2d(squeeze, 4 * squeeze, 3, padding=1)
        for layer in (self.squeeze, self.one, self.three):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, size, h, w) to (n, 8 · squeeze, h, w)."""
        small = self.squeeze(features).relu()
        return torch.cat([self.one(small), self.three(small)], dim=1).relu()


def _conv(size: int, wanted: int, norm: bool = False, stride: int = 1) -> list[nn.Module]:
    layer = nn.Conv2d(size, wanted, 3, stride=stride, padding=1, bias=not norm)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return [layer, *([nn.BatchNorm2d(wanted)] if norm else []), nn.ReLU()]
