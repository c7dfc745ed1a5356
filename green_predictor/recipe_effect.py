"""A recipe has an effect of its own: what its runs say beyond the model, and how sure that makes one of it."""

from __future__ import annotations

import numpy as np

from green_predictor import targets
from green_predictor.domain_model import DomainModel, variance_for
from green_predictor.nearby import Neighbours


def with_own(y: np.ndarray, there: Neighbours) -> np.ndarray:
    """Targets (n, 3) with quality moved by what runs of the recipes say that the model does not, and steadied by alike
    recipes (see `told_by_runs`)."""
    moved = y.copy()
    moved[:, targets.QUALITY] += there.better
    return moved


def cautious(model: DomainModel, y: np.ndarray, there: Neighbours, basis: str) -> np.ndarray:
    """Targets (n, 3), recipes' own effects included (`with_own`), as a choice takes them: worse by the error of that,
    which is the typical error of a recipe where nobody tried it, and less, as the error of a mean, the more tasks it
    was tried on. What is surely good beats what is perhaps best: among ten thousand the best-looking one is otherwise
    the one that the model is most wrong about.
    """
    return worse(y, there.tried, variance_for(model, basis))


def worse(y: np.ndarray, tried: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Targets made worse by one standard error: `variance` (3,) is that of a recipe which was tried on no task."""
    error = np.sqrt(variance / (1 + tried[:, None]))
    return (y + error * np.array([-1.0, 1.0, 1.0])).astype(np.float32)
