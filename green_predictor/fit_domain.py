"""Fitting the model of one domain: choose by held-out regret, calibrate on held-out groups, then learn from all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ecotaskset.errors import UsageError
from green_predictor import calibration, features, targets
from green_predictor.domain_model import DomainModel
from green_predictor.families import FAMILIES
from green_predictor.held_out import HeldOut, fold_without, folds, scaled
from green_predictor.probe_calibration import RIGIDITIES, least_left, probe_calibration, stiffest
from green_predictor.rows import setting_columns
from green_predictor.selection import RECIPE_FOLDS, compare, typically_apart

LEAST_RUNS = 8
SPREAD_WITHOUT_TASKS = 2.0
"""With runs of one task only nothing is known of how tasks differ: intervals for a new one are this much wider."""

_KEPT = ("recipe_id", "epochs", "batch_size", "learning_rate", "weight_decay", "knobs", "quality_metric", "seed")


def fit_domain(
    domain: str,
    records: Sequence[Mapping[str, Any]],
    *,
    energy: str = "all",
    families: list[str] | None = None,
    seed: int = 0,
) -> DomainModel:
    """Learn one domain from its run records.

    Raises:
        UsageError: fewer than `LEAST_RUNS` usable runs.
    """
    with threadpool_limits(1):  # matrices so small are slower on several threads, many times so beside other work
        return _fit_domain(domain, records, energy, families, seed)


def _fit_domain(
    domain: str, records: Sequence[Mapping[str, Any]], energy: str, families: list[str] | None, seed: int
) -> DomainModel:
    data = targets.emphasised(targets.prepare(records, energy))
    if len(data.records) < LEAST_RUNS:
        raise UsageError(
            f"domain '{domain}' has {len(data.records)} usable runs with {energy} energy; {LEAST_RUNS} are needed",
            hint="collect more with green-collect" + (", or use energy='all'" if energy == "measured" else ""),
        )
    comparison, held, group = compare(data, seed, families)
    chosen = comparison["chosen"]
    family, strength, scale = FAMILIES[chosen["family"]], chosen["strength"], comparison["task_scale"]
    left = data.y - held.y
    between, within = calibration.variances(left[data.last], group[data.last].astype(str))
    stiffness, seen = _seen(data, (chosen["family"], strength, scale), between, within, seed)
    within_seen = calibration.variances(seen.y[data.last], data.task[data.last].astype(str))[1]
    known = HeldOut(data.y - seen.y, seen.leverage)
    spec = features.fit_spec(data.rows, data.weight, scale)
    x = features.feature_matrix(data.rows, spec)
    apart = {"seen": typically_apart(data, known, x), "unseen": typically_apart(data, held, x)}
    quantiles = {"seen": _quantiles(data, seen)}
    if comparison["held_out"] == "task":
        few = calibration.few_groups(len(np.unique(data.task.astype(str))))
        unseen, seen_too = few * _quantiles(data, HeldOut(left, held.leverage)), quantiles["seen"]
        # nobody knows more of a task never met than of one with runs
        quantiles["unseen"] = np.stack([np.minimum(unseen[0], seen_too[0]), np.maximum(unseen[1], seen_too[1])])
        rigidity, probed = probe_calibration(data, left, held.leverage, between, within, scale, seed)
        quantiles |= probed
    else:
        rigidity = stiffest()
        quantiles["unseen"] = SPREAD_WITHOUT_TASKS * quantiles["seen"]
    arrays = family.fit(x, data.y, data.weight, seed, strength, features.free_of_task(spec, targets.TASK_MATTERS))
    rest = data.y - family.predict(arrays, x)
    correction = _corrections(data, x, rest, between, within, stiffness)
    return DomainModel(
        domain=domain,
        spec=spec,
        reference=data.reference,
        family=chosen["family"],
        arrays=arrays,
        correction=correction,
        quantiles=quantiles,
        apart=apart,
        between=between,
        within=within,
        within_seen=within_seen,
        bounds=np.stack([np.nanmin(data.y, axis=0), np.nanmax(data.y, axis=0)]),
        rigidity=rigidity,
        leverage=calibration.leverage_factor(x, data.weight),
        runs=[_kept(r) for r in data.records],
        near=x[data.last],
        unexplained=_unexplained(data, x, rest, correction),
        summary={
            "runs": len(data.records),
            "tasks": sorted({str(t) for t in data.task}),
            "comparison": comparison,
            "energy": energy,
        },
    )


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    numbers, texts = setting_columns()
    kept = {name: record.get(name) for name in (*numbers, *texts, *_KEPT) if record.get(name) not in (None, [])}
    kept["quality"] = targets.final_quality(record)
    if record.get("recipe_id"):
        kept["recipe_id"] = targets.recipe_key(record)
    kept["energy_kwh"] = record.get("energy_kwh")
    kept["duration_s"] = record.get("duration_s")
    if isinstance(kept.get("knobs"), list):
        kept["knobs"] = {k["name"]: k["value"] for k in kept["knobs"]}
    return kept


def _corrections(data, x, rest, between, within, rigidity) -> dict[str, np.ndarray]:
    found = {}
    for task in sorted({str(t) for t in data.task}):
        mine = data.task.astype(str) == task
        found[task] = calibration.local_correction(x[mine], rest[mine], data.weight[mine], between, within, rigidity)
    return found


def _unexplained(data, x, rest, correction) -> np.ndarray:
    found, task = rest[:, targets.QUALITY].copy(), data.task.astype(str)
    for name, known in correction.items():
        found[task == name] -= calibration.apply_correction(known, x[task == name])[:, targets.QUALITY]
    return found[data.last].astype(np.float32)


def _seen(
    data: targets.Training, setting: tuple[str, float, float], between: np.ndarray, within: np.ndarray, seed: int
) -> tuple[np.ndarray, HeldOut]:
    """Residuals of recipes that were held out while others of their task were known; the best rigidity of each target
    on the way, (3,)."""
    name, strength, scale = setting
    left = {r: np.zeros_like(data.y) for r in RIGIDITIES}
    distance = np.zeros(len(data.y), np.float32)
    for mask in folds(data.recipe, RECIPE_FOLDS, seed):
        fold, task = fold_without(data, mask, scale), data.task[mask].astype(str)
        inside, x = fold.inside, fold.x
        free = features.free_of_task(fold.spec, targets.TASK_MATTERS)
        arrays = FAMILIES[name].fit(x, inside.y, inside.weight, seed, strength, free)
        rest = inside.y - FAMILIES[name].predict(arrays, x)
        guess = FAMILIES[name].predict(arrays, fold.x_out)
        distance[mask] = calibration.leverage(calibration.leverage_factor(x, inside.weight), fold.x_out, fold.beyond)
        for rigidity in RIGIDITIES:
            found = _corrections(inside, x, rest, between, within, np.full(3, rigidity))
            out = guess.copy()
            for known, correction in found.items():
                out[task == known] += calibration.apply_correction(correction, fold.x_out[task == known])
            left[rigidity][mask] = data.y[mask] - out
    best, least = least_left(left, data.last.astype(float))
    return best, HeldOut(least, distance)


def _quantiles(data: targets.Training, residuals: HeldOut) -> np.ndarray:
    """Of residuals of final rows, by which intervals are made (see `held_out.scaled`)."""
    last = np.flatnonzero(data.last)
    left = scaled(data, last, residuals.y[last], residuals.leverage[last])
    return calibration.group_quantiles(left, data.task[last].astype(str))
