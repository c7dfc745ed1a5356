"""What people do without a predictor, and simpler predictors, as guesses of the same kind.

Rules of thumb guess a ranking only, from what is known before a training (fastest is told the true times, so it is
stronger than anyone can be). Two simpler predictors learn from the same training records as GREEN.

The paper's transformer over epochs needs a deep-learning framework, which this package does not import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from green_predictor import features, targets
from green_predictor.judge import Guess, Task
from green_predictor.preferences import Preference, choose

Record = dict[str, Any]

DEFAULTS: dict[str, dict[str, Any]] = {
    "cv": {"epochs": 10, "batch_size": 32, "learning_rate": 1e-3},
    "nlp": {"epochs": 5, "batch_size": 32, "learning_rate": 1e-3},
    "recsys": {"epochs": 10, "batch_size": 64, "learning_rate": 1e-3},
}
"""What a practitioner starts from, declared before any result: these settings, no knob turned, and of the architectures
that were run so the one with most parameters. The nearest recipe that was run stands for it."""


def _one(task: Task, chosen: int) -> Guess:
    """A rule that names one recipe: everything else is dearer and worse."""
    quality, energy = np.zeros(len(task.quality)), np.full(len(task.quality), 2.0)
    quality[chosen], energy[chosen] = 1.0, 1.0
    return Guess(quality, energy)


def _column(task: Task, name: str) -> np.ndarray:
    values = [task.records[i].get(name) for i in task.first]
    return np.array([np.nan if v is None else float(v) for v in values])


def work(task: Task) -> np.ndarray:
    """Operations of each recipe, known before it is run; epochs where FLOPs are not."""
    known = _column(task, "n_train") * _column(task, "flops_per_sample")
    return _column(task, "epochs") * np.where(np.isfinite(known), known, 1.0)


def cheapest(task: Task) -> Guess:
    """Fewest operations."""
    return _one(task, int(np.argmin(work(task))))


def fastest(task: Task) -> Guess:
    """Shortest time, told by an oracle."""
    return _one(task, int(np.nanargmin(task.duration)))


def largest_batch(task: Task) -> Guess:
    """Largest batch that converges (90 % of the best quality, told by an oracle); fewest operations of those."""
    good = task.quality >= 0.9 * task.quality.max()
    batch = np.where(good, _column(task, "batch_size"), -1)
    return _one(task, min(np.flatnonzero(batch == batch.max()), key=lambda i: work(task)[i]))


def most_accurate_by_default(task: Task) -> Guess:
    """The biggest model, trained longest: what people do now."""
    size = np.nan_to_num(_column(task, "n_parameters"))
    order = np.lexsort((-work(task), -_column(task, "epochs"), -size))
    return _one(task, int(order[0]))


def default(task: Task) -> Guess:
    """The recipe nearest to `DEFAULTS`."""
    return _one(task, default_recipe(task))


def default_recipe(task: Task) -> int:
    """Position of the recipe that stands for the default."""
    wanted = DEFAULTS[task.records[0]["domain"]]
    distance = sum(np.abs(np.log(_column(task, n) / v)) for n, v in wanted.items())
    knobs = np.array([float(len(task.records[i].get("knobs") or [])) for i in task.first])
    size = np.log1p(np.nan_to_num(_column(task, "n_parameters")))
    return int(np.lexsort((-size, distance + 3 * knobs))[0])


RULES: dict[str, Callable[[Task], Guess]] = {
    "cheapest": cheapest,
    "fastest": fastest,
    "largest_batch": largest_batch,
    "most_accurate_by_default": most_accurate_by_default,
    "default": default,
}


def random_guesses(task: Task, draws: int = 50, seed: int = 0) -> list[Guess]:
    """Recipes at random."""
    rng = np.random.default_rng(seed)
    return [_one(task, int(i)) for i in rng.integers(len(task.quality), size=draws)]


def nearest_neighbour(inside: Sequence[Record], task: Task, energy: str = "all") -> Guess:
    """Each recipe is as good (relative to the landmark) and as dear (per operation) as the run nearest to it."""
    data = targets.prepare(inside, energy)
    data = data.subset(data.last)
    spec = features.fit_spec(data.rows, data.weight)
    rows = targets.prepare([task.records[i] for i in task.first], energy, data.reference)
    last = rows.subset(rows.last).rows
    x, mine = features.feature_matrix(data.rows, spec), features.feature_matrix(last, spec)
    nearest = np.array([((x - row) ** 2).sum(1).argmin() for row in mine])
    quality, kwh, _ = targets.restore(data.y[nearest], last, data.reference)
    return Guess(quality, kwh)


def plain_boosting(inside: Sequence[Record], task: Task, energy: str = "all") -> Guess:
    """scikit-learn's gradient boosting on the raw columns: absolute quality and log energy, chosen by weighted sum."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    data = targets.prepare(inside, energy)
    data = data.subset(data.last)
    spec = features.fit_spec(data.rows, data.weight)
    rows = targets.prepare([task.records[i] for i in task.first], energy, data.reference)
    last = rows.subset(rows.last).rows
    x, mine = features.feature_matrix(data.rows, spec), features.feature_matrix(last, spec)
    kept = [data.records[i] for i in data.run]
    quality = np.array([targets.final_quality(r) for r in kept])
    log_kwh = np.log([r[targets.energy_column(energy)] for r in kept])
    made = []
    with threadpool_limits(1):  # folds side by side on all processors, each on threads for all, wait for each other
        for y in (quality, log_kwh):
            made.append(HistGradientBoostingRegressor(max_iter=150, random_state=0).fit(x, y).predict(mine))
    chosen = choose(Preference(0.5, rule="weighted_sum", traded=0.0), made[0], np.exp(made[1])).best
    guess = Guess(made[0], np.exp(made[1]))
    quality = guess.quality.copy()
    quality[chosen] = max(quality.max(), 1e-6) + 1  # judged by the weighted sum's choice, not the headline rule's
    return Guess(quality, guess.energy)


LEARNED: dict[str, Callable[[Sequence[Record], Task, str], Guess]] = {
    "nearest_neighbour": nearest_neighbour,
    "plain_boosting": plain_boosting,
}
