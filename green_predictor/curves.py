"""What is expected after each epoch of one candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from green_predictor.domain_model import DomainModel, Evidence, Prediction, raw_predict, with_intervals
from green_predictor.rows import Rows
from green_predictor.targets import QUALITY

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


def curve_of(model: DomainModel, rows: Rows, index: int, known: Evidence, ends_at: float) -> Curve:
    """The curve of candidate `index`, at every epoch (at most `MOST_POINTS` of them). `ends_at`: the quality target
    that is expected of it in the end, runs of its recipe included, which the model alone does not know."""
    epochs = int(rows.epochs[index])
    points = np.unique(np.linspace(1, epochs, min(epochs, MOST_POINTS)).round()).astype(np.float32)
    mine = replace(rows.take(np.full(len(points), index)), epoch=points)
    y = raw_predict(model, mine, known)
    y[:, QUALITY] += ends_at - y[-1, QUALITY]
    found = with_intervals(model, mine, y, known)
    rising = {
        name: np.maximum.accumulate(getattr(found, name))
        for name in found.__dataclass_fields__
        if name.startswith(("energy", "duration"))
    }
    return Curve(points.astype(int), replace(found, **rising))
