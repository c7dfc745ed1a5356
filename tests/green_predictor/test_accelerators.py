"""What is said of an accelerator that no run was made on follows from its data sheet and what the runs taught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import UsageError
from green_predictor import GreenPredictor, hardware, recommend, this_machine
from green_predictor.accelerators import ACCELERATORS, LOADED, WAITING, Accelerator, listed_in, more
from green_predictor.physics import PRICES
from green_predictor.rows import recipe_rows

HOST_WATTS = 6.0
SMALL = {"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
RUN = {**SMALL, "n_train": 1_000, "n_validation": 100, "n_parameters": 1e4, "n_trainable_parameters": 1e4,
       "n_linear_layers": 3}  # fmt: skip


def factors(flops: float, there: Accelerator, **changed: object) -> np.ndarray:
    """By how much more energy and time a run of so many operations an example takes there."""
    rows = recipe_rows([{**RUN, "flops_per_sample": flops, **changed}], [(0, 4.0)])
    return np.exp(more(rows, PRICES, there))[0]


card = st.builds(Accelerator, st.floats(2, 1e4), st.floats(20, 1000), st.just(HOST_WATTS))
work = st.floats(1e2, 1e12)


@given(work, card)
def test_time_and_power_stay_between_waiting_and_computing(flops, there):
    energy, time = factors(flops, there)
    assert 1 / there.faster <= time * (1 + 1e-9) and time <= 1 + 1e-9
    watts = HOST_WATTS * energy / time
    least, most = (HOST_WATTS + share * there.watts for share in (WAITING, LOADED))
    assert least * (1 - 1e-9) <= watts <= most * (1 + 1e-9)


@given(work, st.floats(1.01, 100), card)
def test_the_more_there_is_to_compute_the_more_of_the_time_an_accelerator_saves(flops, times, there):
    assert factors(times * flops, there)[1] <= factors(flops, there)[1] * (1 + 1e-9)


@given(work, card, st.floats(1, 100))
def test_a_faster_one_never_takes_longer_and_a_hungrier_one_never_less(flops, there, times):
    assert factors(flops, replace(there, faster=times * there.faster))[1] <= factors(flops, there)[1] * (1 + 1e-9)
    assert factors(flops, replace(there, watts=times * there.watts))[0] >= factors(flops, there)[0] * (1 - 1e-9)


def test_launching_small_layers_costs_the_same_time_and_more_energy():
    """Once a training of a second was said to need a tenth of a mWh on any card, also on one of 700 W."""
    energy, time = factors(1e3, Accelerator(500.0, 700.0, HOST_WATTS))
    assert time > 0.9 and energy > 10
    energy, time = factors(1e12, Accelerator(500.0, 700.0, HOST_WATTS))
    assert time < 1 / 100 and energy < 1, "what computes all the time is done sooner, and for less"


def test_cards_differ_and_big_batches_pay_on_them():
    asked = {"domain": "cv", "dataset": "digits", "max_quality_loss": 0.02}
    small, large = (recommend(**asked, hardware=name) for name in ("T4", "H100"))
    same = [{**{k: v for k, v in SMALL.items() if k not in ("domain", "dataset")}, "batch_size": b} for b in (16, 128)]
    on = {name: recommend(**asked, candidates=same[:1], hardware=name).best for name in ("T4", "H100", "Genoa")}
    assert on["Genoa"].energy_kwh < on["T4"].energy_kwh < on["H100"].energy_kwh, "an mlp on digits keeps none busy"
    assert on["H100"].quality == pytest.approx(on["Genoa"].quality, abs=0.01), "quality does not hang on the machine"
    assert on["H100"].duration_s <= on["T4"].duration_s <= on["Genoa"].duration_s
    few, many = (recommend(**asked, candidates=[one], hardware="H100").best.energy_kwh for one in same)
    assert few > 3 * many
    for made in (small, large):
        assert made.support.level == "thin" and "no run in the data was made on an accelerator" in made.support.sentence
        assert made.best.energy_high_kwh / made.best.energy_kwh > 4, "a data sheet alone is no measurement"
        assert made.curve().prediction.energy_kwh[-1] == pytest.approx(made.best.energy_kwh, rel=1e-4)


def test_a_run_made_there_settles_what_it_costs():
    asked = {"domain": "cv", "dataset": "digits", "hardware": "H100"}
    recipe = {k: v for k, v in SMALL.items() if k not in ("domain", "dataset")}
    said = recommend(**asked, candidates=[recipe]).best
    ran = {**recipe, "quality": said.quality, "energy_kwh": 3 * said.energy_kwh, "duration_s": 3 * said.duration_s}
    after = recommend(**asked, candidates=[recipe], observed=[{**ran, "gpu_model": "H100"}])
    assert after.best.energy_kwh == pytest.approx(3 * said.energy_kwh, rel=0.35)
    assert after.best.duration_s == pytest.approx(3 * said.duration_s, rel=0.35)
    elsewhere = recommend(**asked, candidates=[recipe], observed=[{**ran, "cpu_model": "AMD EPYC (Genoa)"}])
    (unsure, sure) = (made.best.energy_high_kwh / made.best.energy_kwh for made in (elsewhere, after))
    assert unsure > 4 > 3 > sure, "a run on a processor says little of the card"


def test_predict_says_of_a_record_what_recommend_says_of_a_recipe():
    model = GreenPredictor.from_pretrained("green_predictor/model")
    recipe = {k: v for k, v in SMALL.items() if k not in ("domain", "dataset")}
    pick = recommend(domain="cv", dataset="digits", data=model, candidates=[recipe], hardware="H100").best
    sheet = hardware.machine(model.domains_["cv"].runs, "H100").columns
    row = model.predict([{**SMALL, **sheet}]).iloc[0]
    assert row.energy_kwh == pytest.approx(pick.energy_kwh, rel=1e-3)
    assert row.duration_s == pytest.approx(pick.duration_s, rel=1e-3)
    assert row.energy_high_kwh == pytest.approx(pick.energy_high_kwh, rel=1e-3)


def test_two_cards_compute_twice_as_fast_and_draw_twice_as_much():
    one, two = ({"gpu_model": "H100", "gpu_count": count} for count in (1, 2))
    asked = {"domain": "nlp", "dataset": "movie_reviews"}
    single, double = (recommend(**asked, hardware=h).machine.accelerator for h in (one, two))
    assert (double.faster, double.watts) == pytest.approx((2 * single.faster, 2 * single.watts))


def test_a_card_nobody_lists_is_taken_as_described(monkeypatch):
    asked = {"domain": "cv", "dataset": "digits"}
    told = {"gpu_model": "B300", "matmul_gflops": 60_000.0, "gpu_tdp_w": 1_000.0}
    assert recommend(**asked, hardware=told).machine.accelerator.watts == 1_000
    silent = recommend(**asked, hardware={"gpu_model": "B300"}).machine
    assert silent.accelerator is not None and silent.typical == hardware.UNLISTED and "middling" in silent.basis
    mac = recommend(**asked, hardware={"device": "mps"})
    assert mac.machine.accelerator is None and mac.support.level == "thin", "of other devices less is known"
    monkeypatch.setattr(this_machine, "gpu_model", lambda: "NVIDIA H100 80GB HBM3")
    here = recommend(**asked)
    assert here.machine.accelerator is not None and here.hardware["gpu_model"] == "H100"


@pytest.mark.parametrize(
    "told",
    [
        "NVIDIA H100 80GB HBM3",
        "h100",
        {"gpu_model": "NVIDIA H100 80GB HBM3"},
        {"gpu_model": "H100", "matmul_gflops": None, "gpu_tdp_w": None, "gpu_count": None},
    ],
)
def test_a_card_is_the_same_however_it_is_called(told):
    """What drivers call it, and what runs record, once had the figures of a processor."""
    named, other = (recommend(domain="cv", dataset="digits", hardware=h) for h in ("H100", told))
    assert other.machine.accelerator == named.machine.accelerator and other.support.level == "thin"
    assert other.best.energy_kwh == named.best.energy_kwh and other.hardware["gpu_model"] in str(told).upper()


@pytest.mark.parametrize("count", [0, -1, 2.5, True, 10**6])
def test_a_number_of_cards_is_a_number_of_cards(count):
    with pytest.raises(UsageError, match="not a number of accelerators"):
        recommend(domain="cv", dataset="digits", hardware={"gpu_model": "H100", "gpu_count": count})


def test_predictions_do_not_hang_on_what_else_is_asked():
    model = GreenPredictor.from_pretrained("green_predictor/model")
    asked = [{**SMALL, "gpu_model": "H100", "gpu_count": n} for n in (1, 8)]
    asked += [{**SMALL, "gpu_model": "new", "matmul_gflops": 2e4}]
    alone = [float(model.predict([one]).energy_kwh.iloc[0]) for one in asked]
    for order in ([0, 1, 2], [2, 1, 0]):
        together = model.predict([asked[i] for i in order]).energy_kwh.to_numpy()
        assert together == pytest.approx([alone[i] for i in order], rel=1e-5)
    assert alone[1] > 4 * alone[0], "eight cards wait for one small network"


def test_runs_on_other_cards_say_nothing_of_what_it_costs_here():
    recipe = {k: v for k, v in SMALL.items() if k not in ("domain", "dataset")}
    ran = {**recipe, "quality": 0.6, "energy_kwh": 3e-5, "duration_s": 0.7}

    def said(hardware, **on):
        observed = [{**ran, **on}] if on else None
        return recommend(domain="cv", dataset="digits", candidates=[recipe], hardware=hardware, observed=observed)

    for here, elsewhere in (
        ("Genoa", {"gpu_model": "H100"}),
        ("T4", {"gpu_model": "H100"}),
        ("RTX 3070", {"gpu_model": "NVIDIA GeForce RTX 3070 Ti"}),
        ({"gpu_model": "H100", "gpu_count": 8}, {"gpu_model": "NVIDIA H100 80GB HBM3", "gpu_count": 1}),
    ):
        before, after = said(here), said(here, **elsewhere)
        assert after.best.energy_kwh == pytest.approx(before.best.energy_kwh, rel=1e-3), here
        assert after.best.quality < before.best.quality, "how good it was holds anywhere"
        assert after.machine.typical == before.machine.typical
    own = said("H100", gpu_model="NVIDIA H100 80GB HBM3", gpu_count=1)
    assert own.machine.runs == 1 and own.machine.typical == hardware.TRIED_CARD


def test_where_runs_were_made_on_accelerators_they_say_it():
    runs = [dict(r) for r in recommend(domain="cv", dataset="digits").model.runs[:5]]
    assert hardware.machine(runs, "H100").accelerator is not None
    card_run = {**runs[0], "device": "cuda", "gpu_model": "A100", "gpu_count": 1}
    assert hardware.machine([*runs, card_run], "H100").accelerator is None


@pytest.mark.parametrize(
    ("driver", "card"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("Tesla V100-SXM2-16GB", "V100"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA GeForce RTX 3080 Ti", None),
        ("NVIDIA GeForce RTX 2080 Ti", "RTX 2080 Ti"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada"),
        ("Quadro RTX 6000", "Quadro RTX 6000"),
        ("NVIDIA L40S", "L40S"),
        ("GeForce 256", None),
    ],
)
def test_a_card_is_known_by_what_its_driver_calls_it(driver, card):
    assert listed_in(driver) == card


def test_every_data_sheet_is_complete():
    assert all(tflops > 0 and watts > 0 and memory > 0 for tflops, watts, memory in ACCELERATORS.values())
