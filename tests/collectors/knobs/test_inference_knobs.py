"""Phase inference: the deployed model predicts nearly the same, costs something else, and is metered apart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from collectors.inference import LEAST_S, measure_inference, one_of_each_shape, predict_repeatedly
from collectors.knobs import inference as inference_knobs
from collectors.knobs.inference.int8 import Int8Linear, to_int8
from collectors.knobs.refuse import missing_compiler
from collectors.metering import EnergyMeter
from collectors.train import train
from ecotaskset.errors import UsageError

CPU = torch.device("cpu")


def built(task, recipe):
    torch.manual_seed(0)
    return task.build_model(recipe.model, recipe).eval()


@pytest.mark.parametrize(
    ("knob", "tolerance"), [("int8_dynamic", 0.05), ("onnx_runtime", 1e-4), ("inference_half", 0.05)]
)
@pytest.mark.parametrize(("domain", "model"), [("text", "bert-tiny"), ("image", "vit-tiny"), ("item", "sasrec")])
def test_the_deployed_model_predicts_nearly_the_same(domain, model, knob, tolerance, request, batch_of):
    task, recipe = (request.getfixturevalue(f"{domain}_{kind}") for kind in ("task", "recipe"))
    recipe = recipe(model, **{knob: True})
    trained, batch = built(task, recipe), batch_of(task)
    before = {name: weight.clone() for name, weight in trained.state_dict().items()}
    with torch.inference_mode():
        expected = inference_knobs.plain(trained)(batch)
        predict = inference_knobs.deploy(trained, recipe, batch)
        got, fewer = predict(batch), predict({name: value[:3] for name, value in batch.items()})
    spread = expected.std()
    assert got.dtype == torch.float32 and (got - expected).abs().max() < tolerance * max(spread, 1)
    assert knob == "onnx_runtime" or not torch.equal(got, expected)  # something has changed indeed
    torch.testing.assert_close(fewer, got[:3], atol=tolerance, rtol=0.1)
    assert all(torch.equal(weight, trained.state_dict()[name]) for name, weight in before.items())


def test_int8_weights_take_a_quarter_of_the_memory_and_one_step_of_error():
    layer = nn.Linear(64, 32)
    int8 = Int8Linear(layer)
    assert int8.int8_weight.dtype == torch.int8 and int8.int8_weight.nbytes * 4 == layer.weight.nbytes
    error = (int8.int8_weight * int8.weight_scale[:, None] - layer.weight).abs()
    assert (error <= int8.weight_scale[:, None] / 2 + 1e-7).all()
    x = torch.randn(5, 3, 64)
    assert int8(x).shape == (5, 3, 32) and (int8(x) - layer(x)).abs().max() < 0.05
    assert torch.equal(int8(torch.zeros(2, 64)), layer.bias.expand(2, 32))


def test_int8_is_refused_without_linear_layers(image_task, image_recipe):
    with pytest.raises(UsageError, match="no linear layer"):
        to_int8(built(image_task, image_recipe("squeezenet")), "squeezenet")


def test_onnx_runtime_takes_texts_of_other_lengths(padded_task, text_recipe, batch_of):
    recipe = text_recipe(onnx_runtime=True)
    model, batch = built(padded_task, recipe), batch_of(padded_task)
    predict = inference_knobs.deploy(model, recipe, batch)
    shorter = {name: value[:, :5] if value.ndim == 2 else value for name, value in batch.items()}
    with torch.inference_mode():
        torch.testing.assert_close(predict(shorter), inference_knobs.plain(model)(shorter), atol=1e-4, rtol=1e-3)


def test_half_computes_in_bf16(text_task, text_recipe, batch_of):
    recipe, seen = text_recipe(inference_half=True), set()
    model = built(text_task, recipe)
    model.classifier.register_forward_hook(lambda part, given, out: seen.add((out.dtype, part.weight.dtype)))
    inference_knobs.deploy(model, recipe, batch_of(text_task))(batch_of(text_task))
    assert seen == {(torch.bfloat16, torch.bfloat16)}


@pytest.mark.skipif(missing_compiler("cpu") is not None, reason="no compiler here")
def test_inference_compile_runs_a_compiled_graph(text_task, text_recipe, batch_of):
    recipe, batch = text_recipe("bag-of-embeddings", inference_compile=True), batch_of(text_task)
    model = built(text_task, recipe)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    with torch.no_grad():
        torch.testing.assert_close(
            inference_knobs.deploy(model, recipe, batch)(batch), inference_knobs.plain(model)(batch)
        )
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 1


def test_labels_are_not_needed_and_not_given(text_task, item_task, text_recipe, item_recipe, batch_of):
    """At inference nobody has labels; the answers must not depend on them."""
    for task, recipe in ((text_task, text_recipe()), (item_task, item_recipe())):
        model, batch = built(task, recipe), batch_of(task)
        with torch.no_grad():
            torch.testing.assert_close(inference_knobs.plain(model)(batch), model(**batch).logits)


def test_a_deployment_that_does_not_fit_is_refused_before_training(image_recipe, cache):
    epochs = []
    with pytest.raises(UsageError, match="'int8_dynamic=true' does not apply to 'squeezenet'"):
        train(image_recipe("squeezenet", int8_dynamic=True), cache_dir=cache, on_event=epochs.append)
    assert epochs == []


def test_short_inference_is_repeated_until_it_can_be_metered(text_task, text_recipe, batch_of):
    recipe = text_recipe("bag-of-embeddings")
    model, batch = built(text_task, recipe), batch_of(text_task)
    with torch.inference_mode():
        timings, n = predict_repeatedly(inference_knobs.plain(model), [batch], CPU)
    assert n == 8 * len(timings) and (sum(timings) > 0.5 * LEAST_S or len(timings) == 200)


def test_a_slow_model_is_not_repeated(batch_of, text_task):
    import time

    timings, n = predict_repeatedly(lambda batch: time.sleep(LEAST_S), [batch_of(text_task)] * 2, CPU)
    assert len(timings) == 2 and n == 16


def test_one_batch_of_each_shape_warms_up():
    batches = [{"x": torch.zeros(4, 2)}, {"x": torch.ones(4, 2)}, {"x": torch.zeros(3, 2)}]
    assert [len(batch["x"]) for batch in one_of_each_shape(batches)] == [4, 3]


def test_making_the_deployment_is_not_booked_as_inference(text_task, text_recipe, monkeypatch):
    """An export that takes as long as it likes leaves the energy of a prediction alone."""
    import time

    recipe, made = text_recipe("bag-of-embeddings", onnx_runtime=True), inference_knobs.deploy

    def slowly(*given):
        time.sleep(1.0)
        return made(*given)

    monkeypatch.setattr(inference_knobs, "deploy", slowly)
    with EnergyMeter() as meter:
        columns = measure_inference(built(text_task, recipe), text_task, recipe, meter, CPU)
    report = meter.report()
    assert report.windows["inference"].duration_s < 0.8 < 1.0 < report.duration_s
    assert columns["inference_kwh_per_1000"] > 0
    assert columns["inference_latency_p50_ms"] <= columns["inference_latency_p95_ms"]


def test_a_run_reports_inference_after_its_knobs(image_recipe, cache):
    run = train(image_recipe("mlp", epochs=3, int8_dynamic=True, inference_batch_size=8), cache_dir=cache)
    assert run.inference_batch_size == 8 and run.inference_kwh_per_1000 > 0
    assert abs(run.inference_quality - run.quality_test) < 0.05 and run.quality_test > 0.5
