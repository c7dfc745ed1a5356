"""The model that ships with the package belongs to the snapshot that ships with it, and is small and quick."""

from __future__ import annotations

import time

from green_predictor import recommend, source, storage

REFIT = "the snapshot or the predictor changed: run `green-predictor fit` and commit green_predictor/model"


def test_the_shipped_model_is_of_the_shipped_snapshot_and_of_this_code():
    facts = storage.read_facts(source.SHIPPED_MODEL)
    assert facts["snapshot"] == source.snapshot_stamp(), REFIT
    domains, _ = storage.load(source.SHIPPED_MODEL)
    assert set(domains) == {r["domain"] for r in source.records()}, REFIT


def test_the_shipped_model_is_small():
    size = sum((source.SHIPPED_MODEL / name).stat().st_size for name in (storage.JSON_NAME, storage.ARRAYS_NAME))
    assert size <= 5_000_000


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
    assert seconds(200_000) < 25 * seconds(10_000)
