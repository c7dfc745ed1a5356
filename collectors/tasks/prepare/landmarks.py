"""Cheap classical references: how hard a task is, before any network has seen it.

A fixed method a domain, on at most LIMIT training examples, in a fraction of a second. The figures are landmarks in
the sense of meta-learning (Pfahringer, Bensusan, Giraud-Carrier, "Meta-Learning by Landmarking", ICML 2000).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from collectors.tasks.prepare.splits import sample

if TYPE_CHECKING:
    import numpy as np

LIMIT = 2_000
MAX_PIXELS = 1_024
CUTOFF = 10


def nearest_centroid(
    train: np.ndarray, train_labels: np.ndarray, validation: np.ndarray, validation_labels: np.ndarray
) -> float:
    """Accuracy of giving each image the class whose mean training image is nearest. Pixels (n, s, s, c) uint8."""
    import numpy as np

    rows = sample(train_labels, LIMIT / len(train_labels), "stratified")
    held = sample(validation_labels, LIMIT / len(validation_labels), "stratified")
    step = max(1, int(np.ceil(train.shape[1] / np.sqrt(MAX_PIXELS))))
    seen = _flat(train[rows][:, ::step, ::step])
    asked = _flat(validation[held][:, ::step, ::step])
    classes = np.unique(train_labels[rows])
    centroids = np.stack([seen[train_labels[rows] == label].mean(axis=0) for label in classes])
    # |x − c|² without |x|², which is the same for every class.
    distance = (centroids**2).sum(axis=1) - 2 * asked @ centroids.T
    return float((classes[distance.argmin(axis=1)] == validation_labels[held]).mean())


def naive_bayes(
    train: np.ndarray,
    train_labels: np.ndarray,
    validation: np.ndarray,
    validation_labels: np.ndarray,
    vocab_size: int,
    pad_id: int = 0,
) -> float:
    """Accuracy of multinomial naive Bayes with add-one smoothing on counts of token ids (n, length)."""
    import numpy as np

    rows = sample(train_labels, LIMIT / len(train_labels), "stratified")
    held = sample(validation_labels, LIMIT / len(validation_labels), "stratified")
    classes = np.unique(train_labels)
    log_chance, prior = [], []
    for label in classes:
        members = train[rows][train_labels[rows] == label]
        counts = np.bincount(members.reshape(-1), minlength=vocab_size).astype(float) + 1
        counts[pad_id] = 1
        log_chance.append(np.log(counts / counts.sum()))
        prior.append(np.log((len(members) + 1) / (len(rows) + len(classes))))
    table = np.stack(log_chance)
    asked = validation[held]
    scores = (table[:, asked] * (asked != pad_id)).sum(axis=2).T + np.array(prior)
    return float((classes[scores.argmax(axis=1)] == validation_labels[held]).mean())


def markov(sequences: list[np.ndarray], latest: np.ndarray, targets: np.ndarray, n_items: int) -> float:
    """NDCG@10 of ranking by how often an item followed the user's latest item in training, then by popularity.

    Items are numbered from 1; `latest` and `targets` (n,) are what a user took last and what comes next.
    """
    import numpy as np
    from scipy.sparse import coo_array

    before = np.concatenate([items[:-1] for items in sequences])
    after = np.concatenate([items[1:] for items in sequences])
    shape = (n_items + 1, n_items + 1)
    follows = coo_array((np.ones(len(before), dtype=np.float32), (before, after)), shape=shape).tocsr()
    common = np.bincount(np.concatenate(sequences), minlength=n_items + 1)
    asked = sample(np.zeros(len(targets)), LIMIT / len(targets), "random")
    total = 0.0
    for block in np.array_split(asked, max(1, len(asked) // 256)):
        scores = follows[latest[block]].toarray() + common / (common.sum() + 1)
        total += ndcg(scores, targets[block]) * len(block)
    return total / len(asked)


def popularity(sequences: list[np.ndarray], targets: np.ndarray, n_items: int) -> float:
    """NDCG@10 of always giving the items taken most often in training."""
    import numpy as np

    counts = np.bincount(np.concatenate(sequences), minlength=n_items + 1)
    rank = np.array([(counts[1:] >= count).sum() for count in counts])[targets]
    return float(_gain(rank).mean())


def ndcg(scores: np.ndarray, targets: np.ndarray) -> float:
    """NDCG@10 with one relevant item among all; column 0 is padding. Ties count against the target."""
    import numpy as np

    scores = np.array(scores, dtype=np.float64)
    scores[:, 0] = -np.inf
    rank = (scores >= scores[np.arange(len(targets)), targets][:, None]).sum(axis=1)
    return float(_gain(rank).mean())


def _gain(rank: np.ndarray) -> np.ndarray:
    """Discounted gain of one relevant item at a rank from 1 on (Järvelin and Kekäläinen 2002), cut at CUTOFF."""
    import numpy as np

    return np.where(rank <= CUTOFF, 1 / np.log2(rank + 1), 0)


def _flat(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1).astype("float32")
