"""What to ask for instead, where limits leave nothing: the cheapest or fastest candidate, and what it is sure to need.

Limits are kept to by cautious figures, which are worse than the expected ones that the page shows elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from space import words

if TYPE_CHECKING:
    from green_predictor import Recommendation
    from space.state import Inputs

MARGIN = 1.006
"""Three digits are off by up to 0.5 %; of so much more, the figure that is shown is never less than needed."""


def nearest(inputs: Inputs, free: Recommendation) -> str | None:
    """The candidate that comes nearest to the limit that nothing keeps to; None where something keeps to all of them.

    Args:
        free: the answer without any limit.
    """
    from green_predictor.recommendation import picks

    kwh, hours = _cautious(free)
    left = free.choosable
    for limit, needed in ((inputs.kwh, kwh), (inputs.hours, hours)):
        if limit is None:
            continue
        if not (left & (needed <= limit)).any():
            index = np.flatnonzero(left)[[np.argmin(needed[left])]]
            pick = picks(free.rows, index, free.expected(index), free.domain, None)[0]
            sure = MARGIN * float(needed[index[0]])
            if needed is kwh:
                figures = f"{words.energy(pick.energy_kwh)} expected, but count on {words.energy(sure)}."
                return f"The cheapest is {pick.name}: {figures}"
            figures = f"{words.duration(pick.duration_s)} expected, but count on {words.duration(3600 * sure)}."
            return f"The fastest{' of those' if inputs.kwh is not None else ''} is {pick.name}: {figures}"
        left = left & (needed <= limit)
    return None


def _cautious(found: Recommendation) -> tuple[np.ndarray, np.ndarray]:
    """Energy (kWh) and time (h) of all candidates, (n,), as limits are compared with."""
    from green_predictor.nearby import neighbours
    from green_predictor.recipe_effect import cautious
    from green_predictor.targets import restore

    sure = cautious(found.model, found.y, neighbours(found.rows, found.model.runs), found.evidence.basis)
    _, kwh, seconds = restore(sure, found.rows, found.model.reference)
    return kwh, seconds / 3600
