"""Image classifiers with attention (and one without) from `transformers`, small. To add one: an entry below."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from collectors.tasks.architectures.cv_convolution import classifier
from collectors.tasks.architectures.declaration import Architecture, Inputs, initial_spread, scaled

if TYPE_CHECKING:
    from torch import nn

MIN_PATCHES_ACROSS = 6
LARGEST_PATCH = 16


def patch_for(side: int) -> int:
    """The largest power of two, from 2 to 16 pixels, that divides the side and leaves at least six patches across."""
    patch = 2
    while patch < LARGEST_PATCH and side % (2 * patch) == 0 and side // (2 * patch) >= MIN_PATCHES_ACROSS:
        patch *= 2
    return patch


def _vit(model: str, hidden: int, layers: int, heads: int, inputs: Inputs, width: float) -> nn.Module:
    """Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; DeiT: Touvron et al., ICML 2021."""
    size = scaled(hidden, width, 4 * heads)
    return classifier(
        model,
        inputs,
        image_size=inputs.side,
        patch_size=patch_for(inputs.side),
        hidden_size=size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * size,
        initializer_range=initial_spread(size),
    )


def _swin(inputs: Inputs, width: float) -> nn.Module:
    """Liu et al., "Swin Transformer", ICCV 2021."""
    patch = patch_for(inputs.side)
    return classifier(
        "Swin",
        inputs,
        image_size=inputs.side,
        patch_size=patch,
        embed_dim=scaled(32, width, 8),
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=min(4, math.ceil(inputs.side // patch / 2)),  # no window is larger than the second stage
    )


def _levit(inputs: Inputs, width: float) -> nn.Module:
    """Graham et al., "LeViT", ICCV 2021."""
    sizes = [scaled(size, width, 16) for size in (32, 48, 64)]
    return classifier(
        "Levit",
        inputs,
        image_size=inputs.side,
        hidden_sizes=sizes,
        num_attention_heads=[2, 3, 4],
        depths=[1, 1, 1],
        key_dim=[8, 8, 8],
    )


def _cvt(inputs: Inputs, width: float) -> nn.Module:
    """Wu et al., "CvT: Introducing Convolutions to Vision Transformers", ICCV 2021."""
    return classifier(
        "Cvt",
        inputs,
        patch_sizes=[3, 3, 3],
        patch_stride=[2, 2, 2],
        patch_padding=[1, 1, 1],
        embed_dim=[scaled(size, width, heads * 4) for size, heads in ((16, 1), (32, 2), (64, 4))],
        num_heads=[1, 2, 4],
        # The port indexes a stage's drop-path rates by the number of the stage: stage i needs i + 1 layers.
        depth=[1, 2, 3],
        drop_path_rate=[0.0, 0.0, 0.0],
    )


def _poolformer(inputs: Inputs, width: float) -> nn.Module:
    """Yu et al., "MetaFormer Is Actually What You Need for Vision", CVPR 2022: pooling in the place of attention."""
    return classifier(
        "PoolFormer",
        inputs,
        hidden_sizes=[scaled(size, width) for size in (16, 32, 64, 96)],
        depths=[1, 1, 1, 1],
        patch_sizes=[3, 3, 3, 3],
        strides=[2, 2, 2, 1],
        padding=[1, 1, 1, 1],
        layer_scale_init_value=0.1,
    )


ARCHITECTURES = (
    Architecture("vit-tiny", "cv", "vit", partial(_vit, "ViT", 64, 3, 4), min_side=8, side_multiple=4, any_side=False),
    Architecture(
        "vit-base",
        "cv",
        "vit",
        partial(_vit, "ViT", 768, 12, 12),
        min_side=8,
        side_multiple=4,
        any_side=False,
        pretrained_id="google/vit-base-patch16-224-in21k",
    ),
    Architecture(
        "deit-tiny", "cv", "vit", partial(_vit, "DeiT", 96, 3, 3), min_side=8, side_multiple=4, any_side=False
    ),
    Architecture("swin-tiny", "cv", "swin", _swin, min_side=16, side_multiple=4),
    Architecture("levit-tiny", "cv", "levit", _levit, min_side=32, side_multiple=16, any_side=False),
    Architecture("cvt-tiny", "cv", "cvt", _cvt, min_side=16),
    Architecture("poolformer-tiny", "cv", "poolformer", _poolformer, min_side=16),
)
