"""Phase system: what the machine does differently, and that it is as before afterwards."""

from __future__ import annotations

import os

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader, Dataset

from collectors.knobs import system as system_knobs
from collectors.knobs.refuse import available_cpus, missing_compiler, refuse_impossible
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe

CPU = torch.device("cpu")


def test_cpu_threads_hold_during_the_run_and_not_after(text_recipe):
    torch.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), system_knobs.machine_settings(text_recipe(cpu_threads=1), CPU):
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError  # a run that fails puts the threads back, too
    assert torch.get_num_threads() == 2


class ProcessIds(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return os.getpid()


@pytest.mark.parametrize("workers", [0, 2])
def test_dataloader_workers_prepare_batches_in_other_processes(text_recipe, workers):
    options = system_knobs.loader_options(text_recipe(dataloader_workers=workers))
    seen = {int(pid) for batch in DataLoader(ProcessIds(), **options) for pid in batch}
    assert len(seen) == max(workers, 1) and (os.getpid() in seen) == (workers == 0)


def test_pin_memory_is_passed_on_where_there_is_a_gpu(text_recipe):
    assert system_knobs.loader_options(text_recipe(pin_memory=True))["pin_memory"] is True
    refuse_impossible(text_recipe(pin_memory=True), "cuda")


class CountSdpa(TorchFunctionMode):
    calls = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.calls += function is torch.nn.functional.scaled_dot_product_attention
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(("knobs", "calls"), [({}, 2), ({"attention": "eager"}, 0)])
def test_attention_uses_the_kernel_named(text_task, text_recipe, batch_of, knobs, calls):
    recipe = text_recipe(**knobs)
    model = system_knobs.lay_out(text_task.build_model("bert-tiny", recipe), recipe)
    with CountSdpa() as counter:
        model(**batch_of(text_task))
    assert counter.calls == calls


@pytest.mark.parametrize(("model", "reason"), [("lstm", "no exchangeable"), ("bloom-tiny", "'eager' already")])
def test_attention_is_refused_where_there_is_no_choice(text_task, text_recipe, model, reason):
    recipe = text_recipe(model, attention="eager")
    with pytest.raises(UsageError, match=reason):
        system_knobs.lay_out(text_task.build_model(model, recipe), recipe)


@pytest.mark.parametrize("on", [False, True])
def test_channels_last_is_the_layout_inside(image_task, image_recipe, batch_of, on):
    recipe = image_recipe(channels_last=on)
    model = system_knobs.lay_out(image_task.build_model("resnet-tiny", recipe), recipe)
    seen = []
    stage = model.resnet.encoder.stages[0]
    stage.register_forward_hook(
        lambda part, given, out: seen.append(out.is_contiguous(memory_format=torch.channels_last))
    )
    model(**batch_of(image_task))
    assert seen == [on]


def test_channels_last_is_refused_without_convolutions(image_task, image_recipe):
    recipe = image_recipe("mlp", channels_last=True)
    with pytest.raises(UsageError, match="no convolution"):
        system_knobs.lay_out(image_task.build_model("mlp", recipe), recipe)


@pytest.mark.skipif(missing_compiler("cpu") is not None, reason="no compiler here")
def test_torch_compile_runs_a_compiled_graph_that_computes_the_same(text_task, text_recipe, batch_of):
    recipe = text_recipe("bag-of-embeddings", torch_compile=True)
    model, batch = text_task.build_model(recipe.model, recipe).eval(), batch_of(text_task)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    with torch.no_grad():
        compiled = system_knobs.compile_model(model, recipe)(**batch).logits
        torch.testing.assert_close(compiled, model(**batch).logits)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 1
    assert system_knobs.compile_model(model, text_recipe()) is model


def test_compiling_is_refused_without_a_compiler(text_recipe, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UsageError, match="'torch_compile=true' needs a C\\+\\+ compiler"):
        refuse_impossible(text_recipe(torch_compile=True), "cpu")


@pytest.mark.parametrize(("knobs", "reason"), [
    ({"precision": "fp16"}, "'precision=fp16' needs a GPU, this run is on cpu"),
    ({"pin_memory": True}, "'pin_memory=true' needs a GPU"),
    ({"gpu_power_limit": 200}, "'gpu_power_limit=200' needs a GPU"),
    ({"cpu_threads": 512}, f"more than the {available_cpus()} this process may use"),
    ({"progressive_freezing": True, "epochs": 1}, "train at least 2 epochs"),
])  # fmt: skip
def test_what_this_machine_cannot_do_is_refused_before_anything_is_loaded(text_recipe, knobs, reason):
    with pytest.raises(UsageError, match=reason):
        refuse_impossible(text_recipe(**knobs), "cpu")


@pytest.mark.parametrize("knob", ["int8_dynamic", "onnx_runtime"])
def test_cpu_only_deployments_are_refused_on_a_gpu(text_recipe, knob):
    with pytest.raises(UsageError, match="made for the CPU"):
        refuse_impossible(text_recipe(**{knob: True}), "cuda")


def test_a_missing_optional_package_is_named_with_the_command_that_installs_it(text_recipe, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name))
    with pytest.raises(UsageError, match="needs the package 'onnxruntime'") as caught:
        refuse_impossible(text_recipe(onnx_runtime=True), "cpu")
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize("pair", [
    ("lora", "freeze_backbone"), ("int8_dynamic", "onnx_runtime"), ("onnx_runtime", "inference_compile"),
    ("int8_dynamic", "inference_half"), ("lora", "progressive_freezing"),
])  # fmt: skip
def test_knobs_that_exclude_each_other_make_no_recipe(pair):
    knobs = {name: 4 if name == "lora" else True for name in pair}
    with pytest.raises(UsageError, match="exclude each other"):
        Recipe.create(domain="nlp", dataset="movie_reviews", model="bert-tiny", knobs=knobs)
