"""Before and after a training: what is refused early, what leaves no path behind, which batch is left out."""

from __future__ import annotations

import pytest

from collectors.plan import check_recipe, public_recipe, same_experiment
from collectors.train import train
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.store import Store


def recipe(**changes):
    return Recipe.create(**{"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 1, **changes})


def test_weights_nobody_published_are_refused_before_training():
    with pytest.raises(UsageError, match="no published weights"):
        check_recipe(recipe(pretrained=True))


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
