"""What a campaign will probably cost, where the predictor knows enough to say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collectors.campaign.progress import clock
from collectors.plan import predicted_cost
from ecotaskset.recipe import Recipe

SAMPLE = 64
"""Recipes that are asked about; a larger campaign is extrapolated from so many, evenly spaced."""


def expected_cost(recipes: Sequence[Recipe], jobs: int, threads: int) -> dict[str, Any]:
    """`n_runs`, `energy_kwh` and `duration_h` (wall time with `jobs` at a time, each on so many threads); null where
    that is not known yet."""
    step = max(1, len(recipes) // SAMPLE)
    asked = [predicted_cost(_on_threads(recipe, threads)) for recipe in recipes[::step]]
    known = [cost for cost in asked if cost is not None]
    if not known or len(known) < len(asked):
        return {"n_runs": len(recipes), "energy_kwh": None, "duration_h": None}
    share = len(recipes) / len(known)
    return {
        "n_runs": len(recipes),
        "energy_kwh": share * sum(kwh for kwh, _ in known),
        "duration_h": share * sum(seconds for _, seconds in known) / 3600 / max(jobs, 1),
    }


def _on_threads(recipe: Recipe, count: int) -> Recipe:
    """The recipe on as many threads as a run of a campaign gets, where it does not say how many."""
    return recipe.model_copy(update={"knobs": {"cpu_threads": count, **recipe.knobs}})


def cost_words(cost: dict[str, Any]) -> str:
    """The same as a phrase."""
    if cost["energy_kwh"] is None:
        return "cost not known yet"
    return f"about {cost['energy_kwh']:.3g} kWh, {clock(cost['duration_h'] * 3600)} (predicted)"
