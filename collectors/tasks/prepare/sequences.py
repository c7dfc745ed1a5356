"""Sequential recommendation: the latest of what each user took is held out, in order of time.

The last tenth of a history is for test, the tenth before for validation (at least one item each, at most five), the
rest for training; every held-out item is to be told from all that the user took before it. One item a user, as in
leave-one-out (Kang and McAuley, SASRec, ICDM 2018), says too little: NDCG of 943 users is then uncertain by a tenth
of itself. Long histories are cut into windows of the sequence length, so that no training interaction is lost.
Ranking is **full**: over all items, because rankings against sampled items do not keep the order of methods
(Krichene and Rendle, "On Sampled Metrics for Item Recommendation", KDD 2020). Items the user already took stay in the
ranking; nothing is masked but the padding item.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.tasks.prepare import landmarks
from collectors.tasks.prepare.cache import Arrays, content_hash, prepared
from collectors.tasks.prepare.describe import COLUMNS
from collectors.tasks.prepare.splits import DATA_SEED, sample
from collectors.tasks.sources.raw import Interactions
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

IGNORED = -100
"""The label of positions without a target, as in torch's cross entropy."""
MIN_USERS = 2
HELD_OUT_SHARE = 0.1
MOST_OF_A_USER = 5
MAX_HELD_OUT = 5_000
"""Ranking needs more examples than accuracy does: the NDCG of one item is either nothing or far above the mean."""


def prepare_sequences(
    load: Any, key: dict[str, Any], length: int, root: Path, reuse: bool
) -> tuple[Arrays, dict[str, Any], bool]:
    """`<split>_ids` and `<split>_targets` (n, length) int32, padded with 0 at the start; items count from 1.

    `targets` is the next item at each position; in validation and test at the last position only, else IGNORED.
    """

    def make() -> tuple[Arrays, dict[str, Any]]:
        import numpy as np

        raw: Interactions = load(root)
        histories, n_items, n_users = _histories(raw)
        complete = [items for items in histories if len(items) >= 3]
        if len(complete) < MIN_USERS:
            raise UsageError(
                f"{len(complete)} user(s) with three or more interactions; one each is for validation and test",
                hint=f"give the history of at least {MIN_USERS} such users, or check the column of the users",
            )
        rows = sum(map(_held_out, complete))
        chosen = sample(np.zeros(len(complete)), min(1.0, MAX_HELD_OUT / rows), "random")
        train_parts = [items[: -2 * _held_out(items)] if len(items) >= 3 else items for items in histories]
        train_parts = [items for items in train_parts if len(items) >= 2]
        if not train_parts:
            raise UsageError("no history is long enough to train on", hint="at least one user needs four interactions")
        arrays: Arrays = {}
        arrays["train_ids"], arrays["train_targets"] = _windows(train_parts, length)
        for name, later in (("validation", 1), ("test", 0)):
            parts = [part for row in chosen for part in _ending_in_held_out(complete[row], later)]
            arrays[f"{name}_ids"], arrays[f"{name}_targets"] = _last_only(parts, length)
        meta = _describe(arrays, histories, train_parts, n_users, n_items, length)
        held_out = np.array([_held_out(complete[row]) for row in chosen])
        return arrays, {**meta, "dataset_revision": content_hash(*_flat(histories), chosen, held_out)}

    return prepared(root, {**key, "length": length}, make, reuse=reuse)


def finish(rows: dict[str, Tensor]) -> dict[str, Tensor]:
    """From stored rows to model inputs: `input_ids`, `attention_mask` and `labels`, all int64 (n, length)."""
    ids = rows["ids"].long()
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": rows["targets"].long()}


def _histories(raw: Interactions) -> tuple[list[np.ndarray], int, int]:
    """Each user's items from 1 in order of time.

    Ties (people rate several films in one second) fall by a fixed draw: the order of item numbers would be a pattern
    that models learn, and the order of the file is no property of the data.
    """
    import numpy as np

    if len(raw.items) == 0:
        raise UsageError("there are no interactions", hint="check the file, or the threshold of the task variant")
    items = np.unique(raw.items, return_inverse=True)[1] + 1
    users = np.unique(raw.users, return_inverse=True)[1]
    canonical = np.lexsort((items, raw.times, users))
    draw = np.empty(len(items))
    draw[canonical] = np.random.RandomState(DATA_SEED).permutation(len(items))
    order = np.lexsort((draw, raw.times, users))
    cuts = np.flatnonzero(np.diff(users[order])) + 1
    return np.split(items[order], cuts), int(items.max()), int(users.max()) + 1


def _held_out(items: np.ndarray) -> int:
    """How many of a user's items are for test, and as many for validation."""
    return int(min(max(1, round(HELD_OUT_SHARE * len(items))), MOST_OF_A_USER))


def _ending_in_held_out(items: np.ndarray, later: int) -> list[np.ndarray]:
    """The history up to and with each item of a held-out part; `later` such parts follow it."""
    count = _held_out(items)
    last = len(items) - later * count
    return [items[:end] for end in range(last - count + 1, last + 1)]


def _windows(parts: list[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows that end at the latest item and do not overlap in targets; every item but a user's first is one."""
    import numpy as np

    pairs = []
    for items in parts:
        for end in range(len(items), 1, -length):
            start = max(0, end - 1 - length)
            pairs.append((items[start : end - 1], items[start + 1 : end]))
    ids = np.zeros((len(pairs), length), dtype=np.int32)
    targets = np.full((len(pairs), length), IGNORED, dtype=np.int32)
    for row, (seen, following) in enumerate(pairs):
        ids[row, length - len(seen) :] = seen
        targets[row, length - len(following) :] = following
    return ids, targets


def _last_only(parts: list[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    ids = np.zeros((len(parts), length), dtype=np.int32)
    targets = np.full((len(parts), length), IGNORED, dtype=np.int32)
    for row, items in enumerate(parts):
        seen = items[:-1][-length:]
        ids[row, length - len(seen) :] = seen
        targets[row, -1] = items[-1]
    return ids, targets


def _describe(
    arrays: Arrays, histories: list, train_parts: list, n_users: int, n_items: int, length: int
) -> dict[str, Any]:
    total = sum(len(items) for items in histories)
    latest, target = arrays["validation_ids"][:, -1], arrays["validation_targets"][:, -1]
    return {
        **dict.fromkeys(COLUMNS),
        **{f"n_{name}": len(arrays[f"{name}_ids"]) for name in ("train", "validation", "test")},
        "sequence_length": length,
        "mean_length": total / len(histories),
        "n_users": n_users,
        "n_items": n_items,
        "n_interactions": total,
        "density": min(1.0, total / (n_users * n_items)),
        "majority_quality": landmarks.popularity(train_parts, target, n_items),
        "landmark_quality": landmarks.markov(train_parts, latest, target, n_items),
    }


def _flat(histories: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    return np.concatenate(histories), np.array([len(items) for items in histories])
