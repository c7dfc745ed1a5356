"""The machine a recommendation is for is the one that was meant, or a refusal says what could be meant."""

from __future__ import annotations

import json

import pytest

from ecotaskset.errors import UsageError
from green_predictor import hardware

EPYC = {"device": "cpu", "cpu_model": "AMD EPYC 7543P", "cpu_count": 64}
PLAIN = {"device": "cpu", "cpu_model": "AMD EPYC 7543", "cpu_count": 32}
CARD = {"device": "cuda", "gpu_model": "NVIDIA L40S", "gpu_count": 1, "cpu_model": "Intel Xeon", "cpu_count": 8}
RUNS = [CARD, CARD, CARD, EPYC, EPYC, PLAIN]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("L40S", "NVIDIA L40S"),
        ("nvidia l40s", "NVIDIA L40S"),
        ("AMD EPYC 7543", "AMD EPYC 7543"),
        ("7543P", "AMD EPYC 7543P"),
        ("L4", "L4"),
        ("h200", "H200"),
    ],
)
def test_a_name_means_the_machine_of_that_name(name, model):
    found, _ = hardware.machine(RUNS, name)
    assert model in (found.get("gpu_model"), found.get("cpu_model"))


def test_a_name_that_fits_several_machines_or_none_is_refused():
    with pytest.raises(UsageError, match="several machines") as caught:
        hardware.machine(RUNS, "EPYC")
    assert "AMD EPYC 7543, AMD EPYC 7543P" in str(caught.value.hint)
    with pytest.raises(UsageError, match="unknown hardware"):
        hardware.machine(RUNS, "")


def test_a_description_may_be_json_text_and_is_checked():
    described = {"device": "cpu", "cpu_count": 8}
    assert hardware.machine(RUNS, json.dumps(described)) == hardware.machine(RUNS, described)
    for wrong in (
        '{"cpu_count": "two"}',
        '{"cpu_count": [1]}',
        '{"cpu_count": -1}',
        '{"device": 3}',
        "{device",
        '{"a":' * 50_000,
        '{"cpu_count": 1' + "0" * 400 + "}",
    ):
        with pytest.raises(UsageError):
            hardware.machine(RUNS, wrong)


@pytest.mark.parametrize(
    ("gpu", "model", "says"),
    [
        ("NVIDIA L40S", "NVIDIA L40S", "in the data"),
        ("NVIDIA H100 80GB HBM3", "H100", "data sheet"),
        ("NVIDIA A100-SXM4-80GB", "A100", "data sheet"),
    ],
)
def test_auto_is_for_the_accelerator_of_this_machine(monkeypatch, gpu, model, says):
    monkeypatch.setattr(hardware, "_gpu_model", lambda: gpu)
    found, basis = hardware.machine(RUNS)
    assert found["gpu_model"] == model and says in basis


def test_an_accelerator_that_nobody_knows_is_said_to_be_left_out(monkeypatch):
    monkeypatch.setattr(hardware, "_gpu_model", lambda: "GeForce 256")
    found, basis = hardware.machine(RUNS)
    assert found.get("gpu_model") != "GeForce 256" and "GeForce 256 is not known" in basis


def test_a_hidden_accelerator_is_not_there(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert hardware._gpu_model() is None


def test_without_one_the_most_alike_processor_answers(monkeypatch):
    monkeypatch.setattr(hardware, "_gpu_model", lambda: None)
    monkeypatch.setattr(hardware, "_cpu_model", lambda: "AMD EPYC 7543")
    monkeypatch.setattr(hardware.os, "cpu_count", lambda: 64)
    found, basis = hardware.machine(RUNS)
    assert found["cpu_model"] == "AMD EPYC 7543" and "most like" in basis, "the model counts before the number"
