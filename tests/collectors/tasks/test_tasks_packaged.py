"""The real data sets that come in packages: their sizes, and what the rarer parts of the code make of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from task_recipes import MODELS, load_packaged

from collectors.tasks import listing
from collectors.tasks.catalogue import all_datasets
from collectors.tasks.catalogue.declaration import DatasetEntry

SIZES = {  # train + validation + test, classes
    "fashion_mnist-tops": (22_000 + 4_000, 4),
    "mnist": (10_000, 10),
    "movie_reviews": (10_568, 2),
    "amazon_reviews": (3_610, 2),
    "nyt_editorials": (4_946, 2),
    "tweets": (4_196, 2),
    "spam_assassin-subject": (6_027, 2),
    "device_tweets": (19_332, 3),
    "device_tweets-phones": (8_614, 2),
}
PACKAGED = [entry for entry in all_datasets() if not entry.needs_hub]


def test_there_is_enough_to_choose_from() -> None:
    rows = listing(sizes=False)
    assert len(rows["architectures"]) >= 24 and len(rows["datasets"]) >= 24
    assert sum(not row["needs_hub"] for row in rows["datasets"]) >= 18
    for kind in rows.values():
        assert len({row["name"] for row in kind}) == len(kind)
        assert {row["domain"] for row in kind} == {"cv", "nlp", "recsys"}
    assert all(row["source"] and row["citation"] and row["licence"] for row in rows["datasets"])


def test_the_listing_counts_every_architecture() -> None:
    rows = listing()["architectures"]
    assert all(row["params"] > 0 and row["flops_per_sample"] > 0 for row in rows)
    assert {row["name"]: row["params"] for row in rows}["resnet18"] > 11_000_000


def test_importing_is_cheap() -> None:
    heavy = "('torch', 'transformers', 'datasets', 'pandas', 'sklearn', 'scipy')"
    code = f"import sys, collectors.tasks as t; t.listing(sizes=False); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("entry", PACKAGED, ids=lambda entry: entry.name)
def test_every_packaged_task_loads(entry: DatasetEntry) -> None:
    task = load_packaged(entry.domain, entry.name)
    found = task.descriptors
    total = len(task.train) + len(task.validation) + len(task.test)
    if entry.name in SIZES:
        assert (total, found["n_classes"]) == SIZES[entry.name]
    assert found["n_classes"] == entry.n_classes
    assert 0 < found["majority_quality"] <= found["landmark_quality"] <= 1, "the landmark beats guessing"
    most = 5_000 if entry.domain == "recsys" else 2_000
    assert len(task.validation) <= most and len(task.test) <= most
    batch = task.collate([task.validation[row] for row in range(4)])
    assert task.score(torch.zeros(4, (found["n_classes"] or found["n_items"] + 1)), batch).shape == (4,)


def test_fashion_mnist_keeps_the_published_test_split() -> None:
    task = load_packaged("cv", "fashion_mnist")
    assert (len(task.train), len(task.validation), len(task.test)) == (58_000, 2_000, 2_000)
    assert task.train[0]["pixel_values"].shape == (1, 28, 28)


def test_the_latest_of_every_user_is_held_out() -> None:
    task = load_packaged("recsys", "movielens_100k")
    targets = task.train.columns["targets"]
    held_out = len(task.validation) + len(task.test)
    assert len(task.validation) == len(task.test) and 2 * 943 <= len(task.test) <= 5 * 943
    assert int((targets > 0).sum()) == 100_000 - 943 - held_out, "every item but a user's first is a target once"
    assert task.train.columns["ids"].shape[1] == 32
    assert set(task.extra_scores) == {"recall@10"} and task.metric == "ndcg@10"


def test_the_ratings_of_the_teaching_package_are_all_there() -> None:
    found = load_packaged("recsys", "movielens_small").descriptors
    assert (found["n_users"], found["n_items"], found["n_interactions"]) == (671, 9_066, 100_004)


def test_dynamic_padding_cuts_batches() -> None:
    plain, cut = (load_packaged("nlp", "movie_reviews-short", dynamic_padding=on) for on in (False, True))
    rows = range(8)
    whole, short = (task.collate([task.train[row] for row in rows]) for task in (plain, cut))
    longest = int(whole["attention_mask"].sum(dim=1).max())
    assert whole["input_ids"].shape == (8, 16) and short["input_ids"].shape == (8, longest)


def test_sequence_length_is_the_knob() -> None:
    task = load_packaged("nlp", "tweets", input_size=16)
    assert task.train[0]["input_ids"].shape == (16,) and task.descriptors["sequence_length"] == 16
    usual = load_packaged("nlp", "tweets")
    assert task.revision == usual.revision, "the data is the same"
    assert task.descriptors == usual.descriptors | {"sequence_length": 16}, "and so is all that describes it"


def test_every_domain_has_a_packaged_task() -> None:
    assert {entry.domain for entry in PACKAGED} == set(MODELS)
