"""Which family, how smooth: decided by regret on tasks that were held out, not by fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from green_predictor import calibration, features
from green_predictor.families import FAMILIES
from green_predictor.held_out import HeldOut, fold_without, folds, hold_out, predict_without, random_halves
from green_predictor.nearby import neighbours
from green_predictor.pareto import front
from green_predictor.preferences import QUALITY_PRICE, Preference, choose, costs
from green_predictor.recipe_effect import worse
from green_predictor.targets import QUALITY, Training, restore
from green_predictor.variogram import variogram

TASK_FOLDS = 6
RECIPE_FOLDS = 4
HALVES = 20
"""How often a half of a task's recipes is drawn to choose from."""
JUDGED_BY = (Preference(rule="cheapest", max_quality_loss=0.01), Preference(0.3), Preference(0.5), Preference(0.7))
USELESS = 4.0
"""No choice by weight is worse than this: on some tasks the best are so close that any other one would decide all."""
PLAIN = ("linear", 100.0)
EVEN = 0.02
"""Regrets closer than this, or than one standard error of their difference over tasks (Breiman's rule), are even: then
the smaller energy and quality error decides. A dozen tasks cannot tell more; what they seem to tell is often luck."""


def typically_apart(data: Training, held: HeldOut, x: np.ndarray) -> np.ndarray:
    """How the errors in quality of held-out predictions differ with the distance of two recipes of a task, in units of
    the task (see `variogram`)."""
    final = data.subset(data.last)
    left, task = (data.y - held.y)[data.last, QUALITY], final.task.astype(str)
    said = restore(held.y[data.last], final.rows, data.reference)[0]
    n_validation = final.rows.number("n_validation")
    for name in np.unique(task):
        mine = task == name
        left[mine] /= calibration.unit(said[mine].max(), n_validation[mine][0])
    return variogram(x[data.last], left, task)


@dataclass(frozen=True)
class Asked:
    """What was reached and what was predicted for the `m` recipes of one task, seeds averaged."""

    quality: np.ndarray
    energy: np.ndarray
    said_quality: np.ndarray
    said_energy: np.ndarray

    def among(self, there: np.ndarray) -> Asked:
        """Of some of the recipes only."""
        return Asked(self.quality[there], self.energy[there], self.said_quality[there], self.said_energy[there])

    def regret(self) -> float:
        """What a choice costs more than the best one would (log energy plus quality): mean over rules and random halves
        of the recipes. One pick of all is mostly luck: the next best may cost ten times as much."""
        drawn = random_halves(len(self.quality), HALVES)
        return float(np.mean([_loss(rule, half) for half in map(self.among, drawn) for rule in JUDGED_BY]))


def tried_elsewhere(data: Training) -> np.ndarray:
    """On how many other tasks the recipe of each final row was run, (n,) (see `nearby`)."""
    final = data.subset(data.last)
    task, number = final.task.astype(str), np.zeros(len(final.y), np.float32)
    for name in np.unique(task):
        others = [r for r in data.records if str(r.get("dataset")) != name]
        number[task == name] = neighbours(final.rows.take(np.flatnonzero(task == name)), others).tried
    return number


def asked(data: Training, held: HeldOut, tried: np.ndarray, within: np.ndarray) -> list[Asked]:
    """Every task with at least three recipes, as predicted, with caution, by models that did not see it. Families are
    compared by what they say themselves: what single recipes add to that (`nearby`) is left out."""
    final = data.subset(data.last)
    truth = restore(final.y, final.rows, data.reference)
    said = restore(worse(held.y[data.last], tried, within), final.rows, data.reference)
    names, found = final.task.astype(str), []
    for name in np.unique(names):
        mine = np.flatnonzero(names == name)
        _, first, inverse = np.unique(final.recipe[mine].astype(str), return_index=True, return_inverse=True)
        if len(first) >= 3:
            means = (np.bincount(inverse, v[mine]) / np.bincount(inverse) for v in truth[:2])
            one = mine[first]
            found.append(Asked(*means, said[0][one], said[1][one]))
    return found


def regrets(tasks: Sequence[Asked]) -> np.ndarray:
    """The regret of each task."""
    return np.array([task.regret() for task in tasks] or [0.0])


def _loss(rule: Preference, task: Asked) -> float:
    quality, energy = task.quality, task.energy
    chosen, best = choose(rule, task.said_quality, task.said_energy).best, choose(rule, quality, energy).best
    if rule.rule == "cheapest":
        short = max(0.0, quality[best] - quality[chosen]) / max(quality.max(), 1e-9)
        return max(0.0, np.log(energy[chosen] / energy[best])) + QUALITY_PRICE * short
    value = costs(rule, quality, energy, front(quality, energy))
    return min(USELESS, max(0.0, 4 * float(value[chosen] - value[best])))


def _as_good(more: np.ndarray) -> bool:
    """Is a difference of regrets by task within what chance does?"""
    error = float(more.std(ddof=1) / np.sqrt(len(more))) if len(more) > 1 else 0.0
    return float(more.mean()) <= max(EVEN, error)


def task_scale(data: Training, masks: list[np.ndarray], seed: int) -> float:
    """How much the description of a task may count: what predicts the quality on held-out tasks best, tasks weighing
    the same. A straight line tells it as well as any family, and at once."""
    error = {}
    task = data.task[data.last].astype(str)
    for scale in features.TASK_SCALES:
        said = np.zeros(len(data.y))
        for mask in masks:
            said[mask] = predict_without(fold_without(data, mask, scale), *PLAIN, seed)[:, QUALITY]
        missed = np.abs(data.y[:, QUALITY] - said)[data.last]
        error[scale] = float(np.mean([missed[task == name].mean() for name in np.unique(task)]))
    return min(error, key=error.__getitem__)


def compare(data: Training, seed: int, names: list[str] | None = None) -> tuple[dict[str, Any], HeldOut, np.ndarray]:
    """Try every family and strength on held-out tasks (on held-out recipes where there is one task only).

    Returns the comparison (`table`, `chosen`), the held-out predictions of the chosen one, and the group of each row.
    """
    by_task = len(np.unique(data.task.astype(str))) >= 2
    group = data.task if by_task else data.recipe
    masks = folds(group, TASK_FOLDS if by_task else RECIPE_FOLDS, seed)
    settings = [(n, s) for n in (names or FAMILIES) for s in FAMILIES[n].strengths]
    scale = task_scale(data, masks, seed) if by_task else features.TASK_SCALES[0]
    held = hold_out(data, masks, settings, seed, scale)
    tried = tried_elsewhere(data)
    table, by_task_of = [], []
    for (name, strength), out in held.items():
        left = data.y - out.y
        _, within = calibration.variances(left[data.last], data.task[data.last].astype(str))
        found = regrets(asked(data, out, tried, within))
        error = float(np.mean(np.abs(left[data.last][:, :2])))
        table.append({"family": name, "strength": strength, "regret": float(found.mean()), "error": error})
        by_task_of.append(found)
    least = by_task_of[min(range(len(table)), key=lambda i: table[i]["regret"])]
    even = [row for row, found in zip(table, by_task_of, strict=True) if _as_good(found - least)]
    chosen = min(even, key=lambda row: row["error"])
    return (
        {"table": table, "chosen": chosen, "held_out": "task" if by_task else "recipe", "task_scale": scale},
        held[chosen["family"], chosen["strength"]],
        group,
    )
