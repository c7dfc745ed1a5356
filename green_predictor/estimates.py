"""What one recipe will cost and reach: the line that is shown before a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe


@dataclass(frozen=True)
class Estimate:
    """Expected energy, time and quality of a recipe with 90 % intervals; None where nothing is known of it."""

    sentence: str
    energy_kwh: float | None = None
    energy_low_kwh: float | None = None
    energy_high_kwh: float | None = None
    duration_s: float | None = None
    quality: float | None = None
    quality_low: float | None = None
    quality_high: float | None = None


def estimate(
    recipe: Recipe, *, described: Mapping[str, Any] | None = None, hardware: Any = "auto", data: Any = None
) -> Estimate:
    """Predict one recipe; where its task or architecture was never run, say so instead of guessing. `described`: its
    data set as `describe` describes it, where that is one's own."""
    from ecotaskset.amounts import duration, energy
    from green_predictor.recommender import recommend

    try:
        answer = recommend(
            domain=recipe.domain,
            dataset=recipe.dataset if described is None else described,
            hardware=hardware,
            data=data,
            candidates=[recipe],
        )
    except UsageError as error:
        return Estimate(f"cost not known: {error.message}")
    best = answer.best
    basis = "an extrapolation" if answer.support.level == "far" else "predicted"
    basis += f" from {answer.support.runs_on_task} runs on this task"
    return Estimate(
        f"about {energy(best.energy_kwh)} ({energy(best.energy_low_kwh)} to {energy(best.energy_high_kwh)}), "
        f"{duration(best.duration_s)}, {answer.metric} {best.quality:.2f} ({basis})",
        best.energy_kwh, best.energy_low_kwh, best.energy_high_kwh, best.duration_s,
        best.quality, best.quality_low, best.quality_high,
    )  # fmt: skip
