"""Small real tasks to turn knobs on: generated texts and item sequences, the digits of scikit-learn as images."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from collectors.accelerator import make_accelerator
from collectors.tasks import scores
from collectors.tasks.architectures import Inputs, build
from collectors.tasks.load import load_task
from collectors.tasks.prepare.tensors import TensorColumns, stack, trim_right
from collectors.tasks.task import Task
from collectors.train import Progress, prepare, run_epochs
from ecotaskset.recipe import Recipe

VOCABULARY, LENGTH, N_ITEMS = 50, 12, 40


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny models are slower on many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def text_recipe():
    """A recipe on `text_task`, knobs as keywords."""
    return lambda model="bert-tiny", epochs=2, **knobs: Recipe.create(
        domain="nlp", dataset="movie_reviews", model=model, epochs=epochs, batch_size=16, knobs=knobs
    )


@pytest.fixture
def image_recipe():
    """A recipe on digits, knobs as keywords."""
    return lambda model="resnet-tiny", epochs=2, **knobs: Recipe.create(
        domain="cv", dataset="digits", model=model, epochs=epochs, batch_size=64, knobs=knobs
    )


@pytest.fixture
def item_recipe():
    """A recipe on `item_task`, knobs as keywords."""
    return lambda model="sasrec", epochs=2, **knobs: Recipe.create(
        domain="recsys", dataset="movielens_100k", model=model, epochs=epochs, batch_size=16, knobs=knobs
    )


@pytest.fixture(scope="session")
def text_task():
    """Texts of 3 to 12 tokens; the class is whether the second token is one of the first half of the vocabulary."""
    return _text_task(n=96, collate=stack)


@pytest.fixture(scope="session")
def padded_task():
    """As `text_task`, with batches cut to their longest text."""
    return _text_task(n=400, collate=trim_right)


def _text_task(n, collate):
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, VOCABULARY, (n, LENGTH), generator=generator)
    lengths = torch.randint(3, LENGTH + 1, (n,), generator=generator)
    mask = (torch.arange(LENGTH) < lengths[:, None]).long()
    columns = {"input_ids": ids * mask, "attention_mask": mask, "labels": (ids[:, 1] < VOCABULARY // 2).long()}
    inputs = Inputs(n_classes=2, vocabulary=VOCABULARY, length=LENGTH)
    return _task("nlp", columns, inputs, scores.accuracy, collate)


@pytest.fixture(scope="session")
def item_task():
    """Item sequences of full length; the next item is the last one plus one."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(1, N_ITEMS, (64, 8), generator=generator)
    columns = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids.roll(-1, 1)}
    columns["labels"][:, -1] = ids[:, -1] + 1
    return _task("recsys", columns, Inputs(n_items=N_ITEMS, length=8), scores.ndcg_at_10, stack)


def _task(domain, columns, inputs, score, collate):
    split = TensorColumns(columns, lambda rows: rows)
    return Task(
        domain,
        "generated",
        "accuracy",
        split,
        split,
        split,
        collate,
        score,
        partial(build, inputs),
        {"n_train": 96},
        "0",
    )


@pytest.fixture(scope="session")
def image_task(cache):
    """The digits, enlarged to 16 × 16."""
    return load_task(Recipe.create(domain="cv", dataset="digits", model="resnet-tiny"), cache_dir=cache)


@pytest.fixture
def batch_of():
    return lambda task, n=8: task.collate([task.train[i] for i in range(n)])


@pytest.fixture
def fit():
    """Train a recipe on a task with the real loop, unmetered; what the loop knew afterwards."""

    def fit(task, recipe, before_training=lambda parts: None):
        from collectors.knobs import model as model_knobs
        from collectors.metering import EnergyMeter

        accelerator = make_accelerator(recipe)
        torch.manual_seed(recipe.seed)
        model = model_knobs.shape(task.build_model(recipe.model, recipe), task, recipe)
        parts = prepare(accelerator, task, model, recipe)
        before_training(parts)
        progress = Progress()
        with EnergyMeter() as meter:
            run_epochs(accelerator, parts, task, recipe, meter, progress, lambda event: None)
        trained = accelerator.unwrap_model(parts.model, keep_fp32_wrapper=False, keep_torch_compile=False)
        return SimpleNamespace(model=trained, parts=parts, progress=progress)

    return fit


def trainable(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
