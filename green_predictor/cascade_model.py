"""What an untried combination of knobs will cost and reach, learned from the combinations that were tried.

The product rule S = 1 − ∏(1 − sᵢ) adds up the logarithms of single effects. Knobs that attack the same cost overlap, so
here the sum is learned: one weight for how much of it arrives in company, corrections for pairs of phases and for pairs
of knobs, all held near the product rule (or, for singles never run alone, near none) by a ridge penalty.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ecotaskset.knobs import KNOBS
from green_predictor.cascade_runs import CascadeRuns, Stack

PENALTY_SINGLE, PENALTY_COMPANY, PENALTY_PHASES, PENALTY_PAIR = 0.05, 0.3, 1.0, 2.0
SINGLE_WEIGHT = 3.0
"""Single knobs are what everything rests on: their rows weigh this much more than a combination's."""


@dataclass(frozen=True)
class StackModel:
    """Weights by term for (log energy ratio, quality difference) to the baseline."""

    terms: list[tuple]
    weights: np.ndarray
    singles: Mapping[tuple, np.ndarray]

    def predict(self, stack: Stack) -> tuple[float, float]:
        """(log of the energy ratio, quality difference) to the baseline."""
        if not stack:
            return 0.0, 0.0
        features = _features(stack, self.singles)
        return tuple(  # type: ignore[return-value]
            float(sum(features[c].get(term, 0.0) * self.weights[i, c] for i, term in enumerate(self.terms)))
            + float(sum(self.singles.get(setting, np.zeros(2))[c] for setting in stack))
            for c in (0, 1)
        )


def fit_stacks(runs: CascadeRuns, without: Stack | None = None) -> StackModel:
    """Learn from all measured stacks but `without` (for leaving a combination out)."""
    base = runs.baseline
    rows = {s: m for s, m in runs.stacks.items() if s and s != without}
    measured = {s: np.array([m.log_energy - base.log_energy, m.quality - base.quality]) for s, m in rows.items()}
    singles = {next(iter(s)): v for s, v in measured.items() if len(s) == 1}
    terms = sorted({t for s in rows for c in _features(s, singles) for t in c}, key=str)
    weights = np.zeros((len(terms), 2))
    penalty = np.array([_PENALTY[term[0]] for term in terms])
    for c in (0, 1) if terms else ():
        x = np.array([[_features(s, singles)[c].get(t, 0.0) for t in terms] for s in rows])
        y = np.array([v[c] - sum(singles.get(i, np.zeros(2))[c] for i in s) for s, v in measured.items()])
        w = np.array([(SINGLE_WEIGHT if len(s) == 1 else 1.0) * rows[s].n for s in rows])
        gram = (x * w[:, None]).T @ x + np.diag(penalty)
        weights[:, c] = np.linalg.solve(gram, x.T @ (w * y))
    return StackModel(terms, weights, singles)


_PENALTY = {
    "single": PENALTY_SINGLE, "company": PENALTY_COMPANY, "phases": PENALTY_PHASES, "pair": PENALTY_PAIR,
}  # fmt: skip


def _features(stack: Stack, singles: Mapping[tuple, np.ndarray]) -> tuple[dict, dict]:
    """Terms of a stack beyond the sum of its singles, for energy and for quality."""
    energy: dict[tuple, float] = {}
    quality: dict[tuple, float] = {}
    for setting in stack:
        if setting not in singles:
            energy[("single", *setting)] = quality[("single", *setting)] = 1.0
    if len(stack) < 2:
        return energy, quality
    total = sum(singles.get(s, np.zeros(2)) for s in stack)
    largest = min((singles.get(s, np.zeros(2))[0] for s in stack), default=0.0)
    energy["company",] = float(total[0] - largest)
    quality["company",] = float(total[1] - min(singles.get(s, np.zeros(2))[1] for s in stack))
    for one, other in itertools.combinations(sorted(stack, key=str), 2):
        phases = tuple(sorted((KNOBS[one[0]].phase, KNOBS[other[0]].phase)))
        names = tuple(sorted((one[0], other[0])))
        for terms in (energy, quality):
            terms[("phases", *phases)] = terms.get(("phases", *phases), 0.0) + 1.0
            terms[("pair", *names)] = 1.0
    return energy, quality


def product_rule(runs: CascadeRuns, stack: Stack) -> float | None:
    """Log energy ratio by the product rule; None unless every knob of the stack was run alone."""
    parts = [runs.stacks.get(frozenset([setting])) for setting in stack]
    if any(p is None for p in parts):
        return None
    return float(sum(p.log_energy - runs.baseline.log_energy for p in parts))


def held_out_errors(runs: CascadeRuns) -> list[dict[str, float]]:
    """Leaving one combination out at a time: saving measured, by the product rule, and predicted."""
    found = []
    for stack in runs.stacks:
        by_product = product_rule(runs, stack) if len(stack) > 1 else None
        if by_product is None:
            continue
        predicted = fit_stacks(runs, without=stack).predict(stack)[0]
        found.append({
            "measured": runs.saving(stack),
            "product_rule": 1 - float(np.exp(by_product)),
            "predicted": 1 - float(np.exp(predicted)),
        })  # fmt: skip
    return found
