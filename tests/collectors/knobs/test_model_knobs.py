"""Phase model: the layers that are there and the weights that are trained."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from collectors.knobs import model as model_knobs
from collectors.knobs.blocks import block_sequence, equal_stack, output_layer
from collectors.knobs.model.adapters import merge_adapters
from collectors.knobs.model.low_rank import factorise
from ecotaskset.errors import UsageError
from tests.collectors.knobs.conftest import trainable


def shaped(task, recipe):
    torch.manual_seed(0)
    return model_knobs.shape(task.build_model(recipe.model, recipe), task, recipe)


def test_width_scales_the_hidden_sizes(text_task, text_recipe):
    sizes = [trainable(shaped(text_task, text_recipe(width=width))) for width in (0.5, 1.0, 2.0)]
    assert sizes[0] < 0.5 * sizes[1] and sizes[2] > 2.5 * sizes[1]


@pytest.mark.parametrize(("side", "kept"), [("top:1", 0), ("bottom:1", 1)])
def test_layer_drop_removes_blocks_from_the_side_named(text_task, text_recipe, batch_of, side, kept):
    whole, fewer = shaped(text_task, text_recipe()), shaped(text_task, text_recipe(layer_drop=side))
    assert len(fewer.bert.encoder.layer) == 1 and fewer.config.num_hidden_layers == 1
    for old, new in zip(
        whole.bert.encoder.layer[kept].parameters(), fewer.bert.encoder.layer[0].parameters(), strict=True
    ):
        assert torch.equal(old, new)
    assert fewer.eval()(**batch_of(text_task)).logits.shape == (8, 2)


def test_layer_drop_works_on_our_own_blocks_too(item_task, item_recipe):
    assert trainable(shaped(item_task, item_recipe(layer_drop="top:1"))) < trainable(shaped(item_task, item_recipe()))


@pytest.mark.parametrize(
    ("model", "which"), [("bert-tiny", "top:2"), ("text-cnn", "top:1"), ("albert-tiny", "bottom:1")]
)
def test_layer_drop_is_refused_where_nothing_would_be_left(text_task, text_recipe, model, which):
    with pytest.raises(UsageError, match=f"'layer_drop={which}' does not apply to '{model}': it"):
        shaped(text_task, text_recipe(model, layer_drop=which))


def test_low_rank_head_has_that_rank_and_fewer_weights(image_task, image_recipe, batch_of):
    model = shaped(image_task, image_recipe(low_rank_head=4))
    whole = shaped(image_task, image_recipe())
    inner, outer = model.get_submodule(output_layer(whole, batch_of(image_task)))
    assert torch.linalg.matrix_rank(outer.weight @ inner.weight) == 4
    assert trainable(model) == trainable(whole) - 64 * 10 + 4 * (64 + 10)


def test_low_rank_factors_start_at_the_best_approximation():
    """Eckart and Young 1936: the error is the norm of the singular values left out."""
    model = nn.Sequential(nn.Linear(20, 30))
    weight, bias = model[0].weight.detach().clone(), model[0].bias.detach().clone()
    factorise(model, "0", 5, "plain")
    error = torch.linalg.matrix_norm(model[0][1].weight @ model[0][0].weight - weight)
    torch.testing.assert_close(error, torch.linalg.svdvals(weight)[5:].square().sum().sqrt())
    assert torch.equal(model[0][1].bias, bias)


def test_low_rank_head_factorises_the_items_that_recommenders_share(item_task, item_recipe, fit):
    model = fit(item_task, item_recipe(low_rank_head=4)).model
    assert torch.linalg.matrix_rank(model.items.weight) <= 4
    assert trainable(model) < trainable(shaped(item_task, item_recipe()))


def test_low_rank_head_is_refused_where_it_would_save_nothing(text_task, text_recipe, image_task, image_recipe):
    with pytest.raises(UsageError, match="no fewer weights than its output layer of 64 × 2"):
        shaped(text_task, text_recipe(low_rank_head=2))
    with pytest.raises(UsageError, match="its output layer is a Conv2d"):
        shaped(image_task, image_recipe("squeezenet", low_rank_head=2))


@pytest.mark.parametrize("model", ["bert-tiny", "gpt2-tiny"])
def test_lora_trains_adapters_and_head_only(text_task, text_recipe, batch_of, model, fit):
    plain, adapted = shaped(text_task, text_recipe(model)), shaped(text_task, text_recipe(model, lora=4))
    names = [name for name, p in adapted.named_parameters() if p.requires_grad]
    assert all("lora_" in name or "classifier" in name or "score" in name for name in names)
    assert any("lora_" in name for name in names) and any("lora_" not in name for name in names)
    assert trainable(adapted) < 0.3 * trainable(plain)
    batch = batch_of(text_task)
    torch.testing.assert_close(adapted.eval()(**batch).logits, plain.eval()(**batch).logits)  # nothing changed yet

    trained = fit(text_task, text_recipe(model, lora=4)).model.eval()
    before = dict(plain.named_parameters())
    frozen = {name.replace(".base_layer", ""): p for name, p in trained.named_parameters() if not p.requires_grad}
    assert frozen and all(torch.equal(p, before[name]) for name, p in frozen.items())
    assert any(p.abs().max() > 0 for name, p in trained.named_parameters() if "lora_B" in name)


@pytest.mark.parametrize("domain", ["text", "item"])
def test_merged_adapters_predict_the_same_without_adapters(domain, request, batch_of, fit):
    """Also for PyTorch's fused encoder, which would pass over adapters in evaluation."""
    task, recipe = request.getfixturevalue(f"{domain}_task"), request.getfixturevalue(f"{domain}_recipe")
    model = fit(task, recipe(lora=4, epochs=3)).model.eval()
    batch = batch_of(task)
    merged = merge_adapters(copy.deepcopy(model))
    with torch.no_grad():
        torch.testing.assert_close(merged(**batch).logits, model(**batch).logits, atol=1e-4, rtol=1e-4)
        for part in model.modules():
            if hasattr(part, "base_layer"):
                part.lora_B["default"].weight.zero_()
        assert not torch.allclose(model(**batch).logits, merged(**batch).logits, atol=1e-5)
    assert not any("lora" in name for name, _ in merged.named_parameters())


def test_lora_is_refused_without_linear_layers_or_at_full_rank(text_task, text_recipe, image_task, image_recipe):
    with pytest.raises(UsageError, match="no linear layer beside its output layer"):
        shaped(image_task, image_recipe(lora=4))
    with pytest.raises(UsageError, match="not low-rank"):
        shaped(text_task, text_recipe(lora=64))


def test_freeze_backbone_leaves_all_but_the_head_as_it_was(text_task, text_recipe, fit):
    before, after = shaped(text_task, text_recipe()), fit(text_task, text_recipe(freeze_backbone=True)).model
    moved = {
        n
        for (n, old), new in zip(before.named_parameters(), after.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert moved == {"classifier.weight", "classifier.bias"} and trainable(after) == 2 * 64 + 2


def test_model_knobs_stack_in_the_documented_order(image_task, image_recipe, batch_of):
    model = shaped(image_task, image_recipe("vit-tiny", layer_drop="top:1", low_rank_head=4, lora=4, width=0.5))
    whole = shaped(image_task, image_recipe("vit-tiny"))
    assert len(block_sequence(model)) == len(equal_stack(whole)[1]) - 1
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert all("lora_" in name or name.startswith("classifier.") for name in trained)
    assert sum(name.startswith("classifier.") for name in trained) == 3  # two factors and a bias
    assert model(**batch_of(image_task)).logits.shape == (8, 10)


def test_the_output_layer_is_found_in_every_kind_of_model(request, batch_of):
    kinds = {"text": ["roberta-tiny", "gpt2-tiny"], "image": ["resnet-tiny", "vit-tiny"], "item": ["sasrec", "gru4rec"]}
    found = {}
    for kind, names in kinds.items():
        task, recipe = (request.getfixturevalue(f"{kind}_{what}") for what in ("task", "recipe"))
        for name in names:
            found[name] = output_layer(task.build_model(name, recipe(name)), batch_of(task))
    assert found["roberta-tiny"] == "classifier.out_proj" and found["gpt2-tiny"] == "score"
    assert found["sasrec"] == found["gru4rec"] == "items"
    assert found["resnet-tiny"].startswith("classifier") and found["vit-tiny"] == "classifier"
