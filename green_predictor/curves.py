"""What is expected after each epoch of one candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from green_predictor.domain_model import DomainModel, Evidence, Prediction, predict_rows
from green_predictor.rows import Rows

MOST_POINTS = 200


@dataclass(frozen=True)
class Curve:
    """`epoch` (k,) and the expectation after each; energy and time are since the start and never fall."""

    epoch: np.ndarray
    prediction: Prediction

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        names = [n for n in self.prediction.__dataclass_fields__ if n not in ("leverage", "basis")]
        return {"epoch": self.epoch.tolist(), **{n: np.asarray(getattr(self.prediction, n)).tolist() for n in names}}


def curve_of(model: DomainModel, rows: Rows, index: int, known: Evidence) -> Curve:
    """The curve of candidate `index`, at every epoch (at most `MOST_POINTS` of them)."""
    epochs = int(rows.epochs[index])
    points = np.unique(np.linspace(1, epochs, min(epochs, MOST_POINTS)).round()).astype(np.float32)
    mine = replace(rows.take(np.full(len(points), index)), epoch=points)
    found = predict_rows(model, mine, known)
    rising = {
        name: np.maximum.accumulate(getattr(found, name))
        for name in found.__dataclass_fields__
        if name.startswith(("energy", "duration"))
    }
    return Curve(points.astype(int), replace(found, **rising))
