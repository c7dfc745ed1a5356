"""The ridge base plus the mean of what kernel, boosting and forest add: one's errors the others dampen."""

from __future__ import annotations

import numpy as np

from green_predictor.families import boosting, forest, kernel, linear, oblivious

MEMBERS = ("kernel", "boosting", "forest")
_BASE = ("coefficients", "intercept")


def fit(
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int = 0,
    strength: float = 10.0,
    free: np.ndarray | None = None,
) -> dict:
    """Fit the members on the same rows; the ridge they share is kept once."""
    parts = {"k": kernel.fit(x, y, weight, seed, strength, free)}
    boosted, forested = (module.fit(x, y, weight, seed, strength, free) for module in (boosting, forest))
    parts["b"] = {k: v for k, v in boosted.items() if k not in _BASE}
    parts["f"] = {k: v for k, v in forested.items() if k not in _BASE}
    return {f"{prefix}.{k}": v for prefix, arrays in parts.items() for k, v in arrays.items()}


def predict(arrays: dict, x: np.ndarray) -> np.ndarray:
    """(n, p) → (n, q)."""
    part = {p: {k[2:]: v for k, v in arrays.items() if k.startswith(f"{p}.")} for p in "kbf"}
    added = kernel.bumps(part["k"], x) + oblivious.predict(part["b"], x) + oblivious.predict(part["f"], x)
    return linear.predict(part["k"], x) + added / 3
