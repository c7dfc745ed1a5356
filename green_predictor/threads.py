"""Threads: what a training costs on several threads of a processor, beside what it costs on one.

One thread prepares examples; all share the work of a layer, but for a part that is not divided, and after every layer
they wait for each other, busily: a thread that waits draws as much as one that computes. Memory draws the same either
way, for a shorter time. So two threads save energy and time where a layer has much to do, and cost both where it has
little. The figures are those of trainings that ran on one thread and on two, and how well they hold:
tests/benchmarks/bench_threads.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ecotaskset.recipe import Recipe
from green_predictor.physics import LAYER_STEP, TERMS, quantities
from green_predictor.rows import Rows, is_processor, knobs_of, on_processor

KNOB = "cpu_threads"

UNDIVIDED = 0.29
"""Share of the work of a layer that takes as long on any number of threads (Amdahl)."""

WAITING = 2.4e6
"""By how much a layer step takes longer for each doubling of threads, in operations (see `physics.PRICES`)."""

MEMORY = 0.7
"""Share of the power of a training on one thread that memory draws where both are modelled (median of the runs)."""

MOST_TRIED = 2
"""Beyond two threads nobody tried: more are predicted for whoever asks, but not recommended."""

_PREPARING = np.isin(TERMS, ("example", "epoch", "run"))
"""What one thread does alone, however many there are."""


def more(threads: np.ndarray, used: np.ndarray, prices: tuple[float, ...]) -> np.ndarray:
    """Natural logarithms of the factors by which energy and time differ from those on one thread, (n, 2).

    Args:
        threads: on how many threads each row is trained, (n,); NaN where that is not known counts as one.
        used: how much each row uses of the terms of physics, (n, 9) (see `physics.quantities`), and their prices, (9,).
    """
    count, price = np.fmax(threads, 1.0), np.asarray(prices)
    cost = used @ price
    alone = used[:, _PREPARING] @ price[_PREPARING] / cost
    divided = UNDIVIDED + (1 - UNDIVIDED) / count
    longer = alone + (1 - alone) * divided + WAITING * np.log2(count) * used[:, LAYER_STEP] / cost
    return np.log(np.column_stack([longer * (MEMORY + (1 - MEMORY) * count), longer]))


def of_rows(rows: Rows) -> np.ndarray | None:
    """On how many threads of a processor each row is trained, (n,); None where all are on one, or nobody knows."""
    count = np.where(on_processor(rows.texts), rows.numbers[KNOB], np.nan)
    return count[rows.setting] if np.any(count > 1) else None


def on_each(rows: Rows, most: int) -> list[Rows]:
    """The same candidates on one thread, on two, and so on: as many as were tried and at most `most`. Their knobs say
    so, and they share settings and knob sets."""
    counts = range(1, min(most, MOST_TRIED) + 1)
    settings, knob_sets = len(rows.numbers[KNOB]), len(rows.knob_sets)
    shared = replace(
        rows,
        numbers={name: np.tile(values, len(counts)) for name, values in rows.numbers.items()}
        | {KNOB: np.repeat(np.array(counts, np.float64), settings)},
        texts={name: np.tile(values, len(counts)) for name, values in rows.texts.items()},
        knob_sets=tuple({**knobs, KNOB: n} for n in counts for knobs in rows.knob_sets),
    )
    return [
        replace(
            shared,
            setting=rows.setting + np.int32(i * settings),
            knob_set=rows.knob_set + np.int32(i * knob_sets),
        )
        for i in range(len(counts))
    ]


def greenest(rows: Rows, prices: tuple[float, ...], most: int) -> Rows:
    """The same candidates, each on as many threads (see `on_each`) as need least energy."""
    used, each = quantities(rows), on_each(rows, most)
    energy = [more(np.full(len(rows), i + 1.0), used, prices)[:, 0] for i in range(len(each))]
    chosen = np.argmin(energy, axis=0)
    picked = {n: np.choose(chosen, [getattr(one, n) for one in each]) for n in ("setting", "knob_set")}
    return replace(each[0], **picked)


def on_all(rows: Rows, threads: int) -> Rows:
    """The same rows, those that do not say how many threads they train on trained on so many: all that there are, which
    is what torch takes when nothing is said."""
    said = rows.numbers[KNOB]
    return replace(rows, numbers={**rows.numbers, KNOB: np.where(np.isnan(said), float(threads), said)})


def untried(rows: Rows) -> np.ndarray:
    """Natural logarithm of the factor by which energy and time are typically off because nobody tried so many threads,
    (n,): between no gain beyond those that were tried and a full one."""
    count = of_rows(rows)
    return np.zeros(len(rows)) if count is None else np.log(np.fmax(count / MOST_TRIED, 1.0)) / 2


def left_open(recipe: Recipe) -> Recipe:
    """The same recipe on any number of threads: nothing of what is learned hangs on that."""
    return recipe.model_copy(update={"knobs": {name: v for name, v in recipe.knobs.items() if name != KNOB}})


def count_of(record: Mapping[str, Any]) -> int | None:
    """On how many threads a record says that it is, or was, trained."""
    return record.get(KNOB) or knobs_of(record).get(KNOB)


def on_count(machine: Mapping[str, Any], count: int | None) -> dict[str, Any]:
    """The columns of a machine for a training on so many of its threads, None for as many as they say: a processor's
    rate is that of all of these."""
    if not is_processor(machine):
        return dict(machine)
    rate, own = machine.get("matmul_gflops"), machine.get(KNOB)
    count = count or own
    return {**machine, KNOB: count, "matmul_gflops": rate * (count or 1) / (own or 1) if rate else rate}
