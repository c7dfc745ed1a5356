"""What a report of the meter becomes in a run: nothing partial, nothing of cards the run did not use."""

from __future__ import annotations

import pytest

from collectors.metering import EnergyReport, WindowEnergy, aggregate
from collectors.metering.energy import ComponentEnergy, missing
from collectors.outcome import make_run
from collectors.train import Progress
from ecotaskset.checks import check_runs
from ecotaskset.recipe import Recipe
from ecotaskset.run import CURVES, Run

RECIPE = Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=2, batch_size=32, learning_rate=1e-3)
NO_GPU = missing("no GPU in this machine", present=False)
LOST = ComponentEnergy(
    None, None, "missing", low_confidence=True, reason="its energy counter stopped answering", scope="device",
    constants={"present": True, "gpu": "NVIDIA H100"},
)  # fmt: skip


def measured(kwh: float) -> ComponentEnergy:
    return ComponentEnergy(kwh, "nvml_counter", "measured", (0.95 * kwh, 1.05 * kwh), scope="device")


def modelled(kwh: float) -> ComponentEnergy:
    return ComponentEnergy(kwh, "cpu_time_model", "modelled", (0.5 * kwh, 3 * kwh), scope="process_tree")


def report(data: ComponentEnergy, training: ComponentEnergy, whole: ComponentEnergy, **more) -> EnergyReport:
    """Of a run whose processor took 1 mWh to prepare data and 2 mWh to train; the GPU as given."""
    windows = {
        "data": WindowEnergy("data", 1.0, {"gpu": data, "cpu": modelled(1e-6)}),
        "training": WindowEnergy("training", 9.0, {"gpu": training, "cpu": modelled(2e-6)}),
    }
    return EnergyReport(10.0, {"gpu": whole, "cpu": modelled(3e-6)}, windows, **more)


def run_of(report: EnergyReport, device: str = "cuda", curve: tuple[float, ...] = ()) -> Run:
    progress = Progress(curves={name: [None] * len(curve) for name in CURVES} | {"curve_energy_kwh": list(curve)})
    return make_run(RECIPE, progress, report, device=device, n_processes=1)


def test_a_counter_lost_in_training_leaves_no_energy_of_the_phases_before():
    run = run_of(report(measured(5e-6), LOST, LOST), curve=(9e-6, 3e-6))
    assert (run.gpu_energy_kwh, run.gpu_energy_source, run.gpu_energy_quality) == (None, None, "missing")
    assert "stopped answering" in run.gpu_energy_method and "low_confidence" in run.flags
    assert (run.data_energy_kwh, run.training_energy_kwh) == pytest.approx((1e-6, 2e-6))
    assert (run.energy_kwh, run.energy_low_kwh, run.energy_high_kwh) == pytest.approx((3e-6, 1.5e-6, 9e-6))
    assert run.energy_measured_kwh is None and run.curve_energy_kwh == [None, None]
    assert not {"P102", "P103", "P109", "V402"} & set(check_runs([run]).codes)


def test_a_counter_lost_after_the_bill_keeps_its_energy_and_its_source():
    run = run_of(report(measured(5e-6), measured(6e-6), LOST), curve=(9e-6, 14e-6))
    assert (run.gpu_energy_source, run.gpu_energy_quality) == ("nvml_counter", "measured")
    assert (run.gpu_energy_kwh, run.energy_measured_kwh) == pytest.approx((11e-6, 11e-6))
    assert run.curve_energy_kwh == [9e-6, 14e-6] and "V402" not in check_runs([run]).codes


def test_inference_without_the_lost_component_is_not_known_either():
    progress = Progress(columns={"inference_kwh_per_1000": -2e-6})  # what was left of it, less what it was before
    lost = report(measured(5e-6), measured(6e-6), LOST)
    assert make_run(RECIPE, progress, lost, device="cuda", n_processes=1).inference_kwh_per_1000 is None


def test_a_training_that_took_no_time_spent_an_unknown_energy_not_none():
    nothing = EnergyReport(0.0, {}, {"training": WindowEnergy("training", 0.0, {"cpu": modelled(0.0)})})
    run = run_of(nothing, "cpu")
    assert (run.energy_kwh, run.training_energy_kwh, run.duration_s) == (None, None, None)


@pytest.mark.parametrize(
    ("cards", "device", "count"),
    [(("GPU-c",), "cuda", 1), (("GPU-a", "GPU-b"), "cuda", 2), ((), "cpu", 0), ((), "cuda", None)],
)
def test_the_accelerators_of_a_run_are_the_cards_that_were_metered(monkeypatch, cards, device, count):
    monkeypatch.setattr("collectors.outcome.hardware", lambda: {"gpu_model": "NVIDIA H100", "gpu_count": 8})
    assert run_of(report(NO_GPU, NO_GPU, NO_GPU, cards=cards), device).gpu_count == count


def test_without_any_gpu_there_are_none(monkeypatch):
    monkeypatch.setattr("collectors.outcome.hardware", lambda: {"gpu_count": 0})
    assert run_of(report(NO_GPU, NO_GPU, NO_GPU), "mps").gpu_count == 0


def test_cards_of_all_ranks_count_once():
    ranks = [
        report(measured(1e-6), measured(1e-6), measured(2e-6), cards=cards, rank={"rank": i, "node": 0})
        for i, cards in enumerate([("GPU-a",), ("GPU-b",), ("GPU-b",)])
    ]
    assert run_of(aggregate(ranks)).gpu_count == 2
