"""What one entry of the catalogue of architectures says, and what a model is told about the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Inputs:
    """The shape of what a model gets and of what it must say; None where the domain has no such thing."""

    n_classes: int | None = None
    side: int | None = None
    channels: int | None = None
    vocabulary: int | None = None
    length: int | None = None
    """The longest sequence, tokens or items."""
    pad_id: int = 0
    n_items: int | None = None
    """Items are numbered from 1; 0 is padding."""


Build = Callable[[Inputs, float], "nn.Module"]


@dataclass(frozen=True)
class Architecture:
    """One architecture. `build(inputs, width)` makes it from scratch; `width` is a factor on its hidden sizes."""

    name: str
    domain: str
    family: str
    build: Build
    min_side: int = 1
    """cv: images are enlarged to at least this side, pixels, before they reach the model."""
    side_multiple: int = 1
    """cv: and to a multiple of this, where patches must fit."""
    any_side: bool = True
    """cv: can one model take images of several sides? Not where it has learned a position for each patch."""
    pretrained_id: str | None = None
    """The Hugging Face Hub id used with `pretrained=True`."""

    def fit_side(self, side: int) -> int:
        """The side this architecture needs for images of the given side, pixels."""
        least = max(side, self.min_side)
        return -(-least // self.side_multiple) * self.side_multiple


def scaled(size: int, width: float, multiple: int = 4) -> int:
    """A hidden size times `width`, rounded to a multiple (heads and groups must divide it), at least one multiple."""
    return max(multiple, round(size * width / multiple) * multiple)


def initial_spread(hidden: int) -> float:
    """Standard deviation of the initial weights: the 0.02 that is published for 768 hidden units, at another size.

    It keeps the variance of a layer's output the same; 0.02 in a network of 64 units learns nothing for many steps.
    """
    return 0.02 * (768 / hidden) ** 0.5
