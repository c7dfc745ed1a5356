"""Who is in training, validation and test, and which share of the training examples is used.

Nothing here depends on the seed of a recipe: seeds measure the noise of training, so every seed sees the same data.
The draws use numpy's RandomState, whose stream is frozen for good, so the splits are the same under every version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.sources.raw import TEST, TRAIN, VALIDATION
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

DATA_SEED = 20261121
HELD_OUT_SHARE = 0.15
MAX_HELD_OUT = 2_000
"""Validation runs every epoch: beyond this many examples it would cost more than it tells (accuracy ± 1 %)."""
MIN_EXAMPLES = 6


def three_splits(labels: np.ndarray, given: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers, ascending, of train, validation and test; stratified by label where we decide.

    A published test (and validation) split is kept, thinned to MAX_HELD_OUT. Where none is published, 15 % each are
    taken, at most MAX_HELD_OUT. Every class keeps at least one training example, so a class with a single example
    is absent from validation; that is allowed.
    """
    import numpy as np

    rows = np.arange(len(labels))
    if len(rows) < MIN_EXAMPLES:
        raise UsageError(f"{len(rows)} examples are too few to train on", hint=f"give at least {MIN_EXAMPLES}")
    test = rows[given == TEST] if given is not None else rows[:0]
    validation = rows[given == VALIDATION] if given is not None else rows[:0]
    train = rows[given == TRAIN] if given is not None else rows
    wanted = max(1, min(round(HELD_OUT_SHARE * len(rows)), MAX_HELD_OUT))
    if len(test) == 0:
        train, test = _take_out(train, labels, wanted)
    if len(validation) == 0:
        train, validation = _take_out(train, labels, min(wanted, max(1, len(train) // 4)))
    test, validation = (
        held[sample(labels[held], min(1.0, MAX_HELD_OUT / len(held)), "stratified", cover=False)]
        for held in (test, validation)
    )
    if len(train) == 0:
        raise UsageError("no example is left for training", hint="give more examples, or fewer for validation and test")
    return train, validation, test


def sample(labels: np.ndarray, fraction: float, how: str, *, cover: bool = True) -> np.ndarray:
    """Positions, ascending, of a share of the examples: `stratified` (equal share a class) or `random`.

    Shares are nested: the examples of a smaller fraction are all in a larger one. With `cover`, a stratified share
    has at least one example of every class, even if that makes it larger than asked.
    """
    import numpy as np

    n = len(labels)
    if fraction >= 1.0 or n == 0:
        return np.arange(n)
    order = np.random.RandomState(DATA_SEED).permutation(n)
    wanted = max(1, round(fraction * n))
    if how == "random":
        return np.sort(order[:wanted])
    # Where an example stands within its class, from 0 to 1: taking the smallest takes an equal share of each class.
    place = np.empty(n)
    firsts = []
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
        firsts.append(members[0])
    chosen = np.lexsort((np.argsort(order), place))[:wanted]
    return np.union1d(chosen, firsts) if cover else np.sort(chosen)


def _take_out(pool: np.ndarray, labels: np.ndarray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """(what stays, what is taken): about `wanted` rows, an equal share of every class, never all rows of a class."""
    import numpy as np

    taken = sample(labels[pool], min(1.0, wanted / max(1, len(pool))), "stratified", cover=False)
    kept = np.setdiff1d(np.arange(len(pool)), taken)
    # A class that would be left without a row gets one back: what is never trained on cannot be learned.
    _, first = np.unique(labels[pool[taken]], return_index=True)
    back = [position for position in taken[first] if labels[pool[position]] not in labels[pool[kept]]]
    taken = np.setdiff1d(taken, back)
    if len(taken) == 0:
        raise UsageError("every class has a single example", hint="each class needs at least two")
    return pool[np.setdiff1d(np.arange(len(pool)), taken)], pool[taken]
