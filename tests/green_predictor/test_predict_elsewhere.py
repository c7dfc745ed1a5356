"""`predict` for a record that names a machine which no run is of: scaled where its rate is told, and wider."""

from __future__ import annotations

import numpy as np
import pytest

from green_predictor import GreenPredictor
from green_predictor.link import logit
from green_predictor.source import SHIPPED_MODEL

GENOA = "AMD EPYC (Genoa, family 25 model 17)"
RECIPE = {"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def predictor():
    return GreenPredictor.load(SHIPPED_MODEL)


def test_an_unknown_processor_has_wider_costs_and_the_same_quality(predictor):
    said = predictor.predict([{**RECIPE, "device": "cpu", "cpu_model": name} for name in (GENOA, "AMD EPYC 7543")])
    known, strange = (said.loc[i] for i in (0, 1))
    assert strange["quality"] == pytest.approx(known["quality"], abs=0.01)

    def width(row):
        return np.log(row["energy_high_kwh"] / row["energy_low_kwh"])

    assert width(strange) > width(known) + 0.3


def test_an_unknown_processor_is_as_much_slower_as_its_matrix_products(predictor):
    rate = np.median([r["matmul_gflops"] / r["cpu_threads"] for r in predictor.domains_["cv"].runs
                      if r.get("cpu_model") == GENOA and r.get("matmul_gflops")])  # fmt: skip
    here = {**RECIPE, "device": "cpu", "cpu_model": "AMD EPYC 7543", "cpu_threads": 1}
    plain, scaled = predictor.predict([here]), predictor.predict([{**here, "matmul_gflops": rate / 2}])
    for name in ("energy_kwh", "duration_s"):
        assert scaled[name][0] / plain[name][0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_a_quality_is_less_sure_where_nobody_told_what_a_simple_model_reaches(predictor, domain):
    run = next(r for r in predictor.domains_[domain].runs if r.get("landmark_quality"))
    task = {name: run[name] for name in ("n_train", "n_validation", "landmark_quality") if run.get(name)}
    recipe = {name: run[name] for name in ("model", "epochs", "batch_size", "learning_rate")}
    told = {**recipe, **task, "domain": domain, "dataset": "mine", "device": "cpu", "cpu_model": GENOA}
    untold = {name: value for name, value in told.items() if name != "landmark_quality"}
    sure, unsure = (predictor.predict([record]).iloc[0] for record in (told, untold))

    def width(row):
        return np.diff(logit([row["quality_low"], row["quality_high"]]))[0]

    assert width(unsure) > width(sure) + 0.2
    assert unsure["energy_high_kwh"] / unsure["energy_kwh"] < 1.5 * sure["energy_high_kwh"] / sure["energy_kwh"]
