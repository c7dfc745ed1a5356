"""One task with its measured candidates: what a model predicts, what a choice would really have cost and reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from green_predictor import domain_model, metrics, targets
from green_predictor.alone import as_if_alone
from green_predictor.domain_model import DomainModel, Evidence, Prediction
from green_predictor.hardware import STRANGE
from green_predictor.held_out import random_halves
from green_predictor.one_machine import CONVERTED
from green_predictor.pareto import front, hypervolume_ratio
from green_predictor.preferences import Doubt, Preference, choose
from green_predictor.protocols import machine_of
from green_predictor.recipe_effect import cautious, with_own
from green_predictor.rows import is_processor
from green_predictor.threads import count_of
from green_predictor.told_by_runs import neighbours_of

HEADLINE = Preference(rule="cheapest", max_quality_loss=0.008)
"""The cheapest that is expected to keep 99.2 % of the best quality: what GREEN's paper says it keeps."""

HALVES = 50
"""How often a half of a task's recipes is drawn."""

LEAST_KEPT = 0.97
"""Below this share of the best quality a saving is not a success."""

RANKED_WITH = 0.5
"""Weight of energy in the rankings behind NDCG and SOVA."""


@dataclass(frozen=True)
class Task:
    """Measured candidates of one task, seeds averaged; energy and time over undisturbed runs where there are any.

    Arrays are over its `m` recipes, `kwh` over its records. `quality` is that on the validation split, by which recipes
    are chosen; `test` that on the test split (on the validation split where a run has none), by which a choice is
    judged: the best of a hundred on one split is partly the luckiest there. `first`: the record each recipe is
    predicted from. `noise`: standard deviation of log energy and of quality between seeds, pooled over the recipes that
    were repeated; None where none was.
    """

    name: str
    records: list[dict[str, Any]]
    kwh: np.ndarray
    first: list[int]
    recipe_of_record: np.ndarray
    quality: np.ndarray
    test: np.ndarray
    energy: np.ndarray
    duration: np.ndarray
    noise: tuple[float, float] | None


def measured_task(name: str, records: Sequence[dict[str, Any]], energy: str = "all") -> Task | None:
    """Gather the usable records of a task; None for fewer than three recipes."""
    kept = [as_if_alone(r) for r in records if targets.usable(r, energy)]
    # a recipe is predicted from the first of its runs
    kept = [kept[i] for i in np.argsort(_on_many_threads(kept), kind="stable")]
    ids = np.array([targets.recipe_key(r) for r in kept], dtype=object)
    if not len(ids):
        return None
    _, first, inverse = np.unique(ids.astype(str), return_index=True, return_inverse=True)
    if len(first) < 3:
        return None
    quality = np.array([targets.final_quality(r) for r in kept])
    test = np.array(
        [r["quality_test"] if r.get("quality_test") is not None else targets.final_quality(r) for r in kept]
    )
    kwh = np.array([r[targets.energy_column(energy)] for r in kept], float)
    seconds = np.array([r.get("duration_s") or np.nan for r in kept], float)
    calm, own = _calm(kept, inverse), _own(kept)
    noise = _noise(np.log(kwh[own]), inverse[own]), _noise(quality, inverse)

    def mean(values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        w = np.ones(len(values)) if weight is None else weight
        return np.bincount(inverse, w * values) / np.bincount(inverse, w)

    mean_log = mean(np.log(kwh), calm)
    return Task(
        name, kept, kwh, [int(i) for i in first], inverse, mean(quality), mean(test), np.exp(mean_log),
        mean(seconds, calm), None if None in noise else noise,
    )  # fmt: skip


def _calm(records: Sequence[dict[str, Any]], recipe: np.ndarray) -> np.ndarray:
    """Which runs say what their recipe costs, 0 or 1: those on the machine itself, on one thread, that no other work
    disturbed; where there are none, undisturbed ones of any machine on one thread; then all undisturbed; else all."""
    calm = np.ones(len(records))
    undisturbed = np.array(["contended" not in (r.get("flags") or []) for r in records])
    on_one = undisturbed & ~_on_many_threads(records)
    for best in (undisturbed, on_one, on_one & _own(records)):
        calm = np.where(np.bincount(recipe, best)[recipe] > 0, best, calm)
    return calm


def _own(records: Sequence[dict[str, Any]]) -> np.ndarray:
    """Which runs were made on the machine that is judged and, where any were, on one thread, (n,) bool."""
    here, many = np.array([CONVERTED not in (r.get("flags") or []) for r in records]), _on_many_threads(records)
    return here & ~many if (here & ~many).any() else here


def _on_many_threads(records: Sequence[dict[str, Any]]) -> np.ndarray:
    return np.array([is_processor(r) and (count_of(r) or 1) > 1 for r in records], bool)


def _noise(values: np.ndarray, recipe: np.ndarray) -> float | None:
    """Standard deviation between runs of one recipe, pooled; None with fewer than two degrees of freedom."""
    count = np.bincount(recipe)
    repeated = count[recipe] > 1
    freedom = int((count[count > 1] - 1).sum())
    if freedom < 2:
        return None
    middle = np.bincount(recipe, values) / np.maximum(count, 1)
    return float(np.sqrt(((values - middle[recipe])[repeated] ** 2).sum() / freedom))


@dataclass(frozen=True)
class Guess:
    """What is expected of the recipes of a task: quality and kWh to choose by; `prediction` None for rules of thumb.

    `choosable` (m,): the recipes that may be recommended; None for all.
    """

    quality: np.ndarray
    energy: np.ndarray
    prediction: Prediction | None = None
    doubt: Doubt | None = None
    choosable: np.ndarray | None = None

    def choice(self, wanted: Preference) -> int:
        """The recipe that a preference chooses: of those that may be recommended, where any of them is there."""
        quality = self.quality if self.choosable is None else np.where(self.choosable, self.quality, np.nan)
        quality = quality if np.isfinite(quality).any() else self.quality
        return choose(wanted, quality, self.energy, doubt=self.doubt).best


def guess(model: DomainModel, task: Task, known: Evidence, energy: str = "all") -> Guess:
    """Predict the recipes of a task, as `recommend` would: only what somebody nearly ran elsewhere is recommended."""
    rows = targets.prepare([task.records[i] for i in task.first], energy, model.reference)
    last = rows.subset(rows.last).rows
    learned_on = {machine_of(r) for r in model.runs}
    if not known.basis.startswith("probe") and not {machine_of(r) for r in task.records} & learned_on:
        known = replace(known, typical=STRANGE)
    y = domain_model.raw_predict(model, last, known)
    there = neighbours_of(model, last, known, y)
    y, known = domain_model.levelled(y, known, np.ones(len(last), bool))
    y = with_own(y, there)
    sure = targets.restore(cautious(model, y, there, known.basis), last, model.reference)
    made = domain_model.with_intervals(model, last, y, known)
    nearest = there.near if there.near.any() else None
    return Guess(sure[0], sure[1], made, domain_model.doubt_of(model, last, known.basis), nearest)


def outcome(task: Task, chosen: int, extra_kwh: float = 0.0) -> dict[str, float]:
    """What choosing a recipe really means, beside the oracle. `extra_kwh`: what finding it cost (probes).

    The most accurate recipe is the one that did best in validation, which is how somebody who had run them all would
    choose; what is kept of its quality is what the test split says of both.
    """
    # of recipes that are equally accurate, somebody who looks at accuracy alone takes any
    top = task.quality >= task.quality.max() - 1e-9
    usual, reached = float(np.median(task.energy[top])), max(float(task.test[top].mean()), 1e-9)
    best = choose(HEADLINE, task.quality, task.energy).best
    spent = task.energy[chosen] + extra_kwh
    saved, ideal = float(1 - spent / usual), float(1 - task.energy[best] / usual)
    kept = float(task.test[chosen] / reached)
    on_front = bool(chosen in front(task.quality, task.energy))
    return {
        "energy_saved": saved,
        "quality_kept": kept,
        "oracle_energy_saved": ideal,
        "oracle_quality_kept": float(task.test[best] / reached),
        "headroom_reached": _headroom(saved, ideal, kept),
        "on_front": float(on_front),
        "on_front_within_noise": float(on_front or _within_noise(task, chosen)),
        "regret": float(max(0.0, np.log(spent / task.energy[best]))),
    }


def among_half(task: Task, made: Guess) -> list[dict[str, float]]:
    """What the choices mean where only a random half of the recipes is there to choose from, `HALVES` times.

    One pick a task is mostly luck: the next best may cost ten times as much. Everything is of the same half: the pick,
    the most accurate recipe, and the oracle.
    """
    m, found = len(task.quality), []
    for there in random_halves(m, HALVES):
        outside = np.ones(m, bool)
        outside[there] = False
        pick = replace(made, quality=np.where(outside, np.nan, made.quality)).choice(HEADLINE)
        columns = {name: getattr(task, name)[there] for name in ("quality", "test", "energy", "duration")}
        found.append(outcome(replace(task, **columns), int(np.searchsorted(there, pick))))
    return found


def _headroom(saved: float, ideal: float, kept: float) -> float:
    """Share of the oracle's saving that was reached; none where the quality was not kept."""
    if kept < LEAST_KEPT:
        return 0.0
    return float(np.clip(saved / ideal, -1, 1)) if ideal > 1e-9 else 1.0


def _within_noise(task: Task, chosen: int) -> bool:
    """Is nothing better in both objectives by more than twice the seeds' noise?"""
    if task.noise is None:
        return False
    cheaper = np.log(task.energy[chosen]) - np.log(task.energy) > 2 * task.noise[0]
    better = task.quality - task.quality[chosen] > 2 * task.noise[1]
    as_cheap = task.energy <= task.energy[chosen]
    as_good = task.quality >= task.quality[chosen]
    return not bool(((cheaper & as_good) | (better & as_cheap)).any())


def judge(task: Task, made: Guess, extra_kwh: float = 0.0) -> dict[str, float | None]:
    """All figures of one task under the headline rule."""
    chosen = made.choice(HEADLINE)
    found: dict[str, float | None] = dict(outcome(task, chosen, extra_kwh))
    objectives = metrics.normalised(task.quality, task.energy)
    score = metrics.utility(metrics.normalised(made.quality, made.energy), RANKED_WITH)
    truth = metrics.utility(objectives, RANKED_WITH)
    found |= {
        "spearman_energy": metrics.spearman(task.energy, made.energy),
        "spearman_quality": metrics.spearman(task.quality, made.quality),
        "ndcg_5": metrics.ndcg(truth, score),
        "sova_5": metrics.sova(objectives, truth, score, np.array([1 - RANKED_WITH, RANKED_WITH])),
        "hypervolume_ratio": hypervolume_ratio(task.quality, task.energy, front(made.quality, made.energy)),
    }
    if made.prediction is not None:
        found |= _errors(task, made.prediction)
    return found


def _errors(task: Task, p: Prediction) -> dict[str, float]:
    error = metrics.energy_error(task.energy, p.energy_kwh)
    return {
        "energy_error_median": float(np.median(error)),
        "energy_error_p90": float(np.quantile(error, 0.9)),
        "quality_mae": float(np.mean(np.abs(task.quality - p.quality))),
        **_coverage(task, p),
    }


def _coverage(task: Task, p: Prediction) -> dict[str, float]:
    """Shares of single runs (not of seed means) inside their interval; of energies, of those on the machine itself."""
    which = task.recipe_of_record
    quality = np.array([targets.final_quality(r) for r in task.records])
    by_quality = np.mean((quality >= p.quality_low[which] - 1e-3) & (quality <= p.quality_high[which] + 1e-3))
    inside = (task.kwh >= p.energy_low_kwh[which]) & (task.kwh <= p.energy_high_kwh[which])
    by_energy = np.mean(inside[_own(task.records)])
    return {
        "coverage_quality_90": float(by_quality),
        "coverage_energy_90": float(by_energy),
        "coverage_90": float((by_quality + by_energy) / 2),
    }
