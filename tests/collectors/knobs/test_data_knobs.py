"""Phase data: which examples, in which order, how large; what it costs is booked in phase data."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, Subset

from collectors.knobs import data as data_knobs
from collectors.knobs.data.lengths import SimilarLengths
from collectors.knobs.data.selection import el2n_scores, equal_numbers, error_norms, labels_of
from collectors.tasks import load_task
from collectors.train import train
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

CPU = torch.device("cpu")


def test_data_fraction_keeps_that_share_and_the_shares_of_classes(image_recipe, image_task, cache):
    half = load_task(image_recipe(data_fraction=0.5), cache_dir=cache)
    whole_counts, counts = (labels_of(task.train).bincount() for task in (image_task, half))
    assert abs(len(half.train) - len(image_task.train) / 2) <= 5
    assert (counts - whole_counts / 2).abs().max() <= 1
    assert len(half.test) == len(image_task.test)


def test_data_sampling_random_draws_other_examples_than_stratified(image_recipe, cache):
    stratified, random = (
        load_task(image_recipe(data_fraction=0.1, **knobs), cache_dir=cache)
        for knobs in ({}, {"data_sampling": "random"})
    )
    assert labels_of(stratified.train).bincount().tolist() != labels_of(random.train).bincount().tolist()


def test_input_size_is_the_side_of_the_images(image_recipe, image_task, cache):
    larger = load_task(image_recipe(input_size=24), cache_dir=cache)
    assert image_task.train[0]["pixel_values"].shape == (1, 16, 16)
    assert larger.train[0]["pixel_values"].shape == (1, 24, 24)


def test_cached_preprocessing_reads_back_or_makes_anew(image_recipe, tmp_path):
    assert not load_task(image_recipe(), cache_dir=tmp_path).cached
    assert load_task(image_recipe(), cache_dir=tmp_path).cached
    assert not load_task(image_recipe(cached_preprocessing=False), cache_dir=tmp_path).cached


def test_balanced_selection_gives_every_class_the_number_of_the_rarest(image_recipe, image_task):
    labels = labels_of(image_task.train)
    kept = torch.cat([(labels == digit).nonzero()[: 10 + 5 * digit, 0] for digit in range(10)])
    skewed = replace(image_task, train=Subset(image_task.train, kept.tolist()))
    chosen = data_knobs.choose(skewed, image_recipe(data_selection="balanced"), CPU)
    assert labels_of(chosen.train).bincount().tolist() == [10] * 10
    assert chosen.descriptors["n_train"] == len(chosen.train) == 100


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.floats(0.01, 1.0))
@settings(max_examples=50)
def test_equal_numbers_are_equal_whatever_the_labels(labels, share):
    labels = torch.tensor(labels)
    kept = equal_numbers(labels, share)
    counts = labels[kept].unique(return_counts=True)[1]
    assert counts.min() == counts.max() <= labels.unique(return_counts=True)[1].min()
    assert len(kept.unique()) == len(kept)


def test_el2n_keeps_the_examples_with_the_largest_scores(image_recipe, image_task):
    image_task = replace(image_task, train=Subset(image_task.train, range(200)))
    recipe = image_recipe(data_selection="el2n", data_fraction=0.3)
    scores = el2n_scores(image_task, recipe, CPU)
    chosen = data_knobs.choose(image_task, recipe, CPU).train
    left_out = scores[[i for i in range(len(scores)) if i not in set(chosen.indices)]]
    assert len(chosen) == round(0.3 * len(image_task.train))
    assert scores[chosen.indices].min() >= left_out.max()


def test_el2n_finds_wrong_labels_hard(image_recipe, image_task):
    """Mislabelled examples are the hardest there are: their mean score must lie above the others'."""
    items = [dict(item) for item in (image_task.train[i] for i in range(400))]
    for item in items[:30]:
        item["labels"] = (item["labels"] + 5) % 10
    scores = el2n_scores(replace(image_task, train=items), image_recipe(), CPU)
    assert scores[:30].mean() > scores[30:].mean() + 0.3


def test_el2n_is_the_norm_of_the_error_vector(image_task, image_recipe, batch_of):
    few = replace(image_task, train=Subset(image_task.train, range(8)))
    model = image_task.build_model("resnet-tiny", image_recipe())
    batch = batch_of(few)
    with torch.no_grad():
        p = model.eval()(**batch).logits.softmax(-1)
    by_hand = ((p - torch.nn.functional.one_hot(batch["labels"], 10)) ** 2).sum(-1).sqrt()
    torch.testing.assert_close(error_norms(model, few, CPU), by_hand)


def test_selection_costs_energy_in_phase_data_and_saves_it_in_training(image_recipe, image_task, cache):
    _, plain, chosen = (  # the first one prepares the data for both
        train(image_recipe("mlp", epochs=8, **knobs), cache_dir=cache) for knobs in ({}, {}, {"data_selection": "el2n"})
    )
    assert plain.data_cached and chosen.data_cached
    assert chosen.data_energy_kwh > 1.5 * plain.data_energy_kwh
    assert chosen.training_energy_kwh < plain.training_energy_kwh
    assert chosen.n_train == round(plain.n_train / 2)


def test_selection_does_not_go_with_a_way_of_drawing():
    with pytest.raises(UsageError, match="exclude each other"):
        Recipe.create(
            domain="cv",
            dataset="digits",
            model="mlp",
            knobs={"data_selection": "el2n", "data_sampling": "random", "data_fraction": 0.5},
        )


def test_dynamic_padding_shows_every_example_once_in_fewer_tokens(padded_task, text_recipe):
    def batches(**knobs):
        order = data_knobs.order(padded_task, text_recipe(**knobs))
        loader = DataLoader(padded_task.train, batch_size=16, collate_fn=padded_task.collate, **order)
        return [batch["input_ids"] for batch in loader]

    shuffled, similar = batches(), batches(dynamic_padding=True)
    assert sum(ids.numel() for ids in similar) < 0.8 * sum(ids.numel() for ids in shuffled)
    seen = [sorted(tuple(row[row != 0].tolist()) for ids in ways for row in ids) for ways in (shuffled, similar)]
    assert seen[0] == seen[1]


@given(st.lists(st.integers(1, 30), max_size=200), st.integers(1, 16), st.integers(0, 5))
@settings(max_examples=50)
def test_similar_lengths_are_a_new_permutation_each_epoch(lengths, batch_size, seed):
    sampler = SimilarLengths(torch.tensor(lengths), batch_size, torch.Generator().manual_seed(seed))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(len(lengths))) and len(sampler) == len(lengths)
    assert len(lengths) < 100 or batch_size > 8 or first != second
