"""The machine a recommendation is for is the one that was meant, or a refusal says what could be meant."""

from __future__ import annotations

import json

import pytest

from ecotaskset.errors import UsageError
from green_predictor import hardware, this_machine

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
    found = hardware.machine(RUNS, name).columns
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
    monkeypatch.setattr(this_machine, "gpu_model", lambda: gpu)
    found = hardware.machine(RUNS)
    assert found.columns["gpu_model"] == model and says in found.basis and found.slowdown == (1.0, 1.0)
    assert found.in_data == (says == "in the data")


def test_an_accelerator_that_nobody_knows_is_taken_for_a_middling_one(monkeypatch):
    """Once it was left out, and a training on it was said to cost what it costs on a processor."""
    monkeypatch.setattr(this_machine, "gpu_model", lambda: "GeForce 9999")
    assert hardware.machine(RUNS).columns["gpu_model"] == "GeForce 9999"
    alone = hardware.machine([GENOA, {**GENOA, "energy_kwh": 1e-6, "duration_s": 0.5}])
    assert "GeForce 9999, taken for a middling accelerator" in alone.basis and alone.typical == hardware.UNLISTED


def test_a_hidden_accelerator_is_not_there(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert this_machine.gpu_model() is None


def test_a_word_in_brackets_names_a_machine_too():
    assert hardware.machine([GENOA], "genoa").columns["cpu_model"] == GENOA["cpu_model"]


@pytest.fixture
def processor(monkeypatch):
    """Make this machine one with a processor as the kernel describes it, that many threads, and no accelerator."""

    def become(brand: str, family: str = "25", model: str = "17", count: int = 2) -> None:
        facts = {"model name": brand, "cpu family": family, "model": model}
        monkeypatch.setattr(this_machine, "_cpuinfo", facts.get)
        monkeypatch.setattr(this_machine, "gpu_model", lambda: None)
        monkeypatch.setattr(hardware.os, "cpu_count", lambda: count)

    return become


def test_without_one_the_most_alike_processor_answers(processor):
    processor("AMD EPYC 7543", count=64)
    found = hardware.machine(RUNS)
    assert found.columns["cpu_model"] == "AMD EPYC 7543" and not found.in_data, "the model counts before the number"
    assert "most like" in found.basis


GENOA = {
    "device": "cpu", "cpu_model": "AMD EPYC (Genoa, family 25 model 17)", "cpu_count": 2, "cpu_threads": 1,
    "matmul_gflops": 90.0,
}  # fmt: skip


def test_a_processor_whose_brand_hides_its_line_is_known_by_family_and_model(processor):
    processor("AMD EPYC")
    assert hardware.machine([GENOA]).in_data
    processor("AMD EPYC", family="26", model="2")
    assert not hardware.machine([GENOA]).in_data
    processor("AMD", family="25", model="17")
    assert not hardware.machine([GENOA]).in_data, "a part of the name is another name"


def test_an_arm_processor_is_known_by_implementer_and_part(monkeypatch):
    facts = {"CPU implementer": "0x41", "CPU part": "0xd0c"}
    monkeypatch.setattr(this_machine, "_cpuinfo", facts.get)
    assert this_machine.is_cpu("ARM (Neoverse N1, family 65 model 3340)")
    assert not this_machine.is_cpu("ARM (Neoverse V1, family 65 model 3392)") and not this_machine.is_cpu(None)


def test_beside_an_accelerator_nobody_knows_nothing_is_compared(processor, monkeypatch):
    processor("AMD EPYC", family="25", model="17")
    monkeypatch.setattr(this_machine, "gpu_model", lambda: "GeForce 256")
    found = hardware.machine([GENOA])
    assert found.slowdown == (1.0, 1.0) and found.typical == hardware.UNLISTED and "GeForce 256" in found.words


def test_what_another_processor_is_beside_is_the_one_that_most_runs_are_of(processor, monkeypatch):
    processor("AMD EPYC", family="25", model="1")
    monkeypatch.setattr(this_machine, "thread_gflops", lambda: 45.0)
    often = [{**GENOA, "cpu_count": count} for count in (2, 4, 8)]
    rare = {**GENOA, "cpu_model": "rare", "matmul_gflops": 60.0}
    assert hardware.machine([*often, rare, rare]).columns["cpu_model"] == GENOA["cpu_model"]


def test_another_processor_is_compared_by_the_speed_of_one_thread(processor, monkeypatch):
    processor("AMD EPYC", family="25", model="1")
    monkeypatch.setattr(this_machine, "thread_gflops", lambda: 60.0)
    runs = [GENOA, GENOA, {**GENOA, "cpu_threads": 2, "matmul_gflops": 200.0}]
    found = hardware.machine(runs)
    assert found.slowdown == pytest.approx((1.5, 1.5)) and "× 1.50" in found.words
    assert found.columns["matmul_gflops"] == 90.0, "the model is told of the processor whose runs it knows"
    described = {"device": "cpu", "cpu_model": "another", "matmul_gflops": 45.0}
    assert hardware.machine(runs, described).slowdown == pytest.approx((2.0, 2.0))
    assert hardware.machine(runs, {**described, "cpu_threads": 4, "matmul_gflops": 180.0}).slowdown[0] == 2.0
    for absurd in (1e-300, 1e14):
        assert hardware.machine(runs, {**described, "matmul_gflops": absurd}).slowdown == (1.0, 1.0)
    card = {"device": "cuda", "gpu_model": "another", "matmul_gflops": 50_000.0}
    for silent in ({"device": "cpu", "cpu_model": "another"}, card):
        unknown = hardware.machine(runs, silent)
        assert unknown.slowdown == (1.0, 1.0) and not unknown.in_data and unknown.typical > found.typical > 1
    assert hardware.machine([{**GENOA, "matmul_gflops": None}]).slowdown == (1.0, 1.0)


@pytest.mark.parametrize(
    ("fact", "says", "bf16"),
    [
        ("flags", "fpu avx512f avx512_bf16", True),
        ("flags", "fpu amx_bf16", True),
        ("Features", "fp asimd bf16 i8mm", True),
        ("flags", "fpu avx2 avx512f", False),
        ("bugs", "avx512_bf16", False),
    ],
)
def test_a_processor_not_in_the_data_multiplies_bfloat16_where_the_kernel_says_so(monkeypatch, fact, says, bf16):
    facts = {"model name": "another", fact: says}
    monkeypatch.setattr(this_machine, "_cpuinfo", facts.get)
    monkeypatch.setattr(this_machine, "gpu_model", lambda: None)
    assert hardware.machine([GENOA]).bf16 == bf16


@pytest.mark.parametrize(
    ("wanted", "bf16"),
    [
        ("genoa", False),
        ("7543P", True),
        ("H100", True),
        ("T4", False),
        ({"device": "cuda", "gpu_model": "Tesla V100-SXM2-16GB"}, False),
        ({"device": "cuda", "gpu_model": "NVIDIA H100 80GB HBM3"}, True),
        ({"device": "cuda", "gpu_model": "B300"}, False),
        ({"device": "cuda", "gpu_model": "Tesla K80"}, False),
        ({"device": "cpu", "cpu_model": "another"}, False),
    ],
)
def test_a_machine_elsewhere_multiplies_bfloat16_where_that_is_known(wanted, bf16):
    """Runs of somebody's own processor say nothing of what it multiplies, unless one of them was in bfloat16."""
    assert hardware.machine([GENOA, {**EPYC, "knobs": {"precision": "bf16"}}], wanted).bf16 == bf16


def test_this_machine_multiplies_bfloat16_where_the_kernel_says_so_also_if_it_is_in_the_data(processor, monkeypatch):
    processor("AMD EPYC", family="25", model="17")
    found = hardware.machine([GENOA])
    assert found.in_data and not found.bf16
    monkeypatch.setattr(this_machine, "multiplies_bf16", lambda: True)
    assert hardware.machine([GENOA]).bf16


def test_the_speed_of_a_thread_is_that_of_one_thread():
    rate = this_machine.thread_gflops()
    assert 0.5 < rate < 2000 and this_machine.thread_gflops() == rate, "timed once a process"
