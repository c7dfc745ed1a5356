"""The three shapes that data has before it is prepared for training: images, texts, interactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

TRAIN, VALIDATION, TEST = 0, 1, 2


@dataclass(frozen=True)
class Images:
    """Labelled square images: pixels (n, side, side, channels) uint8, labels (n,) int64.

    `split` (n,) holds TRAIN, VALIDATION or TEST where the publisher of the data decided it; None: we decide.
    """

    pixels: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    split: np.ndarray | None = None


@dataclass(frozen=True)
class Texts:
    """Labelled texts; `strength` (n,) is how far a text is from being neutral, where humans rated it."""

    texts: tuple[str, ...]
    labels: np.ndarray
    class_names: tuple[str, ...]
    split: np.ndarray | None = None
    strength: np.ndarray | None = None


@dataclass(frozen=True)
class Interactions:
    """Who took what when: users, items (n,) int64 codes from 0; times (n,) float64; ratings (n,) or None."""

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    ratings: np.ndarray | None = None


Raw = Images | Texts | Interactions
