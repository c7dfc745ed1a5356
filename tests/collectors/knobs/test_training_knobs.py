"""Phase training: number formats, recomputation, steps, learning rates, and what changes over the epochs."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import Subset

from collectors.knobs import training as training_knobs
from collectors.knobs.blocks import block_sequence
from collectors.knobs.training.checkpointing import keep_activations
from collectors.knobs.training.optimizers import Lion
from collectors.tasks import load_task
from collectors.train import first_batch, train
from ecotaskset.errors import UsageError


def built(task, recipe):
    torch.manual_seed(0)
    return task.build_model(recipe.model, recipe)


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_precision_is_what_the_layers_compute_in(text_task, text_recipe, fit, precision, dtype):
    seen = set()

    def watch(parts):
        parts.model.classifier.register_forward_hook(lambda part, given, out: seen.add((out.dtype, part.weight.dtype)))

    trained = fit(text_task, text_recipe(epochs=1, precision=precision), watch).model
    assert seen == {(dtype, torch.float32)}
    seen.clear()
    trained(**first_batch(text_task, 2))
    assert seen == {(torch.float32, torch.float32)}  # inference has knobs of its own


@pytest.mark.parametrize("domain", ["text", "item", "image"])
def test_checkpointing_recomputes_blocks_and_changes_no_gradient(domain, request, batch_of):
    task, recipe = (request.getfixturevalue(f"{domain}_{kind}") for kind in ("task", "recipe"))
    recipe = recipe(gradient_checkpointing=True)
    model, batch = built(task, recipe), batch_of(task)
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0  # each pass would draw anew: nothing to compare
        if isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0
    model.train()
    calls = []
    inner = next(block_sequence(model)[0].children())
    inner.register_forward_hook(lambda *_: calls.append(1))

    def gradients():
        model.zero_grad()
        calls.clear()
        model(**batch).loss.backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None], len(calls)

    kept, once = gradients()
    training_knobs.checkpoint_gradients(model, recipe)
    recomputed, twice = gradients()
    assert twice == 2 * once
    for a, b in zip(kept, recomputed, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def test_checkpointing_survives_a_copy_and_can_be_taken_out(item_task, item_recipe, batch_of):
    recipe = item_recipe(gradient_checkpointing=True)
    model, batch = built(item_task, recipe), batch_of(item_task)
    training_knobs.checkpoint_gradients(model, recipe)
    twin = copy.deepcopy(model)
    for weight in twin.encoder.layers[0].parameters():
        weight.data.zero_()
    before = model.eval()(**batch).logits
    assert not torch.allclose(twin.eval()(**batch).logits, before)  # the copy computes with its own weights
    keep_activations(model)
    torch.testing.assert_close(model(**batch).logits, before)
    assert all("forward" not in part.__dict__ for part in model.modules())


def test_checkpointing_is_refused_without_blocks(text_task, text_recipe):
    recipe = text_recipe("lstm", gradient_checkpointing=True)
    with pytest.raises(UsageError, match="no blocks to recompute"):
        training_knobs.checkpoint_gradients(built(text_task, recipe), recipe)


@pytest.mark.parametrize(("k", "steps"), [(1, 6), (2, 3), (4, 2)])
def test_gradient_accumulation_takes_fewer_steps(text_task, text_recipe, fit, k, steps):
    """96 examples in batches of 16: six batches; with four a step, the second step gets what is left."""
    taken = []

    def watch(parts):
        parts.optimizer.optimizer.register_step_post_hook(lambda *_: taken.append(1))

    done = fit(text_task, text_recipe(epochs=1, gradient_accumulation=k), watch)
    assert len(taken) == steps and done.parts.schedule.last_epoch == steps


@pytest.mark.parametrize("name", ["adamw", "sgd", "adafactor", "lion", "rmsprop"])
def test_each_optimizer_is_itself_and_learns(text_task, text_recipe, fit, name):
    recipe = text_recipe("bag-of-embeddings", epochs=8, optimizer=name).model_copy(
        update={"learning_rate": 0.5 if name == "sgd" else 0.02}
    )
    done = fit(text_task, recipe)
    assert type(done.parts.optimizer.optimizer).__name__.lower() == name
    losses = done.progress.curves["curve_train_loss"]
    assert losses[-1] < 0.9 * losses[0]


@given(st.integers(0, 10_000), st.floats(1e-4, 0.1), st.floats(0, 0.5))
@settings(max_examples=30)
def test_lion_follows_its_algorithm(seed, lr, weight_decay):
    """Chen et al., Algorithm 2, written out for two steps."""
    generator = torch.Generator().manual_seed(seed)
    start, *gradients = torch.randn(3, 7, generator=generator)
    weight = nn.Parameter(start.clone())
    optimizer = Lion([weight], lr=lr, weight_decay=weight_decay)
    expected, momentum = start.clone(), torch.zeros(7)
    for gradient in gradients:
        weight.grad = gradient.clone()
        optimizer.step()
        expected = expected - lr * ((0.9 * momentum + 0.1 * gradient).sign() + weight_decay * expected)
        momentum = 0.99 * momentum + 0.01 * gradient
    torch.testing.assert_close(weight.detach(), expected, atol=1e-5, rtol=1e-4)


def rates(recipe, steps=20):
    optimizer = training_knobs.make_optimizer(nn.Linear(2, 2), recipe)
    schedule = training_knobs.make_schedule(optimizer, recipe, steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"] / recipe.learning_rate)
        optimizer.step()
        schedule.step()
    return seen, optimizer.param_groups[0]["lr"] / recipe.learning_rate


def test_schedules_have_their_shapes(text_recipe):
    constant, _ = rates(text_recipe())
    cosine, cosine_end = rates(text_recipe(schedule="cosine"))
    linear, linear_end = rates(text_recipe(schedule="linear"))
    cycle, cycle_end = rates(text_recipe(schedule="one_cycle"))
    assert constant == [1.0] * 20
    assert cosine[0] == 1 and cosine[10] == pytest.approx(0.5) and cosine == sorted(cosine, reverse=True)
    assert linear[:2] == [0.5, 1.0] and linear[11] == pytest.approx(0.5) and cosine_end == linear_end == 0
    assert cycle[0] == pytest.approx(1 / 25) and max(cycle) == pytest.approx(1, abs=0.05) and cycle_end < 1e-4


@pytest.mark.parametrize("name", ["sgd", "adafactor", "lion", "rmsprop"])
def test_every_schedule_goes_with_every_optimizer(text_recipe, name):
    for schedule in ("linear", "cosine", "one_cycle"):
        seen, _ = rates(text_recipe(optimizer=name, schedule=schedule))
        assert len(set(seen)) > 5


def test_early_stopping_ends_a_run_that_makes_no_progress(image_recipe, cache):
    recipe = image_recipe("mlp", epochs=9, early_stopping=2, data_fraction=0.1).model_copy(
        update={"learning_rate": 1e-12}
    )
    run = train(recipe, cache_dir=cache)
    assert run.status == "early_stopped" and run.epochs_run == 3 and run.quality_test is not None


def test_progressive_resizing_halves_the_side_in_the_first_half(image_recipe, cache, fit):
    recipe = image_recipe(epochs=3, input_size=32, progressive_resizing=True)
    task = load_task(image_recipe(input_size=32, data_fraction=0.1), cache_dir=cache)
    sides = []

    def watch(parts):
        hook = lambda part, given, named: sides.append((part.training, named["pixel_values"].shape[-1]))  # noqa: E731
        parts.model.register_forward_pre_hook(hook, with_kwargs=True)

    fit(task, recipe, watch)
    trained = [side for training, side in sides if training]
    third = len(trained) // 3
    assert trained == [16] * third + [32] * (2 * third)
    assert {side for training, side in sides if not training} == {32}


@pytest.mark.parametrize(("model", "reason"), [("resnet-tiny", "least side, 16"), ("vit-tiny", "learned a position")])
def test_progressive_resizing_is_refused_where_half_the_side_does_not_fit(image_task, image_recipe, model, reason):
    recipe = image_recipe(model, progressive_resizing=True)
    with pytest.raises(UsageError, match=reason):
        training_knobs.plan_epochs(built(image_task, recipe), first_batch(image_task, 2), recipe)


@pytest.mark.parametrize(("domain", "first", "later"), [
    ("text", "bert.embeddings.word_embeddings.weight", "bert.encoder.layer.1.output.dense.weight"),
    ("image", "resnet.embedder.embedder.convolution.weight", "classifier.1.weight"),
    ("item", "encoder.layers.0.linear1.weight", "encoder.layers.1.linear1.weight"),
])  # fmt: skip
def test_progressive_freezing_stops_the_first_half_after_half_of_the_epochs(domain, first, later, request, fit):
    task, recipe = (request.getfixturevalue(f"{domain}_{kind}") for kind in ("task", "recipe"))
    recipe, snapshots = recipe(epochs=4, progressive_freezing=True), []

    def watch(parts):
        weights = dict(parts.model.named_parameters())
        start = parts.start_epoch

        def start_epoch(epoch):
            snapshots.append([weights[name].detach().clone() for name in (first, later)])
            return start(epoch)

        parts.start_epoch = start_epoch

    if domain == "image":
        task = replace(task, train=Subset(task.train, range(128)), validation=Subset(task.validation, range(32)))
    model = fit(task, recipe, watch).model
    weights = dict(model.named_parameters())
    early = [pair[0] for pair in snapshots] + [weights[first].detach()]
    late = [pair[1] for pair in snapshots] + [weights[later].detach()]
    moved = [[not torch.equal(a, b) for a, b in itertools.pairwise(kept)] for kept in (early, late)]
    assert moved == [[True, True, False, False], [True] * 4]


def test_frozen_blocks_cost_no_backward_pass(text_task, text_recipe, batch_of):
    recipe = text_recipe(progressive_freezing=True)
    model, batch = built(text_task, recipe).train(), batch_of(text_task)
    start_epoch, went_back = training_knobs.plan_epochs(model, batch, recipe), []
    for layer in model.bert.encoder.layer:
        layer.register_full_backward_hook(lambda *_: went_back.append(1))
    for epoch, expected in ((1, 2), (2, 1)):
        went_back.clear()
        start_epoch(epoch)
        model(**batch).loss.backward()
        assert len(went_back) == expected
