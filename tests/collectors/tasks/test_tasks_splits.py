"""Splits, shares and landmarks, for any data."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.tasks.prepare import landmarks, sequences
from collectors.tasks.prepare.describe import class_balance
from collectors.tasks.prepare.splits import MAX_HELD_OUT, sample, three_splits
from collectors.tasks.sources.raw import TEST, TRAIN, VALIDATION, Interactions
from ecotaskset.errors import UsageError

LABELS = st.lists(st.integers(0, 4), min_size=6, max_size=200).map(np.array)


@given(LABELS)
def test_splits_are_a_partition_and_every_class_is_trained_on(labels: np.ndarray) -> None:
    try:
        parts = three_splits(labels, None)
    except UsageError as error:
        assert np.bincount(labels).max() == 1 or "single example" in error.message
        return
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    assert all(len(part) > 0 for part in parts)
    assert set(labels[parts[0]]) == set(labels)


@given(LABELS, st.floats(0.01, 1), st.floats(0.01, 1))
def test_shares_are_nested_and_cover_every_class(labels: np.ndarray, one: float, other: float) -> None:
    small, large = (set(sample(labels, fraction, "stratified").tolist()) for fraction in sorted((one, other)))
    assert small <= large
    assert {labels[row] for row in small} == set(labels)


def test_a_published_split_is_kept_and_thinned() -> None:
    labels = np.arange(20_000) % 10
    given_split = np.repeat([TRAIN, VALIDATION, TEST], [10_000, 500, 9_500])
    train, validation, test = three_splits(labels, given_split)
    assert len(train) == 10_000 and train.max() < 10_000
    assert validation.tolist() == list(range(10_000, 10_500))
    assert len(test) == MAX_HELD_OUT and test.min() >= 10_500


@settings(max_examples=30)
@given(st.lists(st.integers(1, 70), min_size=2, max_size=12), st.integers(4, 9))
def test_every_held_out_item_is_told_from_all_before_it(taken: list[int], length: int) -> None:
    taken = [*taken, 12, 12]  # two users at least can be judged
    users = np.repeat(np.arange(len(taken)), taken)
    items = np.arange(len(users))  # no two alike, so that every place can be recognised
    raw = Interactions(users, items, times=items.astype(float))
    with tempfile.TemporaryDirectory() as root:
        found, meta, _ = sequences.prepare_sequences(lambda _: raw, {}, length, Path(root), reuse=False)

    trained = found["train_targets"][found["train_targets"] > 0].tolist()
    held_out = [found[f"{name}_targets"][:, -1].tolist() for name in ("validation", "test")]
    everything = trained + held_out[0] + held_out[1]
    assert len(set(everything)) == len(everything), "nothing is held out twice, or trained on and held out"
    firsts = {int(items[users == user][0]) + 1 for user in range(len(taken))}
    assert set((items + 1).tolist()) - set(everything) == firsts, "all but a user's first item is asked for once"
    for name, targets in zip(("validation", "test"), held_out, strict=True):
        assert len(targets) == meta[f"n_{name}"]
        for ids, target in zip(found[f"{name}_ids"], targets, strict=True):
            first = max(item for item in firsts if item <= target)
            before = list(range(first, target))[-length:]
            assert ids[ids > 0].tolist() == before, "what the user took before, and nothing else"
    for one, other in zip(*held_out, strict=True):
        assert one < other, "test comes after validation"


def test_the_draw_is_frozen() -> None:
    """The splits are part of what a recipe means; if this fails, every earlier run is another experiment."""
    labels = np.arange(40) % 4
    _, validation, test = three_splits(labels, None)
    assert validation.tolist() == FROZEN_VALIDATION and test.tolist() == FROZEN_TEST
    assert sample(labels, 0.2, "random").tolist() == FROZEN_RANDOM


FROZEN_VALIDATION = [4, 8, 22, 23, 25, 37]
FROZEN_TEST = [3, 5, 6, 20, 26, 31]
FROZEN_RANDOM = [3, 5, 6, 19, 20, 26, 31, 34]


@given(LABELS)
def test_class_balance_is_a_share(labels: np.ndarray) -> None:
    assert 0 <= class_balance(labels, 5) <= 1


def test_class_balance_of_known_labels() -> None:
    assert class_balance(np.arange(100) % 4, 4) == pytest.approx(1)
    assert class_balance(np.array([0, 0, 0, 1]), 2) == pytest.approx(0.8113, abs=1e-4)


def test_ndcg_of_known_ranks() -> None:
    scores = np.array([[9, 5, 4, 3], [9, 3, 4, 5]], dtype=float)  # column 0 is padding
    assert landmarks.ndcg(scores, np.array([1, 1])) == pytest.approx((1 + 0.5) / 2)


def test_popularity_ranks_by_counts() -> None:
    sequences = [np.array([1, 1, 2]), np.array([1, 2, 3])]
    assert landmarks.popularity(sequences, np.array([1]), 3) == 1
    assert landmarks.popularity(sequences, np.array([2]), 3) == pytest.approx(1 / np.log2(3))


def test_markov_follows_the_latest_item() -> None:
    sequences = [np.array([1, 2, 1, 2]), np.array([3, 1])]
    assert landmarks.markov(sequences, np.array([1]), np.array([2]), 3) == 1
    assert landmarks.markov(sequences, np.array([1]), np.array([3]), 3) < 0.64


def test_naive_bayes_finds_the_word() -> None:
    tokens = np.array([[5, 7, 0], [5, 8, 0], [6, 7, 0], [6, 9, 0]] * 5)
    labels = np.array([0, 0, 1, 1] * 5)
    assert landmarks.naive_bayes(tokens, labels, np.array([[5, 9, 0], [6, 8, 0]]), np.array([0, 1]), 10) == 1


def test_landmarks_are_cheap() -> None:
    draw = np.random.RandomState(0)
    pixels = draw.randint(0, 256, (20_000, 32, 32, 3)).astype(np.uint8)
    labels = draw.randint(0, 10, 20_000)
    start = time.process_time()
    landmarks.nearest_centroid(pixels, labels, pixels[:2000], labels[:2000])
    landmarks.naive_bayes(
        draw.randint(0, 4096, (20_000, 64)), labels, draw.randint(0, 4096, (2000, 64)), labels[:2000], 4096
    )
    assert time.process_time() - start < 1
