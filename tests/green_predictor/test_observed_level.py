"""What a run that was observed says of the level of its task: more where nobody told the landmark."""

from __future__ import annotations

import pytest

from green_predictor import GreenPredictor, recommend
from green_predictor.link import logit
from green_predictor.source import SHIPPED_MODEL
from green_predictor.threads import on_count


@pytest.fixture(scope="module")
def predictor():
    return GreenPredictor.load(SHIPPED_MODEL)


def test_a_run_says_more_of_a_task_whose_landmark_nobody_told(predictor):
    """Of how far the run is off, that much of the level of the task follows it: what is said of an architecture that
    did not run."""
    run = next(r for r in predictor.domains_["cv"].runs if r.get("landmark_quality") and not r.get("knobs"))
    seen = {name: value for name, value in run.items() if value is not None}
    seen |= {"domain": "cv", "dataset": "mine", "quality": 0.3, "quality_validation": 0.3, "status": "completed"}
    task = {"name": "mine", "n_train": run["n_train"]}
    untold = {name: value for name, value in seen.items() if name != "landmark_quality"}
    recipe = {name: run[name] for name in ("epochs", "batch_size", "learning_rate")}
    recipe["model"] = next(r["model"] for r in predictor.domains_["cv"].runs if r["model"] != run["model"])

    def level(observed, **more):
        asked = [{"domain": "cv", "dataset": "mine", **recipe}]
        return recommend(domain="cv", dataset={**task, **more}, candidates=asked, observed=observed).best.quality

    landmark = {"landmark_quality": run["landmark_quality"]}
    before, after, target = (float(logit(q)) for q in (level(None), level([untold]), 0.3))
    untold_share = (before - after) / (before - target)
    before, after = (float(logit(q)) for q in (level(None, **landmark), level([seen], **landmark)))
    assert 0 < (before - after) / (before - target) < 0.8 * untold_share < 0.8


def test_an_observed_run_is_not_completed_by_what_is_asked_about():
    """Its architecture and knobs once were those of the first recipe asked about, wherever it did not say its own."""
    run = {"model": "resnet-tiny", "epochs": 5, "batch_size": 32, "learning_rate": 1e-3, "quality": 0.97,
           "energy_kwh": 1e-6, "duration_s": 5.0}  # fmt: skip
    asked = {"model": "mlp", "epochs": 7, "batch_size": 128, "learning_rate": 4e-3, "knobs": {"schedule": "linear"}}
    answer = recommend(domain="cv", dataset="digits", observed=[run], candidates=[asked], hardware="Genoa")
    told = on_count(answer.machine.told, answer.best.recipe.knobs.get("cpu_threads"))
    record = {**told, **answer.best.recipe.model_dump()}
    said = GreenPredictor.load(SHIPPED_MODEL).predict([record], observed=[{"dataset": "digits", **run}])
    assert said["quality"][0] == pytest.approx(answer.best.quality, abs=2e-3)
