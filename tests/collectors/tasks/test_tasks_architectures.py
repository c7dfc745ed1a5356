"""Every architecture keeps the contract: a loss, logits of the right shape, and no trace of padding or neighbours."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from task_recipes import recipe

from collectors.tasks import scores
from collectors.tasks.architectures import Architecture, Inputs, all_architectures, build, get_architecture
from collectors.tasks.listing import measure
from ecotaskset.errors import UsageError

BIG = {"vit-base", "bert-base", "roberta-base", "distilbert-base", "gpt2", "vgg16"}
SMALL = [entry for entry in all_architectures() if entry.name not in BIG]
N, LENGTH, ITEMS, CLASSES = 4, 12, 30, 3


def inputs_for(entry: Architecture, side: int = 16) -> Inputs:
    if entry.domain == "cv":
        return Inputs(n_classes=CLASSES, side=entry.fit_side(side), channels=1)
    if entry.domain == "nlp":
        return Inputs(n_classes=CLASSES, vocabulary=50, length=LENGTH)
    return Inputs(n_items=ITEMS, length=LENGTH)


def batch_for(entry: Architecture, inputs: Inputs, n: int = N) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    if entry.domain == "cv":
        pixels = torch.randn(n, inputs.channels, inputs.side, inputs.side)
        return {"pixel_values": pixels, "labels": torch.arange(n) % CLASSES}
    real = torch.tensor([LENGTH - 5, LENGTH - 4, 2, 3])[torch.arange(n) % 4]
    places = torch.arange(LENGTH)
    if entry.domain == "nlp":
        mask = (places < real[:, None]).long()
        return {
            "input_ids": torch.randint(5, 50, (n, LENGTH)) * mask,
            "attention_mask": mask,
            "labels": torch.arange(n) % CLASSES,
        }
    mask = (places >= LENGTH - real[:, None]).long()
    targets = torch.randint(1, ITEMS + 1, (n, LENGTH)).masked_fill(mask == 0, -100)
    return {"input_ids": torch.randint(1, ITEMS + 1, (n, LENGTH)) * mask, "attention_mask": mask, "labels": targets}


def model_for(entry: Architecture, width: float = 1.0, side: int = 16) -> torch.nn.Module:
    torch.manual_seed(0)
    return entry.build(inputs_for(entry, side), width)


def logits_of(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return model(**{name: value for name, value in batch.items() if name != "labels"}).logits


@pytest.mark.parametrize("entry", SMALL, ids=lambda entry: entry.name)
def test_contract(entry: Architecture) -> None:
    model, batch = model_for(entry), batch_for(entry, inputs_for(entry))
    out = model.train()(**batch)
    assert out.loss.shape == () and torch.isfinite(out.loss)
    assert out.logits.shape == (N, ITEMS + 1 if entry.domain == "recsys" else CLASSES)
    out.loss.backward()
    untouched = [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not untouched, "every weight takes part"
    model.eval()
    with torch.no_grad():
        judged = model(**batch)
    assert torch.equal(judged.logits, logits_of(model, batch)), "labels do not change the answer"
    wanted = batch["labels"][:, -1] if entry.domain == "recsys" else batch["labels"]
    assert judged.loss.item() == pytest.approx(
        torch.nn.functional.cross_entropy(judged.logits, wanted).item(), rel=1e-4
    )
    one = {name: value[:1] for name, value in batch.items()}
    assert torch.allclose(logits_of(model, one), judged.logits[:1], atol=1e-4), "neighbours do not change the answer"


@pytest.mark.parametrize("entry", [e for e in SMALL if e.domain != "cv"], ids=lambda entry: entry.name)
def test_padding_leaves_no_trace(entry: Architecture) -> None:
    from collectors.tasks.prepare.tensors import trim_left, trim_right

    model, batch = model_for(entry).eval(), batch_for(entry, inputs_for(entry))
    trim = trim_left if entry.domain == "recsys" else trim_right
    trimmed = trim([{name: value[row] for name, value in batch.items()} for row in range(N)])
    assert trimmed["input_ids"].shape[1] == LENGTH - 4
    assert torch.allclose(logits_of(model, batch), logits_of(model, trimmed), atol=1e-5)


@pytest.mark.parametrize("entry", [e for e in SMALL if e.domain == "recsys"], ids=lambda entry: entry.name)
def test_no_recommender_sees_what_comes_next(entry: Architecture) -> None:
    """The scores of a history do not depend on what the label says; in training nor does an earlier position's."""
    model, batch = model_for(entry), batch_for(entry, inputs_for(entry))
    changed = {**batch, "labels": torch.where(batch["labels"] > 0, batch["labels"] % ITEMS + 1, -100)}
    model.eval()
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, model(**changed).logits)
    if entry.name == "bert4rec":  # sees both sides on purpose; what it is asked is hidden
        return
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    for layer in getattr(getattr(model, "encoder", None), "layers", []):
        layer.self_attn.dropout = 0.0
    model.train()
    earlier = batch["labels"].clone()
    earlier[:, -1] = -100
    later = batch["input_ids"].clone()
    later[:, -1] = later[:, -1] % ITEMS + 1
    losses = [model(**{**batch, "input_ids": ids, "labels": earlier}).loss for ids in (batch["input_ids"], later)]
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-6)


@pytest.mark.parametrize("entry", SMALL, ids=lambda entry: entry.name)
def test_the_signal_reaches_the_logits(entry: Architecture) -> None:
    """A start from which different inputs give the same answer learns nothing; one port of a network had it."""
    model, batch = model_for(entry).train(), batch_for(entry, inputs_for(entry), n=16)
    if entry.domain != "cv":
        model.eval()
    assert logits_of(model, batch)[:, 1:].std(dim=0).mean() > 1e-3


@pytest.mark.parametrize("entry", SMALL, ids=lambda entry: entry.name)
def test_width_scales_the_model(entry: Architecture) -> None:
    narrow, normal, wide = (sum(p.numel() for p in model_for(entry, width).parameters()) for width in (0.5, 1.0, 2.0))
    assert narrow < normal < wide
    assert torch.isfinite(logits_of(model_for(entry, 0.25).eval(), batch_for(entry, inputs_for(entry)))).all()


@pytest.mark.parametrize("entry", [e for e in SMALL if e.domain == "cv"], ids=lambda entry: entry.name)
def test_images_of_every_side(entry: Architecture) -> None:
    for side in (8, 12, 24, 28, 32):
        inputs = inputs_for(entry, side)
        assert inputs.side >= side
        model = model_for(entry, side=side).eval()
        assert logits_of(model, batch_for(entry, inputs, n=2)).shape == (2, CLASSES)
    if entry.any_side:
        larger = torch.randn(2, 1, entry.fit_side(40), entry.fit_side(40))
        assert logits_of(model, {"pixel_values": larger}).shape == (2, CLASSES)


def test_knob_width_reaches_the_model() -> None:
    sizes = []
    for width in (1.0, 2.0):
        chosen = recipe("cv", "digits", "mlp", knobs={"width": width})
        model = build(Inputs(n_classes=10, side=8, channels=1), "mlp", chosen)
        sizes.append(sum(p.numel() for p in model.parameters()))
    assert sizes[1] > 2 * sizes[0]


def test_measured_sizes_are_those_of_the_real_model() -> None:
    entry = get_architecture("mlp", "cv")
    assert measure(entry)["params"] == 28 * 28 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert measure(entry)["flops_per_sample"] == 2 * (28 * 28 * 256 + 256 * 128 + 128 * 10)


def test_published_weights_are_refused_where_there_are_none() -> None:
    inputs = Inputs(n_classes=10, side=8, channels=1)
    with pytest.raises(UsageError, match="no published weights"):
        build(inputs, "mlp", recipe("cv", "digits", "mlp", pretrained=True))


@given(st.integers(1, 30), st.integers(0, 2**31 - 1))
@settings(max_examples=50)
def test_scores_agree_with_a_plain_ranking(items: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randint(0, 5, (3, items + 1), generator=generator).float()
    target = torch.randint(1, items + 1, (3,), generator=generator)
    labels = torch.cat([torch.full((3, 2), -100), target[:, None]], dim=1)
    ndcg, recall = (score(logits, {"labels": labels}) for score in (scores.ndcg_at_10, scores.recall_at_10))
    for row in range(3):
        own = logits[row, target[row]]
        rank = sum(bool(value >= own) for value in logits[row, 1:])
        assert recall[row].item() == float(rank <= 10)
        assert ndcg[row].item() == pytest.approx(1 / torch.log2(torch.tensor(rank + 1.0)).item() if rank <= 10 else 0)


def test_nan_scores_are_no_success() -> None:
    logits = torch.full((1, 20), float("nan"))
    assert scores.ndcg_at_10(logits, {"labels": torch.tensor([[3]])}).item() == 0
