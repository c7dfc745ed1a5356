"""What is recommended is near what somebody did, and no better than anybody has seen."""

from __future__ import annotations

import numpy as np
import pytest

from ecotaskset.load import load_runs
from green_predictor import recommend
from green_predictor.nearby import near_a_run
from green_predictor.recommender import model_of
from green_predictor.rows import recipe_rows

RUN = {"model": "mlp", "learning_rate": 1e-3, "epochs": 4, "batch_size": 32, "knobs": {"schedule": "cosine"}}


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({}, True),
        ({"learning_rate": 4e-3}, True),
        ({"learning_rate": 4.1e-3}, False),
        ({"epochs": 8}, True),
        ({"epochs": 8, "learning_rate": 2e-3}, False),
        ({"knobs": {}}, True),
        ({"knobs": {"schedule": "linear", "data_fraction": 0.5}}, False),
        ({"knobs": {"schedule": "cosine", "lora": 4}}, False),
        ({"model": "vit-tiny"}, False),
    ],
)
def test_a_step_away_at_most(change, near):
    rows = recipe_rows([{**RUN, **change}], [(0, 4)])
    assert near_a_run(rows, [RUN]).tolist() == [near]


@pytest.mark.parametrize("domain", ["cv", "nlp", "recsys"])
def test_every_pick_on_every_known_task_is_near_a_run_and_within_what_was_ever_reached(domain):
    table = load_runs(domain)
    runs = model_of(domain).runs
    best_anywhere = max(q for q in table["quality_validation"].to_pylist() if q is not None)
    for dataset in sorted(set(table["dataset"].to_pylist())):
        answer = recommend(domain=domain, dataset=dataset, max_quality_loss=0.02)
        fields = answer.best.recipe.model_dump()
        assert near_a_run(recipe_rows([fields], [(0, fields["epochs"])]), runs).all(), answer.command
        assert answer.best.quality <= 0.5 * (1 + best_anywhere)
        assert np.isfinite(answer.best.energy_kwh)
