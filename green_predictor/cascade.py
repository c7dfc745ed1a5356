"""What knobs do together, on one task: single effects, the product rule against what was measured, synergies and
collisions, Shapley shares, and the best stack (after *Tu(r)ning AI Green*, arXiv 2506.18289).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecotaskset.knobs import KNOBS, PHASES, check_knobs
from green_predictor.cascade_inference import inference_effects
from green_predictor.cascade_model import StackModel, fit_stacks, held_out_errors, product_rule
from green_predictor.cascade_runs import CascadeRuns, Stack, gather, leave_one_seed_out, stack_name
from green_predictor.source import records as read_records
from green_predictor.verdict import Z90

LEAST_QUALITY = 0.9595
"""Share of the baseline's quality that the best stack must keep: what the paper's best stack kept."""

MOST_UNTRIED = 4000
MOST_IN_SHAPLEY = 10


@dataclass(frozen=True)
class Cascade:
    """The analysis of one task. `runs` are the measured stacks, `model` predicts the others."""

    runs: CascadeRuns
    model: StackModel

    def effects(self) -> list[dict[str, Any]]:
        """Each knob alone: saving sᵢ with its 90 % interval, change of quality; largest saving first."""
        found = []
        for stack, measured in self.runs.stacks.items():
            if len(stack) != 1:
                continue
            ((name, _),) = stack
            ratio = measured.log_energy - self.runs.baseline.log_energy
            wide = Z90 * self.runs.log_noise(stack)
            found.append({
                "knob": stack_name(stack), "phase": KNOBS[name].phase, "runs": measured.n,
                "saving": 1 - math.exp(ratio), "saving_low": 1 - math.exp(ratio + wide),
                "saving_high": 1 - math.exp(ratio - wide),
                "quality_change": measured.quality - self.runs.baseline.quality,
                "quality_change_wide": Z90 * self.runs.noise[1] * math.sqrt(1 / measured.n + 1 / self.runs.baseline.n),
            })  # fmt: skip
        return sorted(found, key=lambda e: -e["saving"])

    def combinations(self) -> list[dict[str, Any]]:
        """Each measured combination whose knobs were also run alone: product rule against measurement.

        `interaction` is the log of measured over expected energy: below 0 the knobs help each other (`stacks`), above
        they collide, and within the noise it `can't tell`. Strongest synergy first.
        """
        found = []
        for stack, measured in self.runs.stacks.items():
            expected = product_rule(self.runs, stack) if len(stack) > 1 else None
            if expected is None:
                continue
            interaction = measured.log_energy - self.runs.baseline.log_energy - expected
            wide = Z90 * self._interaction_noise(stack)
            verdict = "can't tell" if abs(interaction) <= wide else "stacks" if interaction < 0 else "collides"
            found.append({
                "stack": stack_name(stack), "knobs": len(stack), "runs": measured.n,
                "saving": self.runs.saving(stack), "product_rule": 1 - math.exp(expected),
                "interaction": interaction, "interaction_wide": wide, "verdict": verdict,
                "quality_kept": measured.quality / max(self.runs.baseline.quality, 1e-9),
            })  # fmt: skip
        return sorted(found, key=lambda c: c["interaction"])

    def _interaction_noise(self, stack: Stack) -> float:
        singles = sum(1 / self.runs.stacks[frozenset([s])].n for s in stack)
        base = (len(stack) - 1) ** 2 / self.runs.baseline.n
        return self.runs.noise[0] * math.sqrt(1 / self.runs.stacks[stack].n + singles + base)

    def log_ratio(self, stack: Stack) -> tuple[float, bool]:
        """Log of the energy ratio to the baseline, and whether it was measured (else predicted)."""
        if stack in self.runs.stacks:
            return self.runs.stacks[stack].log_energy - self.runs.baseline.log_energy, True
        return self.model.predict(stack)[0], False

    def shapley(self, stack: Stack) -> list[dict[str, Any]]:
        """Each knob's share of a stack's saving (of the log energy ratio, so that shares add up to 1), largest first.

        The mean over all orders of turning the knobs; combinations that were not run are predicted.
        """
        settings = sorted(stack, key=str)[:MOST_IN_SHAPLEY]
        n, values = len(settings), {}
        for size in range(n + 1):
            for part in itertools.combinations(settings, size):
                values[frozenset(part)] = self.log_ratio(frozenset(part))
        whole = values[frozenset(settings)][0]
        found = []
        for setting in settings:
            gain = 0.0
            for part, (value, _) in values.items():
                if setting not in part:
                    weight = math.factorial(len(part)) * math.factorial(n - len(part) - 1) / math.factorial(n)
                    gain += weight * (values[part | {setting}][0] - value)
            found.append({"knob": stack_name(frozenset([setting])), "log_ratio": gain,
                          "share": gain / whole if abs(whole) > 1e-9 else 0.0})  # fmt: skip
        return sorted(found, key=lambda f: f["log_ratio"])

    def shapley_measured_share(self, stack: Stack) -> float:
        """Share of the combinations behind `shapley` that were really run."""
        settings = sorted(stack, key=str)[:MOST_IN_SHAPLEY]
        parts = [frozenset(p) for k in range(len(settings) + 1) for p in itertools.combinations(settings, k)]
        return sum(p in self.runs.stacks for p in parts) / len(parts)

    def best(self, least_quality: float = LEAST_QUALITY) -> Stack:
        """The measured stack that saves most and keeps that share of the baseline's quality."""
        floor = least_quality * self.runs.baseline.quality
        good = [s for s, m in self.runs.stacks.items() if m.quality >= floor]
        return min(good or [frozenset()], key=lambda s: self.runs.stacks[s].log_energy)

    def best_on_fresh_seeds(self, least_quality: float = LEAST_QUALITY) -> dict[str, Any] | None:
        """What `best` is worth on runs that did not choose it: chosen without a seed, measured on that seed, averaged.

        The best of many stacks looks better on the runs that chose it than it is. None with fewer than two seeds.
        """
        savings, kept = [], []
        for rest, left in leave_one_seed_out(self.runs):
            chosen = Cascade(rest, self.model).best(least_quality)
            if chosen in left.stacks:
                savings.append(left.saving(chosen))
                kept.append(left.stacks[chosen].quality / max(left.baseline.quality, 1e-9))
        if len(savings) < 2:
            return None
        return {"saving": float(np.mean(savings)), "quality_kept": float(np.mean(kept)), "seeds": len(savings)}

    def untried(self, least_quality: float = LEAST_QUALITY, count: int = 5) -> list[dict[str, Any]]:
        """Combinations nobody ran that are expected to save most at that quality: what to run next."""
        settings = sorted({s for stack in self.runs.stacks for s in stack}, key=str)
        stacks = itertools.chain.from_iterable(itertools.combinations(settings, k) for k in (2, 3, 4, 5))
        floor = (least_quality - 1) * self.runs.baseline.quality
        found = []
        for part in itertools.islice(stacks, MOST_UNTRIED):
            stack = frozenset(part)
            if stack in self.runs.stacks or len({n for n, _ in stack}) < len(stack) or not self._legal(stack):
                continue
            ratio, quality = self.model.predict(stack)
            if quality >= floor:
                found.append({"stack": stack_name(stack), "saving": 1 - math.exp(ratio),
                              "quality_kept": 1 + quality / max(self.runs.baseline.quality, 1e-9)})  # fmt: skip
        return sorted(found, key=lambda f: -f["saving"])[:count]

    def _legal(self, stack: Stack) -> bool:
        from ecotaskset.errors import UsageError

        try:
            check_knobs({**self.runs.always, **dict(stack)}, domain=self.runs.domain)
        except UsageError:
            return False
        return True

    def waterfall(self, stack: Stack | None = None) -> list[dict[str, Any]]:
        """Baseline → stack, phase by phase: energy left after each step, as a share, and whether it was measured."""
        stack = self.best() if stack is None else stack
        steps, turned, before = [], frozenset(), 0.0
        for phase in PHASES:
            added = frozenset(s for s in stack if KNOBS[s[0]].phase == phase)
            if not added:
                continue
            turned = turned | added
            ratio, measured = self.log_ratio(turned)
            steps.append({"phase": phase, "knobs": stack_name(added), "left_before": math.exp(before),
                          "left": math.exp(ratio), "measured": measured})  # fmt: skip
            before = ratio
        return steps

    def errors(self) -> dict[str, Any]:
        """Mean absolute error of the saving on held-out combinations: product rule and prediction; None without any."""
        held = held_out_errors(self.runs)
        if not held:
            return {"combinations": 0, "product_rule": None, "predicted": None}
        return {
            "combinations": len(held),
            "product_rule": float(np.mean([abs(h["measured"] - h["product_rule"]) for h in held])),
            "predicted": float(np.mean([abs(h["measured"] - h["predicted"]) for h in held])),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        best, base = self.best(), self.runs.baseline
        return {
            "domain": self.runs.domain, "dataset": self.runs.dataset, "model": self.runs.model,
            "base": self.runs.base, "always": self.runs.always,
            "baseline": {"energy_kwh": math.exp(base.log_energy), "quality": base.quality, "runs": base.n},
            "noise_log_energy": self.runs.noise[0], "noise_quality": self.runs.noise[1],
            "noise_is_measured": self.runs.noise_is_measured,
            "effects": self.effects(), "combinations": self.combinations(), "held_out": self.errors(),
            "best": {
                "stack": stack_name(best), "knobs": dict(sorted(best)), "saving": self.runs.saving(best),
                "quality_kept": self.runs.stacks[best].quality / max(base.quality, 1e-9),
                "least_quality": LEAST_QUALITY, "on_fresh_seeds": self.best_on_fresh_seeds(),
                "shapley": self.shapley(best), "shapley_measured_share": self.shapley_measured_share(best),
                "waterfall": self.waterfall(best),
            },
            "inference": inference_effects(self.runs.records), "untried": self.untried(),
        }  # fmt: skip


def cascade(domain: str, dataset: str, model: str | None = None, *, data: Any = None) -> Cascade:
    """Analyse what knobs do together on a task, from runs that differ in nothing else.

    `data` as in `recommend`; `model` defaults to the architecture with most combinations.

    Raises:
        UsageError: no such data set or architecture, or no recipe was run both with and without knobs.
    """
    runs = gather(read_records(data), domain, dataset, model)
    return Cascade(runs, fit_stacks(runs))
