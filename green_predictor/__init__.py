"""GREEN: what a training would cost and how good it would be, before anyone trains; and the better choice.

    >>> from green_predictor import recommend
    >>> recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}).command  # doctest: +SKIP
    'green-collect --domain cv --dataset digits --model …'

Nothing heavy is imported until it is used: `recommend` answers with NumPy alone, `GreenPredictor` needs scikit-learn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from green_predictor.estimates import estimate
    from green_predictor.model import GreenPredictor
    from green_predictor.own_data import describe
    from green_predictor.recommendation import Recommendation
    from green_predictor.recommender import recommend

__all__ = ["GreenPredictor", "Recommendation", "describe", "estimate", "recommend"]

_HOME = {
    "GreenPredictor": "green_predictor.model",
    "describe": "green_predictor.own_data",
    "estimate": "green_predictor.estimates",
    "Recommendation": "green_predictor.recommendation",
    "recommend": "green_predictor.recommender",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'green_predictor' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
