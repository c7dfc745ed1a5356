"""Classic image classifiers, our own code: MLP, AlexNet, VGG, SqueezeNet. To add one: an entry below."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from collectors.tasks.architectures.declaration import Architecture, Inputs, scaled

if TYPE_CHECKING:
    from torch import nn

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
VGG_TINY = ((16,), (32,), (64, 64))


def _mlp(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.image_models import mlp

    return mlp(inputs, (scaled(256, width), scaled(128, width)))


def _alexnet(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.image_models import alexnet

    return alexnet(inputs, [scaled(size, width) for size in (64, 192, 384, 256, 256)], scaled(1024, width))


def _vgg(blocks: tuple[tuple[int, ...], ...], inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.image_models import vgg

    return vgg(inputs, [[scaled(size, width) for size in block] for block in blocks])


def _squeezenet(inputs: Inputs, width: float) -> nn.Module:
    from collectors.tasks.architectures.image_models import squeezenet

    return squeezenet(inputs, [scaled(size, width) for size in (16, 16, 32, 32, 48, 48, 64, 64)])


ARCHITECTURES = (
    Architecture("mlp", "cv", "mlp", _mlp, any_side=False),
    Architecture("alexnet", "cv", "alexnet", _alexnet, min_side=16),
    Architecture("vgg-tiny", "cv", "vgg", partial(_vgg, VGG_TINY), min_side=16),
    Architecture("vgg16", "cv", "vgg", partial(_vgg, VGG16), min_side=32),
    Architecture("squeezenet", "cv", "squeezenet", _squeezenet, min_side=16),
)
