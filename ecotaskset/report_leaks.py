"""Does anything of the training split stand in another one? Recipes, near-duplicates of recipes, copies of curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from ecotaskset.run import Run
from ecotaskset.snapshot import config_of, leaks, split_of

NO_EFFECT_ON_LEARNING = ("system", "inference")
"""Phases whose knobs change what a training costs, hardly what it learns: twins across splits share their quality."""

MIN_CURVE = 3


def leak_check(rows: Sequence[tuple[Run, str | None]]) -> dict[str, Any]:
    """Leaks between splits; a run without a split is judged by the one it would get.

    `recipes` must be empty (any recipe in two splits). `near_duplicates` and `equal_curves` are listed to be known:
    groups of recipes that differ in system or inference knobs or by a tenth of the learning rate only, and runs of
    different recipes whose quality curves are the same, where the group spans several splits.
    """
    placed = [(run, split or split_of(run)) for run, split in rows]
    return {
        "recipes": leaks((run.recipe_id, split) for run, split in placed),
        "near_duplicates": _across_splits(placed, _outline),
        "equal_curves": _across_splits(placed, _curve),
    }


def _across_splits(placed: Sequence[tuple[Run, str]], key: Callable[[Run], Hashable | None]) -> list[dict[str, Any]]:
    groups: dict[Hashable, dict[str, str]] = defaultdict(dict)
    for run, split in placed:
        if (value := key(run)) is not None:
            groups[value][run.recipe_id or run.run_id] = split
    found = [group for group in groups.values() if len(set(group.values())) > 1]
    return [{"splits": sorted(set(group.values())), "recipes": dict(sorted(group.items()))} for group in found]


def _outline(run: Run) -> Hashable:
    knobs = tuple((knob.name, knob.value) for knob in run.knobs if knob.phase not in NO_EFFECT_ON_LEARNING)
    rate = None if run.learning_rate is None else float(f"{run.learning_rate:.0e}")
    choices = (run.epochs, run.batch_size, rate, run.weight_decay, run.pretrained)
    return config_of(run), run.domain, run.dataset, run.model, choices, knobs


def _curve(run: Run) -> Hashable | None:
    curve = tuple(run.curve_validation_quality)
    # a curve that stands still says nothing: many failed trainings share it
    if len(curve) < MIN_CURVE or len({value for value in curve if value is not None}) < MIN_CURVE:
        return None
    return run.dataset, run.model, curve
