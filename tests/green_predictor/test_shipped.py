"""The model that ships with the package belongs to the snapshot that ships with it, and is small and quick."""

from __future__ import annotations

import time

import numpy as np
import pytest

from green_predictor import calibration, considered, domain_model, recommend, source, storage, targets
from green_predictor.considered import MOST_KEPT_ROWS
from green_predictor.link import logit

REFIT = "the snapshot or the predictor changed: run `green-predictor fit` and commit green_predictor/model"


def test_the_shipped_model_is_of_the_shipped_snapshot_and_of_this_code():
    facts = storage.read_facts(source.SHIPPED_MODEL)
    assert facts["snapshot"] == source.snapshot_stamp(), REFIT
    domains, _ = storage.load(source.SHIPPED_MODEL)
    assert set(domains) == {r["domain"] for r in source.records()}, REFIT


def test_the_shipped_model_is_small():
    size = sum((source.SHIPPED_MODEL / name).stat().st_size for name in (storage.JSON_NAME, storage.ARRAYS_NAME))
    assert size <= 5_000_000


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_what_is_unexplained_of_a_run_is_of_that_very_run(domain):
    """It is kept beside the runs: in another order it would move the choice at random."""
    model = storage.load(source.SHIPPED_MODEL)[0][domain]
    base = domain_model.base_predict(model, model.near)
    for dataset, known in model.correction.items():
        mine = np.array([run["dataset"] == dataset for run in model.runs])
        base[mine] += calibration.apply_correction(known, model.near[mine])
    landmarks = [run.get("landmark_quality") for run in model.runs]
    task = np.array([model.reference.landmark_logit if q is None else float(logit(q)) for q in landmarks])
    reached = logit(np.array([run["quality"] for run in model.runs])) - task
    left = reached - base[:, targets.QUALITY] - model.unexplained
    assert np.median(np.abs(left)) < 0.01 * np.std(model.unexplained), "features are kept in halves of a float"


def test_answers_grow_at_most_linearly_with_the_candidates():
    def seconds(count: int) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            made = recommend(domain="cv", dataset="digits", prefer=0.7, candidates=count)
            times.append(time.perf_counter() - start)
            assert made.n_candidates == count
        return min(times)

    seconds(1_000)
    least, most = 2 * MOST_KEPT_ROWS, 20 * MOST_KEPT_ROWS  # designs so large are made anew each time
    assert seconds(most) < 13 * seconds(least)


def test_the_same_task_with_another_wish_is_answered_from_what_was_considered_before():
    asked = {"domain": "cv", "dataset": "digits-parity"}
    first = recommend(**asked, prefer=0.2)
    made, considered.candidates_.design = considered.candidates_.design, None  # nothing is designed a second time
    try:
        second = recommend(**asked, prefer=0.9)
    finally:
        considered.candidates_.design = made
    assert second.rows is first.rows and second.best.energy_kwh <= first.best.energy_kwh
    third = recommend(**asked, prefer=0.2, hardware={"cpu_threads": 1})
    assert third.rows is not first.rows, "another machine is another question"
