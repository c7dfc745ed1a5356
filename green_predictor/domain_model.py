"""The model of one domain, fitted: arrays and lists only, evaluated with NumPy."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from green_predictor import calibration, features, targets
from green_predictor.accelerators import Accelerator, more
from green_predictor.families import FAMILIES
from green_predictor.link import logit
from green_predictor.preferences import Doubt
from green_predictor.rows import Rows
from green_predictor.threads import untried
from green_predictor.variogram import indistinct

PIECE = 65_536
"""Rows evaluated at a time. Of smaller pieces two threads wait for each other; larger ones save little."""

MANY_PIECES, MOST_THREADS = 4, 8

Z90, TYPICAL = 1.645, 0.674
"""Of a normal distribution: standard deviations to either end of the middle 90 %, and of the middle half."""

COSTS = (targets.ENERGY, targets.DURATION)

UNTOLD = {"seen": round(Z90 / TYPICAL, 2), "unseen": 1.0}
"""Two recipes are not told apart when they differ by less than so many typical errors of such a difference (the median,
which the variogram gives). On a task with runs, that is 90 % of the errors of a normal distribution. On a task never
seen next to nothing could be told apart so, and whoever limits a loss means it: there it is the typical error."""


@dataclass(frozen=True)
class DomainModel:
    """What was learned of one domain.

    `arrays`: the family's. `correction`: data set → what its own runs add, (p + 1, 3). `quantiles`: of residuals over
    their `calibration.widths`, (2, 3), for a task `seen`, `unseen`, or probed with that many runs (`probe:1`, …).
    `apart`: for a task `seen` or `unseen`, by how much errors of quality differ with the distance of recipes (see
    `variogram`). `between`, `within` (3,): variance of tasks and within a new task; `within_seen` within one whose runs
    are known. `bounds` (2, 3): lowest and highest target of all runs. `rigidity` (3,): how little slopes follow a few
    probes (see `calibration.local_correction`). `leverage` (p, p) gives the distance from the training data. `runs`:
    the columns of the runs that candidates and support need; `summary`: plain facts for people.
    """

    domain: str
    spec: features.FeatureSpec
    reference: targets.Reference
    family: str
    arrays: dict[str, np.ndarray]
    correction: dict[str, np.ndarray]
    quantiles: dict[str, np.ndarray]
    apart: dict[str, np.ndarray]
    between: np.ndarray
    within: np.ndarray
    within_seen: np.ndarray
    bounds: np.ndarray
    rigidity: np.ndarray
    leverage: np.ndarray
    runs: list[dict[str, Any]] = field(repr=False)
    near: np.ndarray = field(repr=False)
    """Scaled features of the runs' final rows, (r, p), for telling how near a candidate is to what was run."""
    unexplained: np.ndarray = field(repr=False)
    """By how much the quality target of each run is above what the model says of it, (r,)."""
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """Of `n` rows: quality (0..1), energy (kWh), duration (s), each with the ends of its 90 % interval, all (n,).

    `leverage` (n,): distance from the training data. `basis`: which calibration the intervals come from.
    """

    quality: np.ndarray
    energy_kwh: np.ndarray
    duration_s: np.ndarray
    quality_low: np.ndarray
    quality_high: np.ndarray
    energy_low_kwh: np.ndarray
    energy_high_kwh: np.ndarray
    duration_low_s: np.ndarray
    duration_high_s: np.ndarray
    leverage: np.ndarray
    basis: str


@dataclass(frozen=True)
class Evidence:
    """What is known of the task at hand beyond the model: its correction, and the calibration that then holds."""

    correction: np.ndarray | None
    basis: str
    band: tuple[float, float] = (-np.inf, np.inf)
    """Quality targets between which the best recipe of the task is believed to lie."""
    lowered: float = 0.0
    """By how much the task's quality targets are lowered together so that the best lies in the band."""
    slowdown: tuple[float, float] = (1.0, 1.0)
    """How many times the energy and the time are what they would be on the machine that rows describe."""
    typical: float = 1.0
    """Factor by which they are typically off because no run was made on the machine."""
    accelerator: Accelerator | None = None
    """What computes there, if it is no processor like that of the rows."""


def base_predict(model: DomainModel, x: np.ndarray) -> np.ndarray:
    """What the family says, (n, 3); energy and time within what some run reached: models explode, trainings do not.

    Quality has no bounds here (see `raw_predict`).
    """
    y = FAMILIES[model.family].predict(model.arrays, x)
    free = np.arange(3) == targets.QUALITY
    least, most = np.where(free, -np.inf, model.bounds[0]), np.where(free, np.inf, model.bounds[1])
    return np.clip(y, least, most, out=y)


def slower(slowdown: tuple[float, float]) -> np.ndarray:
    """What a slowdown adds to targets, (3,)."""
    added = np.zeros(3, np.float32)
    added[list(COSTS)] = np.log(slowdown)
    return added


def elsewhere(model: DomainModel, rows: Rows, known: Evidence) -> np.ndarray:
    """What the machine at hand adds to the targets of rows, which describe another one, (n, 3)."""
    added = np.tile(slower(known.slowdown), (len(rows), 1))
    if known.accelerator is not None:
        added[:, list(COSTS)] += more(rows, model.reference.prices, known.accelerator)
    return added


def best_band(model: DomainModel, dataset: str | None, observed: targets.Training | None = None) -> tuple[float, float]:
    """Between which quality targets the best recipe of a task must lie: the bests of the domain's tasks; on a task with
    runs, its own best, give or take a typical error."""
    bests = _bests(model)
    low, high = min(bests.values(), default=-np.inf), float(model.bounds[1, targets.QUALITY])
    if observed is not None and len(observed.rows):
        seen = float(np.nanmax(observed.y[:, targets.QUALITY], initial=-np.inf))
        low, high = max(low, seen), max(high, seen)
    if dataset in bests:
        error = float(np.sqrt(model.within_seen[targets.QUALITY]))
        low, high = max(low, bests[dataset] - error), min(high, bests[dataset] + error)
    return low, max(low, high)


def _bests(model: DomainModel) -> dict[str, float]:
    """Highest quality target of each task of the training data."""
    found: dict[str, float] = {}
    for run in model.runs:
        if run.get("quality") is not None:
            landmark = run.get("landmark_quality")
            base = model.reference.landmark_logit if landmark is None else float(logit(landmark))
            task = str(run["dataset"])
            found[task] = max(found.get(task, -np.inf), float(logit(run["quality"])) - base)
    return found


def _landmark_spread(model: DomainModel) -> float:
    """By how much the log-odds of landmarks differ between tasks of the training data (a standard deviation)."""
    told = {str(run["dataset"]): run["landmark_quality"] for run in model.runs if run.get("landmark_quality")}
    return float(np.std(logit(list(told.values())))) if told else 0.0


def evidence(
    model: DomainModel, dataset: str | None, observed: targets.Training | None = None, typical: float = 1.0
) -> Evidence:
    """The correction for a task: from its runs in the training data, from observed runs, or none. `typical`: the factor
    by which energy and time are typically off on the machine of the observed runs, which are to settle that too."""
    known = model.correction.get(dataset) if dataset is not None else None
    band = best_band(model, dataset, observed)
    if observed is None or not len(observed.rows):
        return Evidence(known, "seen" if known is not None else "unseen", band)
    x = features.feature_matrix(observed.rows, model.spec)
    left = observed.y - base_predict(model, x)
    if known is not None:
        left = left - calibration.apply_correction(known, x)
    between = model.between.copy()
    if np.isnan(observed.rows.number("landmark_quality")).any():  # then the runs have to say what the task allows
        between[targets.QUALITY] += _landmark_spread(model) ** 2
    between[list(COSTS)] += (np.log(typical) / TYPICAL) ** 2
    added = calibration.local_correction(x, left, observed.weight, between, model.within, model.rigidity)
    count = len(np.unique(observed.run))
    probed = max((int(k[6:]) for k in model.quantiles if k.startswith("probe:") and int(k[6:]) <= count), default=0)
    basis = "seen" if known is not None else f"probe:{probed}" if probed else "unseen"
    return Evidence(added if known is None else added + known, basis, band)


def raw_predict(model: DomainModel, rows: Rows, known: Evidence) -> np.ndarray:
    """Targets (n, 3), piece by piece and, where there are many pieces, on all processors. No quality is bounded: cut
    off, all recipes of a task would look the same."""
    y = np.empty((len(rows), 3), np.float32)
    planned = features.plan(rows, model.spec)

    def one(start: int) -> None:
        piece = slice(start, start + PIECE)
        taken = rows.take(piece)
        x = planned.matrix(taken)
        y[piece] = base_predict(model, x)
        if known.correction is not None:
            y[piece] += calibration.apply_correction(known.correction, x)
        y[piece] += elsewhere(model, taken, known)
        y[piece, targets.QUALITY] -= known.lowered

    starts = range(0, len(rows), PIECE)
    if len(starts) < MANY_PIECES:
        for start in starts:
            one(start)
    else:  # NumPy lets go of the interpreter's lock in all of the heavy steps
        with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS)) as pool:
            list(pool.map(one, starts))
    return y


def leverage(model: DomainModel, rows: Rows) -> np.ndarray:
    """How far rows lie from the training data, (n,) (see `calibration.leverage`)."""
    planned = features.plan(rows, model.spec)
    return calibration.leverage(model.leverage, planned.matrix(rows), planned.beyond[rows.setting])


def levelled(y: np.ndarray, known: Evidence, among: np.ndarray | None = None) -> tuple[np.ndarray, Evidence]:
    """`raw_predict` of all candidates of one task (n, 3), and the evidence with the level that holds for all of them.

    What a task allows is hard to know, how its recipes compare is easier: where the best of them promises more, or
    less, than the best of any task ever reached, all are moved by the same, and keep their order. `among` (n,) bool:
    the candidates that count; None for a list that need not hold any good recipe, which is lowered, never raised.
    """
    best = float(np.max(y[:, targets.QUALITY] if among is None else y[among, targets.QUALITY]))
    low, high = known.band
    lowered = best - min(best if among is None else max(best, low), high)
    y = within_band(y, replace(known, band=(low, high + lowered)))
    y[:, targets.QUALITY] -= lowered
    return y, replace(known, lowered=lowered)


def within_band(y: np.ndarray, known: Evidence) -> np.ndarray:
    """Targets with no quality above what the best recipe of the task is believed to reach, (n, 3)."""
    bounded = y.copy()
    bounded[:, targets.QUALITY] = np.minimum(y[:, targets.QUALITY], known.band[1])
    return bounded


def with_intervals(model: DomainModel, rows: Rows, y: np.ndarray, known: Evidence) -> Prediction:
    """Targets as quality, kWh and s, with intervals that widen with the distance from the training data, for a machine
    or a number of threads that no run was made on, and on a task never seen for a landmark that nobody told: it may be
    that of any task."""
    low, high = model.quantiles.get(known.basis, model.quantiles["unseen"])
    middle, distance = targets.restore(y.astype(np.float32), rows, model.reference), leverage(model, rows)
    wide = calibration.widths(distance, middle[0], rows.number("n_validation"))
    off = np.tile(Z90 / TYPICAL * slower((known.typical, known.typical)), (len(rows), 1))
    off[:, COSTS] = np.hypot(off[:, COSTS], Z90 / TYPICAL * untried(rows)[:, None])
    if known.basis == "unseen":
        untold = np.isnan(rows.number("landmark_quality"))
        off[untold, targets.QUALITY] = Z90 * _landmark_spread(model)
    down, up = -np.hypot(np.minimum(low * wide, 0), off), np.hypot(np.maximum(high * wide, 0), off)
    lowest, highest = (targets.restore((y + end).astype(np.float32), rows, model.reference) for end in (down, up))
    return Prediction(*middle, *(end[i] for i in range(3) for end in (lowest, highest)), distance, known.basis)


def predict_rows(model: DomainModel, rows: Rows, known: Evidence) -> Prediction:
    """Quality, energy and duration of rows with their intervals."""
    return with_intervals(model, rows, within_band(raw_predict(model, rows, known), known), known)


def variance_for(model: DomainModel, basis: str) -> np.ndarray:
    """Variance of the targets from recipe to recipe of one task, (3,), for a task seen or new."""
    return model.within_seen if basis == "seen" else model.within


def doubt_of(model: DomainModel, rows: Rows, basis: str) -> Doubt:
    """Which differences in quality cannot be told from none (see `preferences.choose`): fewer the more alike the
    recipes are and the more a validation score of the task says."""
    known = "seen" if basis == "seen" else "unseen"
    apart = model.apart[known]

    def doubt(among: np.ndarray, top: int, quality: float) -> np.ndarray:
        x = features.feature_matrix(rows.take(np.append(among, top)), model.spec)
        n_validation = float(rows.number("n_validation")[top])
        return UNTOLD[known] * indistinct(apart, x[:-1], x[-1], quality, n_validation)

    return doubt
