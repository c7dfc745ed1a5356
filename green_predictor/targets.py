"""What is learned: quality, energy and time of a run after each of some epochs, in a form that carries to new tasks.

- quality: log-odds, softened near 1 (see `link`), relative to those of a fixed classical reference on the same task
  (`landmark_quality`);
- energy and time: logarithm, relative to what physics says of the cost (`physics`; learning corrects it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from green_predictor import threads
from green_predictor.alone import as_if_alone
from green_predictor.link import expit, logit
from green_predictor.physics import PRICES, fit_prices, quantities
from green_predictor.processors import Paces, log_paces, paces
from green_predictor.rows import LEARNED_FROM, Rows, knobs_of, recipe_rows

TARGETS = ("quality", "energy", "duration")
QUALITY, ENERGY, DURATION = range(3)
TASK_MATTERS = (True, False, False)
"""Whether a target hangs on how the task is described, beyond what it is relative to."""
LAST_EPOCH_WEIGHT = 0.5
INNER_EPOCHS = 3
LEAST_WORTH = 0.2
"""Weight of a row far below the best of its task, where the best has 1 (see `emphasised`)."""
MOST_LOG = 80.0
"""Far extrapolations are cut here, so that they stay numbers."""


@dataclass(frozen=True)
class Reference:
    """What the targets are relative to: the landmark that stands in where a task has none, the prices of physics, and
    the paces of processors (see `processors`)."""

    landmark_logit: float
    prices: tuple[float, ...]
    paces: Paces = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """Rows with targets. `run` (n,) indexes `records`; `last` marks final rows. The weights of a run's rows add up to 1
    (but see `emphasised`)."""

    records: list[dict[str, Any]]
    rows: Rows
    y: np.ndarray
    weight: np.ndarray
    run: np.ndarray
    last: np.ndarray
    reference: Reference

    @property
    def task(self) -> np.ndarray:
        """Name of the data set of each row."""
        return self.rows.text("dataset")

    @property
    def recipe(self) -> np.ndarray:
        """Recipe id of each row."""
        keys = [recipe_key(record) for record in self.records]
        return np.array([keys[i] for i in self.run], dtype=object)

    def subset(self, mask: np.ndarray) -> Training:
        """The marked rows; settings are shared."""
        index = np.flatnonzero(mask)
        return Training(
            self.records, self.rows.take(index), self.y[index], self.weight[index], self.run[index],
            self.last[index], self.reference,
        )  # fmt: skip


def emphasised(data: Training) -> Training:
    """The same rows, those near the best of their task weighing most: recommendations are made among them, and a model
    with few parameters cannot be right everywhere."""
    worth = np.ones(len(data.y))
    task = data.task.astype(str)
    for name in np.unique(task):
        mine = task == name
        final = data.y[mine & data.last, QUALITY]
        behind = (final.max() - data.y[mine, QUALITY]) / max(float(final.std()), 1e-6)
        worth[mine] = LEAST_WORTH + (1 - LEAST_WORTH) * np.exp(-behind)
    weight = data.weight * worth
    return replace(data, weight=weight * (data.weight.sum() / max(weight.sum(), 1e-9)))


def recipe_key(record: Mapping[str, Any]) -> str:
    """What runs of one recipe share, on however many threads: the recipe id, or (imported runs have none) the recipe's
    columns."""
    columns = ("dataset", "model", "epochs", "batch_size", "learning_rate", "weight_decay", "pretrained", "knobs")
    named = record.get("recipe_id")
    if named and threads.KNOB in knobs_of(record):
        fields = {c: record[c] for c in ("domain", *columns[:-1]) if record.get(c) is not None}
        with suppress(UsageError):  # too little is said to tell which recipe it would be
            return threads.left_open(Recipe.create(**fields, knobs=knobs_of(record))).recipe_id
    return named or str([record.get(c) for c in columns])


def usable(record: Mapping[str, Any], energy: str = "all", *, partial: bool = False) -> bool:
    """Can anything be learned from this run: it ended by itself, and its energy (of that kind) and time are known.

    With `partial`, also one that was interrupted after at least an epoch.
    """
    value = record.get(energy_column(energy))
    known = value is not None and value > 0 and record.get("epochs") and record.get("batch_size")
    status = record.get("status") or "completed"
    cut = partial and status == "interrupted" and bool(record.get("curve_validation_quality"))
    whole = bool(known) and not misses_accelerator(record)
    return whole and (status in LEARNED_FROM or cut) and (partial or not paid_for_others(record))


def paid_for_others(record: Mapping[str, Any]) -> bool:
    """Did this run prepare the data that all later ones find ready? Its energy is not what its recipe costs."""
    return record.get("data_cached") is False and "cached_preprocessing" not in knobs_of(record)


def misses_accelerator(record: Mapping[str, Any]) -> bool:
    """Did this run train on an accelerator whose energy nobody could read? What is known is then the small rest."""
    unread = record.get("gpu_energy_kwh") is None and record.get("gpu_energy_quality") == "missing"
    return unread and record.get("device") not in (None, "cpu")


def energy_column(energy: str) -> str:
    """The Run column that `energy="all"` or `"measured"` means."""
    return "energy_measured_kwh" if energy == "measured" else "energy_kwh"


def prepare(
    records: Sequence[Mapping[str, Any]],
    energy: str = "all",
    reference: Reference | None = None,
    *,
    partial: bool = False,
) -> Training:
    """Rows and targets of run records (dicts of Run columns); unusable runs are left out (see `usable`)."""
    kept = [as_if_alone(r) for r in records if usable(r, energy, partial=partial)]
    pairs: list[tuple[int, float]] = []
    values: list[tuple[float, float, float]] = []
    weights: list[float] = []
    for i, record in enumerate(kept):
        points = _points(record, energy)
        for position, (epoch, *point) in enumerate(points):
            final = position == len(points) - 1
            pairs.append((i, epoch))
            values.append(tuple(point))
            alone = len(points) == 1
            weights.append(
                1.0 if alone else LAST_EPOCH_WEIGHT if final else (1 - LAST_EPOCH_WEIGHT) / (len(points) - 1)
            )
    rows = recipe_rows(kept, pairs)
    run = rows.setting.astype(np.int64)
    last = np.append(run[1:] != run[:-1], True) if len(run) else np.zeros(0, bool)
    raw = np.array(values, dtype=np.float64).reshape(-1, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        costs = np.log(raw[:, [ENERGY, DURATION]])
    if reference is None:
        reference = _reference(rows, costs, np.array(weights), last)
    y = np.empty((len(rows), 3), np.float64)
    y[:, QUALITY] = logit(raw[:, QUALITY]) - base_logit(rows, reference)
    if len(rows):
        y[:, [ENERGY, DURATION]] = costs - log_costs(rows, reference)
    timed = np.isfinite(y[:, DURATION])
    y[~timed, DURATION] = np.median(y[timed, DURATION]) if timed.any() else np.nan
    if not partial:
        y[~np.isfinite(y)] = 0.0
    return Training(kept, rows, y.astype(np.float32), np.array(weights), run, last, reference)


def _points(record: Mapping[str, Any], energy: str) -> list[tuple[float, float, float, float]]:
    """(epoch, quality, kWh, s) at up to `INNER_EPOCHS` epochs and at the end, whose cost is the run's whole cost.

    An interrupted run has no end: only the epochs it made, the first of which pays for the start.
    """
    qualities = record.get("curve_validation_quality") or []
    energies = record.get("curve_energy_kwh") or []
    durations = record.get("curve_duration_s") or []
    total, epochs = float(record[energy_column(energy)]), float(record["epochs"])
    share = total / record["energy_kwh"] if record.get("energy_kwh") else 1.0
    ran = len(qualities)
    cut = record.get("status") == "interrupted"
    points = []
    if ran >= (1 if cut else 2) and len(energies) == ran and len(durations) == ran:
        inner = sorted({round(float(v)) for v in np.geomspace(1, max(1, ran - (not cut)), INNER_EPOCHS)})
        for t in inner:
            q, kwh, seconds = qualities[t - 1], energies[t - 1], durations[t - 1]
            if (q is not None or cut) and kwh and seconds and t < epochs:
                points.append((float(t), np.nan if q is None else q, kwh * share, seconds))
    if not cut:
        points.append((epochs, final_quality(record), total, float(record.get("duration_s") or np.nan)))
    return points


def final_quality(record: Mapping[str, Any]) -> float:
    """Validation quality of the model a run ends with; a run that diverged without any is as good as no model."""
    for name in ("quality_last", "quality_validation", "majority_quality"):
        if record.get(name) is not None:
            return float(record[name])
    return 0.0


def _reference(rows: Rows, costs: np.ndarray, weight: np.ndarray, last: np.ndarray) -> Reference:
    landmark = logit(rows.numbers["landmark_quality"])
    middle = float(np.nanmedian(landmark)) if np.isfinite(landmark).any() else 0.0
    if not len(rows):
        return Reference(middle, PRICES)
    count, prices = threads.of_rows(rows), PRICES
    used = quantities(rows)
    for _ in range(1 if count is None else 2):  # what threads change follows from the prices
        alone = costs if count is None else costs - threads.more(count, used, prices)
        found = paces(rows.take(np.flatnonzero(last)), alone[last])
        prices = fit_prices(rows, alone[:, 0] - log_paces(rows, found)[:, 0], weight)
    return Reference(middle, prices, found)


def log_costs(rows: Rows, reference: Reference) -> np.ndarray:
    """Logarithm of the energy and of the time that physics expects on each row's processor and its threads, (n, 2),
    each up to a factor."""
    used, count = quantities(rows), threads.of_rows(rows)
    expected = np.log(used @ np.asarray(reference.prices))[:, None] + log_paces(rows, reference.paces)
    return expected if count is None else expected + threads.more(count, used, reference.prices)


def base_logit(rows: Rows, reference: Reference) -> np.ndarray:
    """Log-odds of the task's landmark, (n,); the reference where there is none."""
    return np.nan_to_num(logit(rows.numbers["landmark_quality"]), nan=reference.landmark_logit)[rows.setting]


def restore(y: np.ndarray, rows: Rows, reference: Reference) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets back to quality (0..1), energy (kWh) and duration (s), each (n,)."""
    z = y[:, QUALITY] + base_logit(rows, reference).astype(np.float32)
    quality = expit(z)
    scale = log_costs(rows, reference).astype(np.float32)
    energy, duration = np.exp(np.clip(y[:, [ENERGY, DURATION]] + scale, -MOST_LOG, MOST_LOG)).T
    return quality, energy, duration
