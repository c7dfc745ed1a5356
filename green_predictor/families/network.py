"""A small neural network on what the linear base leaves over: one hidden layer, two members, trained by L-BFGS."""

from __future__ import annotations

import warnings

import numpy as np

from green_predictor.families import linear

HIDDEN = 16
MEMBERS = 2
MOST_ROWS = 3000


def fit(x: np.ndarray, y: np.ndarray, weight: np.ndarray, seed: int = 0, strength: float = 10.0) -> dict:
    """Weights are honoured by drawing the training rows in proportion to them."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    base, left, spread = linear.remainder(x, y, weight, strength)
    arrays = dict(base)
    for member in range(MEMBERS):
        rng = np.random.default_rng(seed + member)
        rows = rng.choice(len(x), size=min(MOST_ROWS, len(x)), p=weight / weight.sum())
        model = MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), alpha=strength, solver="lbfgs", max_iter=80, random_state=seed + member
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is part of the regularisation
            model.fit(x[rows], left[rows])
        arrays[f"w1_{member}"], arrays[f"w2_{member}"] = (c.astype(np.float32) for c in model.coefs_)
        arrays[f"b1_{member}"], arrays[f"b2_{member}"] = (b.astype(np.float32) for b in model.intercepts_)
        arrays[f"w2_{member}"] *= spread / MEMBERS
        arrays[f"b2_{member}"] *= spread / MEMBERS
    return arrays


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    total = linear.predict(arrays, x)
    for member in range(MEMBERS):
        hidden = np.maximum(x @ arrays[f"w1_{member}"] + arrays[f"b1_{member}"], 0)
        total = total + hidden @ arrays[f"w2_{member}"] + arrays[f"b2_{member}"]
    return total
