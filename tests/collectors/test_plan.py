"""Before and after a training: what is refused early, what leaves no path behind, which batch is left out."""

from __future__ import annotations

import pytest

from collectors.plan import check_recipe, public_recipe, refuse_unfit, same_experiment
from collectors.train import train
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.store import Store


def recipe(**changes):
    return Recipe.create(**{"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 1, **changes})


def test_weights_nobody_published_are_refused_before_training():
    with pytest.raises(UsageError, match="no published weights"):
        check_recipe(recipe(pretrained=True))


NEXT_ITEM = {"domain": "recsys", "dataset": "movielens_100k", "model": "fmc"}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "resnet-tiny", "knobs": {"lora": 8}},
        {"knobs": {"attention": "eager"}},
        {"knobs": {"precision": "fp16"}},
        {"model": "vit-tiny", "knobs": {"progressive_resizing": True}, "epochs": 2},
        {"model": "resnet-tiny", "knobs": {"low_rank_head": 16}},
        {**NEXT_ITEM, "knobs": {"gradient_checkpointing": True}},
    ],
    ids=lambda changes: "-".join(changes["knobs"]),
)
def test_a_plan_refuses_what_training_refuses_in_the_same_words_and_reads_no_data(changes, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UsageError) as refused:
        train(recipe(**changes), cache_dir=tmp_path)
    monkeypatch.setattr("collectors.tasks.load._load", lambda *_: pytest.fail("a plan read the data"))
    with pytest.raises(UsageError) as planned:
        refuse_unfit(recipe(**changes))
    assert str(planned.value) == str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "vit-tiny", "knobs": {"lora": 8, "attention": "eager", "int8_dynamic": True}},
        {"model": "resnet-tiny", "dataset": "cifar10", "knobs": {"low_rank_head": 4, "channels_last": True}},
        {"domain": "nlp", "dataset": "imdb", "model": "bert-tiny", "knobs": {"dynamic_padding": True}},
        {**NEXT_ITEM, "model": "sasrec", "knobs": {"layer_drop": "top:1"}},
        {"model": "hub:nobody/nothing", "knobs": {"lora": 8}},
    ],
)
def test_a_plan_of_what_can_be_trained_needs_neither_data_nor_weights(changes, monkeypatch):
    monkeypatch.setattr("collectors.tasks.load._load", lambda *_: pytest.fail("a plan read the data"))
    refuse_unfit(recipe(**changes))


def test_where_the_side_of_own_images_is_not_known_no_knob_is_refused_for_it(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_bytes(b"")
    knobs = {"progressive_resizing": True, "low_rank_head": 16}
    refuse_unfit(recipe(dataset=f"folder:{tmp_path}", model="mobilenet-v1", epochs=2, knobs=knobs))


def test_a_run_on_an_own_file_does_not_say_where_the_file_lies_and_is_found_again(tmp_path):
    folder = tmp_path / "very" / "private"
    folder.mkdir(parents=True)
    lines = [f"{'good fine nice' if i % 2 else 'bad poor sad'} {i},{i % 2}" for i in range(60)]
    (folder / "mine.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    own = recipe(domain="nlp", dataset=f"csv:{folder}/mine.csv:text:label", model="bag-of-embeddings")
    run = train(own, cache_dir=tmp_path / "cache")
    assert run.dataset.startswith("csv:mine.csv@") and "private" not in run.model_dump_json()
    assert run.recipe_id == public_recipe(own).recipe_id
    store = Store(tmp_path / "store")
    store.append(run)
    assert same_experiment(store, own).run_id == run.run_id


def test_a_last_batch_of_one_example_is_left_out_because_batch_statistics_need_two():
    whole = train(recipe(model="resnet-tiny", knobs={"data_fraction": 0.2}, batch_size=10_000))
    n = whole.n_train
    run = train(recipe(model="resnet-tiny", knobs={"data_fraction": 0.2}, batch_size=n - 1))
    assert run.status == "completed" and run.curve_train_loss[0] is not None
