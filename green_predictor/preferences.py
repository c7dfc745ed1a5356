"""What a person wants, and the choice that follows from it.

A preference is limits (quality, energy, time, emissions) and a rule among what the limits leave:

- a weight for energy: augmented Chebyshev distance to the ideal point (reaches concave parts of a front), or the
  weighted sum of the GREEN paper (arXiv 2505.01468);
- `max_quality_loss` alone: the cheapest that keeps that share of the best quality;
- `knee`: where giving up a little more of one no longer buys much of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError, unknown_name
from green_predictor.link import expit, logit
from green_predictor.pareto import front

RULES = ("chebyshev", "weighted_sum", "knee", "cheapest")
DEFAULT_WEIGHT = 0.5
Doubt = Callable[[np.ndarray, int, float], np.ndarray]
"""Of some candidates (k,), one more and its quality: log-odds by which each may be as good as that one, (k,)."""
AUGMENTATION = 0.01
QUALITY_PRICE = 100 * math.log(2)
"""What quality beyond the loss that was allowed is worth: where 1 % more is lost, the energy must be halved for it.
Choices are made, and predictors chosen, at the same price."""
TRADED = 0.9
"""People who weigh quality against energy mean recipes that keep about this share of the best quality; a front with far
worse ones would make a tenth of the quality look like nothing."""


@dataclass(frozen=True)
class Preference:
    """Limits and a rule. Qualities are 0..1, `max_quality_loss` is a share of the best reachable quality.

    `traded`: the share of the best quality that sets the scale of a weight (see `costs`); 0 for the whole range.
    """

    energy_weight: float = DEFAULT_WEIGHT
    rule: str = "chebyshev"
    max_quality_loss: float | None = None
    min_quality: float | None = None
    budget_kwh: float | None = None
    max_hours: float | None = None
    max_emissions_kg: float | None = None
    traded: float = TRADED


@dataclass(frozen=True)
class Choice:
    """`best` and `front` index the candidates; `front` is cheapest first and keeps to the limits."""

    best: int
    front: np.ndarray


def preference(
    prefer: Mapping[str, float] | float | str | None = None,
    *,
    rule: str | None = None,
    max_quality_loss: float | None = None,
    min_quality: float | None = None,
    budget_kwh: float | None = None,
    max_hours: float | None = None,
    max_emissions_kg: float | None = None,
) -> Preference:
    """Check what a person asked for.

    `prefer`: `{"energy": 0.7}` (quality then weighs 0.3), `{"quality": 0.8}`, both, a number (weight of energy), or
    `"knee"`. Without it and without a rule: the cheapest that keeps to a limit on quality; within a limit on energy,
    time or emissions alone the most accurate; with no limit at all both weigh the same.

    Raises:
        UsageError: a weight or share outside 0..1, a negative limit, an unknown objective or rule.
    """
    if isinstance(prefer, str):
        if rule not in (None, prefer):
            raise UsageError(f"prefer='{prefer}' and rule='{rule}' are two rules", hint="say one of them")
        rule, prefer = prefer, None
    weight = _weight(prefer)
    if rule is None:
        by_quality = max_quality_loss is not None or min_quality is not None
        rule = "cheapest" if weight is None and by_quality else "chebyshev"
        if weight is None and any(limit is not None for limit in (budget_kwh, max_hours, max_emissions_kg)):
            weight = 0.0
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    for name, value in (("max_quality_loss", max_quality_loss), ("min_quality", min_quality)):
        _check(name, value, 0, 1)
    for name, value in (
        ("budget_kwh", budget_kwh), ("max_hours", max_hours), ("max_emissions_kg", max_emissions_kg),
    ):  # fmt: skip
        _check(name, value, 0, math.inf)
    return Preference(
        DEFAULT_WEIGHT if weight is None else weight,
        rule, max_quality_loss, min_quality, budget_kwh, max_hours, max_emissions_kg,
    )  # fmt: skip


def _weight(prefer: Mapping[str, float] | float | None) -> float | None:
    if prefer is None:
        return None
    if not isinstance(prefer, Mapping):
        prefer = {"energy": prefer}
    if not prefer:
        raise UsageError("prefer={} names no weight", hint="for example {'energy': 0.7}")
    for name, value in prefer.items():
        if name not in ("energy", "quality"):
            raise unknown_name("objective", name, ("energy", "quality"))
        _check(f"weight of {name}", value, 0, 1)
    if "energy" in prefer and "quality" in prefer:
        total = prefer["energy"] + prefer["quality"]
        if total <= 0:
            raise UsageError("the weights of energy and quality are both 0", hint="for example energy=0.7")
        return prefer["energy"] / total
    return float(prefer["energy"]) if "energy" in prefer else 1 - float(prefer["quality"])


def _check(name: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        legal = "0 or more" if high == math.inf else f"{low:g} to {high:g}"
        raise UsageError(f"{name}={value!r} is not legal", hint=f"it must be a number, {legal}")


def choose(
    wanted: Preference,
    quality: np.ndarray,
    energy_kwh: np.ndarray,
    duration_s: np.ndarray | None = None,
    emissions_per_kwh: float | None = None,
    doubt: Doubt | None = None,
) -> Choice:
    """The best candidate for a preference, and the front within its limits. All arrays are (n,).

    `doubt`: what predictions cannot tell apart; that much may be lost beyond `max_quality_loss`, at `QUALITY_PRICE`.

    Raises:
        UsageError: no candidate keeps to the limits; says how near the nearest comes.
    """
    kept = np.flatnonzero(feasible(wanted, quality, energy_kwh, duration_s, emissions_per_kwh))
    on_front = kept[front(quality[kept], energy_kwh[kept])]
    if wanted.max_quality_loss is None:
        return Choice(int(on_front[costs(wanted, quality[on_front], energy_kwh[on_front]).argmin()]), on_front)
    top, reached, spent = int(on_front[-1]), quality[on_front], np.log(np.maximum(energy_kwh[on_front], 1e-300))
    even = np.zeros(len(on_front)) if doubt is None else doubt(on_front, top, float(quality[top]))
    beyond = np.maximum(0.0, (1 - wanted.max_quality_loss) - reached / max(float(quality[top]), 1e-9))
    paid = spent + QUALITY_PRICE * beyond
    allowed = beyond <= 0
    untold = reached >= (1 - wanted.max_quality_loss) * less(float(quality[top]), even)
    kept = allowed | (untold & (paid <= paid[allowed].min()))
    on_front = on_front[kept]
    cost = paid[kept] if wanted.rule == "cheapest" else costs(wanted, quality[on_front], energy_kwh[on_front])
    return Choice(int(on_front[cost.argmin()]), on_front)


def feasible(
    wanted: Preference,
    quality: np.ndarray,
    energy_kwh: np.ndarray,
    duration_s: np.ndarray | None,
    emissions_per_kwh: float | None,
) -> np.ndarray:
    """Which candidates keep to the limits but that of the loss, (n,) bool; each limit must leave something."""
    allowed = np.isfinite(quality) & np.isfinite(energy_kwh)
    if not allowed.any():
        raise UsageError("nothing can be predicted for these candidates")
    limits = [
        ("budget_kwh", energy_kwh, wanted.budget_kwh, "kWh", 1.0),
        ("max_hours", duration_s, wanted.max_hours, "h", 1 / 3600),
        ("max_emissions", energy_kwh, wanted.max_emissions_kg, "kg", emissions_per_kwh),
    ]
    for name, values, limit, unit, factor in limits:
        if limit is None:
            continue
        if values is None or factor is None:
            raise UsageError(f"{name} cannot be kept to: it is not known", hint="give a country for emissions")
        left = allowed & (values * factor <= limit)
        if not left.any():
            least = float(np.min(values[allowed])) * factor
            raise UsageError(
                f"no candidate stays within {name}={limit:g} {unit}", hint=f"the least is {least:.3g} {unit}"
            )
        allowed = left
    floor = wanted.min_quality if wanted.min_quality is not None else -math.inf
    top = float(np.max(quality[allowed]))
    if top < floor:
        hint = f"the most that is sure enough is {top:.3f}"
        raise UsageError(f"no candidate reaches min_quality={floor:g}", hint=hint)
    return allowed & (quality >= floor)


def less(quality: float, log_odds: np.ndarray) -> np.ndarray:
    """A quality less by so many log-odds, (k,)."""
    return np.where(log_odds > 0, expit(logit(quality) - log_odds), quality)


def costs(wanted: Preference, quality: np.ndarray, energy_kwh: np.ndarray, on: np.ndarray | None = None) -> np.ndarray:
    """What a rule minimises over candidates, (n,).

    Objectives are scaled by the range of those on the front that keep `wanted.traded` of the best quality, or of the
    two best there. The others can be chosen too, but their loss counts as more than the whole range. `on`: numbers of
    those on the front, (k,); all where left out.
    """
    if wanted.rule == "cheapest":
        return energy_kwh
    on = np.arange(len(quality)) if on is None else on
    among = on[quality[on] >= min(wanted.traded * quality.max(), np.sort(quality[on])[-2:][0])]
    linear = wanted.rule == "weighted_sum"
    cost = _unit(energy_kwh if linear else np.log(np.maximum(energy_kwh, 1e-300)), among)
    loss = _unit(-quality, among)
    if wanted.rule == "knee":
        return cost + loss
    by_energy, by_quality = wanted.energy_weight * cost, (1 - wanted.energy_weight) * loss
    if linear:
        return by_energy + by_quality
    return np.maximum(by_energy, by_quality) + AUGMENTATION * (by_energy + by_quality)


def _unit(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    low, spread = values[among].min(), np.ptp(values[among])
    return (values - low) / spread if spread > 0 else np.zeros_like(values)
