"""Data sets and models as the Hub has them, read from local copies in the same formats."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from task_recipes import recipe, refusal

from collectors.tasks import load_task


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import datasets
    import numpy as np

    folder = tmp_path_factory.mktemp("hub") / "shapes"
    draw = np.random.RandomState(0)
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["round", "square"])})
    for split, n in (("train", 40), ("test", 12)):
        rows = {"img": list(draw.randint(0, 256, (n, 20, 24, 3)).astype(np.uint8)), "label": [i % 2 for i in range(n)]}
        (folder / "data").mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / "data" / f"{split}-0.parquet")
    return folder


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import datasets

    folder = tmp_path_factory.mktemp("hub") / "questions"
    folder.mkdir()
    for split, n, label in (("train", 40, None), ("validation", 10, None), ("test", 10, -1)):
        rows = {
            "idx": list(range(n)),
            "question": [f"is {i} {'even' if i % 3 else 'odd'}" for i in range(n)],
            "passage": [f"the number {i}" for i in range(n)],
            "label": [i % 2 if label is None else label for i in range(n)],
        }
        datasets.Dataset.from_dict(rows).to_parquet(folder / f"{split}.parquet")
    return folder


def test_images(pictures: Path, cache: Path) -> None:
    task = load_task(recipe("cv", f"hub:{pictures}"), cache)
    found = task.descriptors
    assert (found["n_test"], found["image_size"], found["n_channels"], found["n_classes"]) == (12, 20, 3, 2)
    assert found["n_train"] + found["n_validation"] == 40
    assert task.dataset == "hub:shapes"


def test_texts_leave_out_a_test_split_without_labels(questions: Path, cache: Path) -> None:
    found = load_task(recipe("nlp", f"hub:{questions}"), cache).descriptors
    assert (found["n_validation"], found["n_classes"]) == (10, 2)
    assert found["n_train"] + found["n_test"] == 40


def test_several_columns_make_one_text(questions: Path, cache: Path) -> None:
    from collectors.tasks.sources.hub import hub_texts

    raw = hub_texts(cache, hub_id=str(questions), text=("question", "passage"), label="label")
    assert raw.texts[0].splitlines()[1].startswith("the number")


def test_wrong_columns_are_named(questions: Path, pictures: Path, cache: Path) -> None:
    assert "its columns are: idx, question, passage, label" in refusal("nlp", f"hub:{questions}:body", cache)
    assert "has no column 'stars'" in refusal("nlp", f"hub:{questions}::stars", cache)
    assert "no column of images" in refusal("cv", f"hub:{questions}", cache)


def test_interactions(tmp_path: Path, cache: Path) -> None:
    import datasets

    rows = [{"user": u, "item": (u + t) % 7, "time": t} for u in range(9) for t in range(6)]
    (tmp_path / "clicks").mkdir()
    datasets.Dataset.from_list(rows).to_parquet(tmp_path / "clicks" / "train.parquet")
    assert load_task(recipe("recsys", f"hub:{tmp_path}/clicks"), cache).descriptors["n_interactions"] == 54


def test_a_published_image_model_brings_its_size_and_gets_a_new_head(
    pictures: Path, tmp_path: Path, cache: Path
) -> None:
    from transformers import ResNetConfig, ResNetForImageClassification, ViTImageProcessor

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=7)
    published = ResNetForImageClassification(config)
    published.save_pretrained(tmp_path / "net")
    ViTImageProcessor(size={"height": 48, "width": 48}).save_pretrained(tmp_path / "net")
    chosen = recipe("cv", "digits", f"hub:{tmp_path}/net")
    task = load_task(chosen, cache)
    model = task.build_model(chosen.model, chosen)
    batch = task.collate([task.train[row] for row in range(4)])
    assert batch["pixel_values"].shape == (4, 3, 48, 48), "grey images are repeated, enlarged to what it knows"
    assert model(**batch).logits.shape == (4, 10)
    kept = model.resnet.embedder.embedder.convolution.weight
    assert torch.equal(kept, published.resnet.embedder.embedder.convolution.weight)


def test_a_published_text_model_brings_its_tokenizer(questions: Path, tmp_path: Path, cache: Path) -> None:
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

    from collectors.tasks.prepare.texts import train_tokenizer

    words = train_tokenizer(["is the number even or odd"] * 5)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="[SEP]")
    tokenizer.save_pretrained(tmp_path / "net")
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=64)
    GPT2ForSequenceClassification(config).save_pretrained(tmp_path / "net")
    chosen = recipe("nlp", f"hub:{questions}", f"hub:{tmp_path}/net", knobs={"input_size": 16})
    task = load_task(chosen, cache)
    model = task.build_model(chosen.model, chosen)
    out = model(**task.collate([task.train[row] for row in range(4)]))
    assert out.logits.shape == (4, 2) and torch.isfinite(out.loss)
    assert model.config.pad_token_id == tokenizer.eos_token_id
    assert task.descriptors["vocab_size"] == len(tokenizer)


def test_a_folder_without_a_model_is_refused(tmp_path: Path, cache: Path) -> None:
    assert "could not be loaded" in refusal("cv", "digits", cache, model=f"hub:{tmp_path}")
    assert "no published weights" in refusal("recsys", "movielens_100k", cache, model="sasrec", pretrained=True)
