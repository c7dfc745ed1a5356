"""NVIDIA cards through the real pynvml: on a stand-in library everywhere, on real cards where there are some."""

from __future__ import annotations

import os
import threading
import time

import pytest
from nvml_library import NOT_SUPPORTED, NvmlLibrary, TracedCard

from collectors.metering import EnergyMeter, hardware
from collectors.metering.discover import Surroundings
from collectors.metering.gpu_select import Card
from collectors.metering.sources.nvml import NvmlCard
from ecotaskset.errors import UsageError


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _around(nvml, tmp_path, **environ) -> Surroundings:
    return Surroundings(powercap=str(tmp_path / "none"), environ=environ, nvml=nvml)


def _card(nvml, traced: TracedCard, clock: Clock) -> NvmlCard:
    return NvmlCard(nvml, Card(nvml.nvmlDeviceGetHandleByIndex(0), traced.uuid, traced.name), clock())


def test_the_counter_s_difference_is_the_energy_and_no_thread_runs(nvml_on):
    clock = Clock()
    traced = TracedCard("GPU-a", watts=lambda t: 100 + 400 * (t > 5), clock=clock)
    nvml = nvml_on(NvmlLibrary([traced]))
    card, threads = _card(nvml, traced, clock), threading.active_count()
    clock.now_s = 4.0
    assert card.read(4.0, 0.0) == pytest.approx(400, rel=0.001)
    clock.now_s = 20.05
    assert card.read(20.05, 0.0) == pytest.approx(500 + 15 * 500, rel=0.002)
    assert (card.name, card.doubt) == ("nvml_counter", None)
    assert threading.active_count() == threads


def test_a_counter_that_contradicts_power_is_not_believed_and_power_is_polled(nvml_on):
    clock = Clock()
    traced = TracedCard("GPU-a", counter_factor=10.0, clock=clock)
    nvml = nvml_on(NvmlLibrary([traced]))
    card = _card(nvml, traced, clock)
    clock.now_s = 1.0
    assert card.read(1.0, 0.0) == pytest.approx(300, rel=0.01)
    assert card.name == "nvml_poll" and "not believed" in card.doubt
    card.close()


def test_a_counter_that_stands_still_is_not_believed(nvml_on):
    clock = Clock()
    traced = TracedCard("GPU-a", counter_factor=0.0, clock=clock)
    card = _card(nvml_on(NvmlLibrary([traced])), traced, clock)
    clock.now_s = 2.0
    assert card.read(2.0, 0.0) == pytest.approx(600, rel=0.01)
    assert card.name == "nvml_poll"
    card.close()


@pytest.mark.parametrize("factor", [0.0, 30.0])
def test_what_was_told_before_a_counter_was_found_wrong_is_not_taken_back(nvml_on, factor):
    clock = Clock()
    traced = TracedCard("GPU-a", counter_factor=factor, clock=clock)
    card = _card(nvml_on(NvmlLibrary([traced])), traced, clock)
    told = [0.0]
    for now_s in (0.1, 0.3, 0.45, 0.6):
        clock.now_s = now_s
        told.append(card.read(now_s, 0.0))
    assert told == pytest.approx([0.0, 30.0, 90.0, 135.0, 180.0], abs=0.5)  # the last one may hold a moment of polling
    assert card.name == "nvml_poll" and "not believed" in card.doubt
    card.close()


def test_energy_never_falls_where_counter_and_power_disagree_a_little(nvml_on):
    clock = Clock()
    traced = TracedCard("GPU-a", watts=lambda t: 400.0 if t < 0.05 else 250.0, clock=clock)
    card = _card(nvml_on(NvmlLibrary([traced])), traced, clock)
    told = []
    for now_s in (0.2, 0.4, 0.55, 0.7, 2.0, 10.0):
        clock.now_s = now_s
        told.append(card.read(now_s, 0.0))
    assert told == sorted(told) and card.name == "nvml_counter"
    assert told[-1] == pytest.approx(traced.true_joules(10.0), rel=1e-3)  # the counter's figure, in the end


def test_a_reset_is_noticed_and_never_lowers_the_energy(nvml_on):
    clock = Clock()
    traced = TracedCard("GPU-a", reset_at_s=3.0, clock=clock)
    card = _card(nvml_on(NvmlLibrary([traced])), traced, clock)
    seen = []
    for now_s in (1.0, 2.0, 3.5, 5.0):
        clock.now_s = now_s
        seen.append(card.read(now_s, 0.0))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(300 * (2.0 + 1.5), rel=0.01)
    assert "reset" in card.doubt


@pytest.mark.parametrize("counter", ["none", "denied"])
def test_without_a_counter_power_is_integrated_by_one_thread_that_ends(nvml_on, tmp_path, counter):
    traced = TracedCard("GPU-a", counter=counter, watts=lambda t: 100 + 100 * t)
    nvml = nvml_on(NvmlLibrary([traced]))
    before = threading.active_count()
    with EnergyMeter(around=_around(nvml, tmp_path)) as meter, meter.window("training"):
        begin_s = traced.age_s()
        assert threading.active_count() == before + 1
        time.sleep(0.4)
        end_s = traced.age_s()
    assert threading.active_count() == before
    gpu = meter.report().windows["training"].components["gpu"]
    expected = 100 * (end_s - begin_s) + 50 * (end_s**2 - begin_s**2)
    assert (gpu.source, gpu.quality) == ("nvml_poll", "measured")
    assert gpu.energy_kwh * 3.6e6 == pytest.approx(expected, rel=0.03)
    assert "no energy counter" in gpu.constants["why_polled"]


def test_neither_counter_nor_power_is_missing_with_a_reason(nvml_on, tmp_path):
    traced = TracedCard("GPU-a", counter="none", power_status=NOT_SUPPORTED)
    with EnergyMeter(around=_around(nvml_on(NvmlLibrary([traced])), tmp_path)) as meter:
        pass
    report = meter.report()
    assert report.components["gpu"].energy_kwh is None and "nor can power" in report.components["gpu"].reason
    assert not report.complete


def test_a_card_lost_midway_keeps_the_windows_before(nvml_on, tmp_path):
    traced = TracedCard("GPU-a")
    with EnergyMeter(around=_around(nvml_on(NvmlLibrary([traced])), tmp_path)) as meter:
        with meter.window("before"):
            time.sleep(0.25)
        traced.counter = "lost"
        with meter.window("after"):
            pass
    windows = meter.report().windows
    assert windows["before"].components["gpu"].energy_kwh > 0
    assert windows["after"].components["gpu"].energy_kwh is None


def test_a_short_window_of_a_stepping_counter_is_low_confidence(nvml_on, tmp_path):
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a")]))
    with EnergyMeter(around=_around(nvml, tmp_path)) as meter, meter.window("short"):
        time.sleep(0.3)
    gpu = meter.report().windows["short"].components["gpu"]
    assert gpu.low_confidence and gpu.interval[0] < gpu.energy_kwh < gpu.interval[1]


def _two(nvml_on):
    cards = [TracedCard("GPU-aaaa", watts=lambda t: 100.0), TracedCard("GPU-bbbb", watts=lambda t: 200.0)]
    mig = TracedCard("MIG-1111", parent=cards[1], slices=3)
    library = NvmlLibrary(cards, slices=[mig])
    return nvml_on(library), library


@pytest.mark.parametrize(
    ("environ", "devices", "metered"),
    [
        ({}, "auto", {"GPU-aaaa", "GPU-bbbb"}),
        ({"CUDA_VISIBLE_DEVICES": "1"}, "auto", {"GPU-bbbb"}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-bb"}, [0], {"GPU-bbbb"}),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, [1], {"GPU-aaaa"}),
        ({"CUDA_VISIBLE_DEVICES": "0,9,1"}, "auto", {"GPU-aaaa"}),
        ({"CUDA_VISIBLE_DEVICES": ""}, "auto", set()),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, "auto", set()),
        ({}, ["GPU-bbbb"], {"GPU-bbbb"}),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}, "auto", {"GPU-bbbb"}),
    ],
)
def test_the_right_cards_are_metered(nvml_on, tmp_path, environ, devices, metered):
    nvml, library = _two(nvml_on)
    with EnergyMeter(devices=devices, around=_around(nvml, tmp_path, **environ)) as meter:
        time.sleep(0.12)
    gpu = meter.report().components["gpu"]
    assert set(gpu.domains) == metered
    assert metered or (gpu.energy_kwh is None and "visible" in gpu.reason)
    assert library.open == 0


def test_a_mig_slice_reports_its_card_and_says_so(nvml_on, tmp_path):
    nvml, _ = _two(nvml_on)
    with EnergyMeter(around=_around(nvml, tmp_path, CUDA_VISIBLE_DEVICES="MIG-1111")) as meter:
        time.sleep(0.12)
    gpu = meter.report().components["gpu"]
    assert set(gpu.domains) == {"GPU-bbbb"} and gpu.low_confidence
    assert gpu.constants["shared_device"] and gpu.constants["slice_share"] == pytest.approx(3 / 7, abs=1e-3)


def test_an_empty_list_of_visible_devices_hides_the_only_card_too(nvml_on, tmp_path):
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a")]))
    with EnergyMeter(around=_around(nvml, tmp_path, CUDA_VISIBLE_DEVICES="")) as meter:
        pass
    gpu = meter.report().components["gpu"]
    assert gpu.energy_kwh is None and "visible" in gpu.reason
    assert hardware(_around(nvml, tmp_path, CUDA_VISIBLE_DEVICES=""))["gpu_count"] == 0
    assert hardware(_around(nvml, tmp_path, CUDA_VISIBLE_DEVICES="0,,"))["gpu_count"] == 1


def test_a_device_that_is_no_nvidia_card_is_refused_not_taken_for_the_first(nvml_on, tmp_path):
    torch = pytest.importorskip("torch")
    nvml, _ = _two(nvml_on)
    for device in (torch.device("cpu"), torch.device("mps", 0), ""):
        with pytest.raises(UsageError, match=f"no visible GPU '{device}'"):
            EnergyMeter(devices=[device], around=_around(nvml, tmp_path)).start()
    with EnergyMeter(devices=torch.device("cuda", 1), around=_around(nvml, tmp_path)) as meter:
        pass
    assert meter.report().cards == ("GPU-bbbb",)


def test_a_report_names_the_cards_it_metered_also_a_lost_one(nvml_on, tmp_path):
    traced = TracedCard("GPU-bbbb")
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-aaaa"), traced]))
    with EnergyMeter(devices=[1], around=_around(nvml, tmp_path)) as meter:
        traced.counter = "lost"
    assert meter.report().cards == ("GPU-bbbb",)


def test_a_card_that_is_not_visible_is_refused_by_name(nvml_on, tmp_path):
    nvml, _ = _two(nvml_on)
    with pytest.raises(UsageError, match="no visible GPU '7'"):
        EnergyMeter(devices=[7], around=_around(nvml, tmp_path)).start()


def test_foreign_processes_on_the_card_mark_the_run_contended(nvml_on, tmp_path):
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a", pids=[os.getpid(), 1])]))
    with EnergyMeter(around=_around(nvml, tmp_path)) as meter:
        pass
    report = meter.report()
    assert report.foreign_gpu_processes == 1 and report.contended
    assert report.conditions["start"]["gpus"][0]["power_limit_w"] == 700


def test_processes_of_another_namespace_are_not_called_foreign(nvml_on, tmp_path):
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a", pids=[4_000_000])]))
    with EnergyMeter(around=_around(nvml, tmp_path)) as meter:
        pass
    assert meter.report().foreign_gpu_processes is None


def test_hardware_names_the_card(nvml_on, tmp_path):
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a"), TracedCard("GPU-b")]))
    seen = hardware(_around(nvml, tmp_path))
    assert (seen["gpu_model"], seen["gpu_count"], seen["gpu_memory_gb"]) == ("NVIDIA H100 80GB HBM3", 2, 80.0)
    assert seen["gpu_tdp_w"] == 700


@pytest.fixture
def real_card():
    pynvml = pytest.importorskip("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        pytest.skip(f"no NVIDIA GPU here: {error}")
    yield pynvml
    pynvml.nvmlShutdown()


@pytest.mark.gpu
def test_a_real_card_idles_within_its_limits(real_card):
    with EnergyMeter() as meter, meter.window("idle"):
        time.sleep(5)
    gpu = meter.report().windows["idle"].components["gpu"]
    assert gpu.quality == "measured"
    assert 1 < gpu.energy_kwh * 3.6e6 / 5 / len(gpu.domains) < 1000
    assert not meter.report().components["gpu"].low_confidence


@pytest.mark.gpu
def test_a_real_card_s_counter_agrees_with_its_power_under_load(real_card):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch has no CUDA here")
    a = torch.randn(4096, 4096, device="cuda")
    powers = []
    with EnergyMeter(devices=[0]) as meter:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            a @ a
            torch.cuda.synchronize()
        with meter.window("busy"):
            end = time.monotonic() + 8
            while time.monotonic() < end:
                a @ a
                torch.cuda.synchronize()
                powers.append(real_card.nvmlDeviceGetPowerUsage(real_card.nvmlDeviceGetHandleByIndex(0)) / 1e3)
    busy = meter.report().windows["busy"]
    assert busy.components["gpu"].energy_kwh * 3.6e6 / busy.duration_s == pytest.approx(
        sum(powers) / len(powers), rel=0.1
    )
