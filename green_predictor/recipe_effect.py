"""A recipe has an effect of its own: what its runs say beyond the model, and how sure that makes one of it."""

from __future__ import annotations

import numpy as np

from green_predictor import calibration, features, targets
from green_predictor.domain_model import DomainModel, Evidence, base_predict, variance_for
from green_predictor.nearby import Neighbours, neighbours
from green_predictor.rows import LEARNED_FROM, Rows


def neighbours_of(
    model: DomainModel, rows: Rows, observed: targets.Training | None = None, known: Evidence | None = None
) -> Neighbours:
    """How near candidates for a task are to runs, and how good those were (see `nearby`): those of the training data
    and, of the observed ones behind `known`, all that were made to the end."""
    if observed is None or known is None or known.correction is None:
        return neighbours(rows, model.runs, model.unexplained)
    whole = [r.get("status") in LEARNED_FROM and bool(r.get("learning_rate")) for r in observed.records]
    final = observed.subset(observed.last & np.array(whole)[observed.run] & np.isfinite(observed.y[:, targets.QUALITY]))
    x = features.feature_matrix(final.rows, model.spec)
    left = final.y - base_predict(model, x) - calibration.apply_correction(known.correction, x)
    unexplained, task = model.unexplained.copy(), next(iter(rows.text("dataset")), None)
    if task in model.correction:  # what is now believed of the task explains more, or less, of its own runs
        mine = np.array([run["dataset"] == task for run in model.runs])
        moved = known.correction - model.correction[task]
        unexplained[mine] -= calibration.apply_correction(moved, model.near[mine])[:, targets.QUALITY]
    runs = [*model.runs, *(observed.records[i] for i in final.run)]
    return neighbours(rows, runs, np.append(unexplained, left[:, targets.QUALITY]))


def with_own(y: np.ndarray, there: Neighbours) -> np.ndarray:
    """Targets (n, 3) with quality moved by what runs of the recipes say that the model does not."""
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
