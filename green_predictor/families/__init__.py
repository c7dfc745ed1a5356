"""The model families GREEN chooses among, by held-out regret. Each is two functions over plain arrays.

    fit(x, y, weight, seed, strength, free) -> dict of arrays  x (n, p) scaled features, y (n, q) targets, weight (n,)
    predict(arrays, x) -> (n, q)

`free` (p, q): which targets the straight line may hang on which features; all where left out.

Arrays only: a fitted model is saved without any pickle and evaluated with NumPy alone. All families stand on the same
ridge regression, because trees and kernels cannot extrapolate: they learn what it leaves over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from green_predictor.families import boosting, forest, kernel, linear, random_features

Arrays = dict[str, np.ndarray]


class Family(NamedTuple):
    """A way to learn targets from features."""

    fit: Callable[..., Arrays]
    predict: Callable[[Arrays, np.ndarray], np.ndarray]
    strengths: tuple[float, ...]
    """Values of its one regularisation setting that are tried; larger is smoother."""


FAMILIES: dict[str, Family] = {
    "linear": Family(linear.fit, linear.predict, (10.0, 100.0, 1000.0)),
    "kernel": Family(kernel.fit, kernel.predict, (10.0, 100.0)),
    "boosting": Family(boosting.fit, boosting.predict, (1000.0,)),
    "forest": Family(forest.fit, forest.predict, (100.0,)),
    "random_features": Family(random_features.fit, random_features.predict, (100.0, 300.0)),
}
