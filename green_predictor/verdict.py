"""The answer in a sentence, and the honest "can't tell" where the data do not decide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ecotaskset.amounts import energy
from green_predictor.domain_model import Z90
from green_predictor.link import logit
from green_predictor.targets import ENERGY, QUALITY

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick
    from green_predictor.support import Support

STEP_QUALITY, STEP_ENERGY = 0.005, 0.8
"""A step better is half a point of quality more, a step cheaper a fifth of the energy less."""


def differ(one: float, other: float, variance: float) -> bool:
    """Can two candidates on the same task be told apart, at 90 %? What they share of the error cancels.

    Args:
        one, other: log-odds of quality, or natural logarithm of energy, of either.
        variance: what the predictor's error varies by within one task, on that scale.
    """
    return bool(abs(one - other) > Z90 * math.sqrt(2 * variance))


def alternatives(
    y: np.ndarray, quality: np.ndarray, energy_kwh: np.ndarray, best: int, within: np.ndarray
) -> dict[str, int | None]:
    """Positions on a front (cheap to dear) one step cheaper and one step better than the best: far enough to matter
    (`STEP_ENERGY`, `STEP_QUALITY`), the nearest that can be told apart if any can."""

    def less(i: int) -> bool:
        return differ(math.log(energy_kwh[i]), math.log(energy_kwh[best]), within[ENERGY])

    def higher(i: int) -> bool:
        return differ(y[i][QUALITY], y[best][QUALITY], within[QUALITY])

    cheaper = [i for i in range(best - 1, -1, -1) if energy_kwh[i] <= STEP_ENERGY * energy_kwh[best]]
    better = [i for i in range(best + 1, len(quality)) if quality[i] >= quality[best] + STEP_QUALITY]
    return {
        "cheaper": next((i for i in cheaper if less(i)), cheaper[0] if cheaper else None),
        "better": next((i for i in better if higher(i)), better[0] if better else None),
    }


def verdict(
    best: Pick,
    most_accurate: Pick,
    others: dict[str, Pick | None],
    metric: str,
    support: Support,
    y_best: np.ndarray,
    y_top: np.ndarray,
    within: np.ndarray,
    allowed: float | None = None,
    why_more: str = "",
) -> str:
    """Some sentences for people. `allowed`: the share of the best quality that they are ready to lose; `why_more`: why
    more than that may be lost (see `why_more_is_lost`)."""
    words = ["This is an extrapolation: nothing like it was ever run."] if support.level == "far" else []
    words.append(
        f"Train {best.name}: about {energy(best.energy_kwh)} "
        f"({energy(best.energy_low_kwh)} to {energy(best.energy_high_kwh)}), "
        f"{metric} {best.quality:.3f} ({best.quality_low:.3f} to {best.quality_high:.3f})."
    )
    cheaper = others.get("cheaper")
    if best.recipe == most_accurate.recipe:
        words.append("It is also the most accurate choice." if _leads(best, others) else "It is the surest choice.")
        if cheaper is not None and not _worse(cheaper, best, within):
            one = f"{cheaper.name} ({energy(cheaper.energy_kwh)})"
            words.append(f"Whether it is really better than {one}, the data can't tell.")
    else:
        words.append(_beside(best, most_accurate, metric, y_best, y_top, within))
        lost = 1 - best.quality / max(most_accurate.quality, 1e-9)
        if allowed is not None and round(lost, 3) > allowed:
            words.append(f"That is a loss of more than the {allowed:.1%} allowed, {why_more}.")
    if cheaper is not None and cheaper.quality >= best.quality:
        promise = f"{cheaper.name} promises as much for {energy(cheaper.energy_kwh)}"
        words.append(f"{promise}, but what was run speaks less for it.")
    return " ".join(words)


def _leads(best: Pick, others: dict[str, Pick | None]) -> bool:
    return all(other is None or other.quality <= best.quality for other in others.values())


def _worse(one: Pick, other: Pick, within: np.ndarray) -> bool:
    """Is it certain enough that one is less accurate, or is it expected to be as good (which is said elsewhere)?"""
    return one.quality >= other.quality or differ(logit(one.quality), logit(other.quality), within[QUALITY])


def why_more_is_lost(allowed: float, best: float, top: float, within_limits: bool) -> str:
    """Why a choice may lose more than was allowed, given the cautious qualities of it and of the most accurate, by
    which it was made, and whether that one keeps to the limits on energy, time and emissions."""
    if not within_limits:
        return "because the most accurate choice is beyond the limits"
    if round(1 - best / max(top, 1e-9), 3) <= allowed:
        return "but within it by the cautious figures that choices are made by"
    return "but too small a one to be sure of, and for each percent of it the energy is at least halved"


def _beside(best: Pick, top: Pick, metric: str, y_best: np.ndarray, y_top: np.ndarray, within: np.ndarray) -> str:
    saved, kept = 1 - best.energy_kwh / top.energy_kwh, best.quality / max(top.quality, 1e-9)
    cheaper = differ(math.log(best.energy_kwh), math.log(top.energy_kwh), within[ENERGY])
    worse = differ(y_best[QUALITY], y_top[QUALITY], within[QUALITY])
    sentence = f"the energy of the most accurate choice ({top.name}) and "
    if cheaper and worse:
        return f"It saves {saved:.0%} of {sentence}keeps {kept:.1%} of its {metric}."
    sentence = f"{sentence}to keep {kept:.1%} of its {metric}; "
    expected = (
        f"It is expected to save {saved:.0%} of " if saved >= 0 else f"It is expected to need {1 - saved:.0%} of "
    )
    if cheaper:
        return f"{expected}{sentence}whether that one is really better, the data can't tell."
    return f"{expected}{sentence}whether it really needs less, the data can't tell."
