"""What models say of rows they did not see: whole groups are left out, and everything is fitted without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from green_predictor import calibration, features
from green_predictor.families import FAMILIES
from green_predictor.targets import TASK_MATTERS, Training, restore


@dataclass(frozen=True)
class HeldOut:
    """Predictions of rows by models that never saw their group, with their leverage."""

    y: np.ndarray
    leverage: np.ndarray


def folds(group: np.ndarray, count: int, seed: int = 0) -> list[np.ndarray]:
    """Masks of the held-out rows: groups are never split; the largest groups are dealt out first."""
    names, sizes = np.unique(group.astype(str), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    count = min(count, len(names))
    load, members = np.zeros(count), [[] for _ in range(count)]
    for i in order:
        lightest = int(load.argmin())
        load[lightest] += sizes[i]
        members[lightest].append(names[i])
    return [np.isin(group.astype(str), names_) for names_ in members]


def random_halves(m: int, count: int) -> list[np.ndarray]:
    """Numbers of the members of random halves of `m`, the same ones each time."""
    drawn = np.random.default_rng(0)
    return [np.sort(drawn.choice(m, max(2, (m + 1) // 2), replace=False)) for _ in range(count)]


def hold_out(
    data: Training,
    masks: list[np.ndarray],
    settings: list[tuple[str, float]],
    seed: int,
    scale: float = features.TASK_SCALES[0],
) -> dict[tuple[str, float], HeldOut]:
    """Predictions of every row by models fitted without its fold; scaling and vocabulary are refitted too."""
    found = {s: HeldOut(np.zeros_like(data.y), np.zeros(len(data.y), np.float32)) for s in settings}
    for mask in masks:
        fold = fold_without(data, mask, scale)
        distance = calibration.leverage(
            calibration.leverage_factor(fold.x, fold.inside.weight), fold.x_out, fold.beyond
        )
        for name, strength in settings:
            found[name, strength].y[mask] = predict_without(fold, name, strength, seed)
        for held in found.values():
            held.leverage[mask] = distance
    return found


@dataclass(frozen=True)
class Fold:
    """What is inside and its features, and those of what is held out (`beyond`: see `features.Plan`)."""

    inside: Training
    spec: features.FeatureSpec
    x: np.ndarray
    x_out: np.ndarray
    beyond: np.ndarray


def fold_without(data: Training, mask: np.ndarray, scale: float) -> Fold:
    """The rows outside the mask as training data, those inside it as held out; scaling is fitted to the former."""
    inside, outside = data.subset(~mask), data.subset(mask).rows
    spec = features.fit_spec(inside.rows, inside.weight, scale)
    planned = features.plan(outside, spec)
    x = features.feature_matrix(inside.rows, spec)
    return Fold(inside, spec, x, planned.matrix(outside), planned.beyond[outside.setting])


def predict_without(fold: Fold, name: str, strength: float, seed: int) -> np.ndarray:
    """What a family says of the rows it did not see."""
    free = features.free_of_task(fold.spec, TASK_MATTERS)
    arrays = FAMILIES[name].fit(fold.x, fold.inside.y, fold.inside.weight, seed, strength, free)
    return FAMILIES[name].predict(arrays, fold.x_out)


def scaled(data: Training, index: np.ndarray, left: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """Residuals (k, 3) over their `calibration.widths`. `index` (k,): the rows they are of; `leverage` (k,): theirs."""
    rows = data.rows.take(index)
    quality = restore(data.y[index] - left, rows, data.reference)[0]
    return left / calibration.widths(leverage, quality, rows.number("n_validation"))
