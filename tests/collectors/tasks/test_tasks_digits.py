"""A task of every kind of guarantee, on the data set that needs nothing: digits."""

from __future__ import annotations

import copy
import os
import shutil
import stat
from pathlib import Path

import pytest
import torch
from task_recipes import recipe
from torch.utils.data import DataLoader

from collectors.tasks import Task, descriptors, load_task
from ecotaskset.errors import UsageError


def load(cache: Path, model: str = "mlp", dataset: str = "digits", seed: int = 0, **knobs: object) -> Task:
    return load_task(recipe("cv", dataset, model, seed=seed, knobs=knobs), cache)


def pixels(task: Task, split: str) -> torch.Tensor:
    return getattr(task, split).columns["pixels"].flatten(1)


def test_splits_share_no_image_and_lose_none(cache: Path) -> None:
    task = load(cache)
    assert [len(split) for split in (task.train, task.validation, task.test)] == [1257, 270, 270]
    rows = torch.cat([pixels(task, split) for split in ("train", "validation", "test")])
    from sklearn.datasets import load_digits

    assert len(torch.unique(rows, dim=0)) == len(torch.unique(torch.tensor(load_digits().data), dim=0))
    assert (torch.bincount(task.validation.columns["labels"]) >= 25).all(), "validation is stratified"


def test_every_seed_sees_the_same_data(cache: Path) -> None:
    first, second = load(cache, seed=0, data_fraction=0.3), load(cache, seed=7, data_fraction=0.3)
    assert torch.equal(pixels(first, "train"), pixels(second, "train"))
    assert first.revision == second.revision


def test_a_smaller_fraction_lies_in_a_larger_one(cache: Path) -> None:
    for sampling in ("stratified", "random"):
        small, large = (load(cache, data_fraction=f, data_sampling=sampling) for f in (0.1, 0.3))
        assert len(small.train) == round(0.1 * 1257) and len(large.train) == round(0.3 * 1257)
        inside = {tuple(row.tolist()) for row in pixels(large, "train")}
        assert all(tuple(row.tolist()) in inside for row in pixels(small, "train"))
        assert small.descriptors["n_train"] == len(small.train)
        assert len(small.validation) == len(large.validation) == 270


def test_stratified_fraction_keeps_every_class(cache: Path) -> None:
    labels = load(cache, data_fraction=0.001).train.columns["labels"]
    assert labels.unique().tolist() == list(range(10))


def test_input_size_is_the_side_the_model_is_given(cache: Path) -> None:
    assert load(cache, input_size=12).train[0]["pixel_values"].shape == (1, 12, 12)
    assert load(cache, model="resnet-tiny").train[0]["pixel_values"].shape == (1, 16, 16)
    assert load(cache, model="vit-tiny", input_size=9).train[0]["pixel_values"].shape == (1, 12, 12)
    assert load(cache, input_size=12).descriptors["image_size"] == 8, "the descriptor is of the data, not of the model"


def test_pixels_are_normalised(cache: Path) -> None:
    values = torch.stack([item["pixel_values"] for item in load(cache).train.__getitems__(range(1257))])
    assert values.dtype == torch.float32
    assert abs(values.mean()) < 1e-5 and abs(values.std() - 1) < 1e-3


def test_the_second_time_comes_from_the_cache_and_is_the_same(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert first.descriptors == second.descriptors and first.revision == second.revision
    assert torch.equal(pixels(first, "test"), pixels(second, "test"))
    assert not load(tmp_path, cached_preprocessing=False).cached


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    revision = load(tmp_path).revision
    (entry,) = (tmp_path / "prepared").iterdir()
    entry.write_bytes(entry.read_bytes()[:1000])
    again = load(tmp_path)
    assert not again.cached and again.revision == revision
    assert load(tmp_path).cached
    shutil.rmtree(tmp_path / "prepared")


def test_a_cache_can_be_shared(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        load(tmp_path)
    finally:
        os.umask(before)
    (entry,) = (tmp_path / "prepared").iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o644, "others may read what was prepared"


def test_a_cache_that_cannot_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "prepared").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match=r"cannot write .*prepared.*--cache"):
        load(tmp_path)


def test_workers_give_the_same_batches(cache: Path) -> None:
    task = load(cache, data_fraction=0.1)
    plain, worked = (
        list(DataLoader(task.train, batch_size=32, collate_fn=task.collate, num_workers=n)) for n in (0, 1)
    )
    assert all(torch.equal(a["pixel_values"], b["pixel_values"]) for a, b in zip(plain, worked, strict=True))


def test_descriptors_of_the_task(cache: Path) -> None:
    task = load(cache)
    found = descriptors(task)
    assert found["n_classes"] == 10 and found["n_channels"] == 1
    assert 0.99 < found["class_balance"] <= 1
    assert found["majority_quality"] == pytest.approx(0.1, abs=0.02)
    assert 0.85 < found["landmark_quality"] < 0.95
    assert found["dataset_revision"] == task.revision and len(task.revision) == 16
    assert found["vocab_size"] is None and found["density"] is None
    found["n_classes"] = 0
    assert task.descriptors["n_classes"] == 10


def test_descriptors_are_columns_of_a_run(cache: Path) -> None:
    from collectors.tasks.prepare.describe import COLUMNS
    from ecotaskset.run import Run

    assert set(COLUMNS) <= set(Run.model_fields)
    assert set(load(cache).descriptors) == set(COLUMNS)


def test_variants_are_tasks_of_their_own(cache: Path) -> None:
    parity, low = load(cache, dataset="digits-parity"), load(cache, dataset="digits-0to4")
    assert parity.descriptors["n_classes"] == 2 and low.descriptors["n_classes"] == 5
    assert len({parity.revision, low.revision, load(cache).revision}) == 3
    assert len(low.train) + len(low.validation) + len(low.test) == 901


def test_it_can_be_learned(cache: Path) -> None:
    task = load(cache)
    torch.manual_seed(0)
    model = task.build_model("mlp", recipe("cv", "digits"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(3):
        for batch in DataLoader(task.train, batch_size=64, shuffle=True, collate_fn=task.collate):
            optimizer.zero_grad()
            model(**batch).loss.backward()
            optimizer.step()
    model.eval()
    batch = task.collate(task.validation.__getitems__(range(270)))
    with torch.no_grad():
        assert task.score(model(**batch).logits, batch).mean() > task.descriptors["landmark_quality"]


def test_the_same_torch_seed_builds_the_same_model(cache: Path) -> None:
    task, chosen = load(cache, model="resnet-tiny"), recipe("cv", "digits", "resnet-tiny")
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(copy.deepcopy(task.build_model("resnet-tiny", chosen).state_dict()))
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))
