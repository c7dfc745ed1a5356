"""How far a row can be trusted, derived from facts: who ran the recipe, and whether their runs agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from ecotaskset.checks.known import agree
from ecotaskset.run import Run

Trust = Literal["self_reported", "reproduced", "imported"]


def derive_trust(runs: Iterable[Run]) -> dict[str, Trust]:
    """Run id → trust.

    A collected run is `reproduced` when another contributor ran the same recipe and the two agree (see `agree`); a run
    that nobody, or only its own contributor, repeated is `self_reported`, and so are two that contradict each other.
    """
    runs = list(runs)
    by_recipe: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.origin == "collected" and run.contributor:
            by_recipe[run.recipe_id].append(run)

    def level(run: Run) -> Trust:
        if run.origin != "collected":
            return "imported"
        others = (other for other in by_recipe[run.recipe_id] if other.contributor != run.contributor)
        confirmed = run.contributor is not None and any(agree(run, other)[0] for other in others)
        return "reproduced" if confirmed else "self_reported"

    return {run.run_id: level(run) for run in runs}
