"""What a person leaves out of a record is filled in, not taken as nothing."""

from __future__ import annotations

import json

import pytest

from ecotaskset.errors import UsageError
from green_predictor import GreenPredictor, recommend
from green_predictor.evaluate import evaluate
from green_predictor.source import models_for

SHORT = {"model": "mlp", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
TASK = {"n_train": 1_500, "n_classes": 10, "image_size": 8, "landmark_quality": 0.9}


@pytest.fixture(scope="module")
def shipped():
    found = GreenPredictor()
    found.domains_, found.runs_ = models_for(), []
    return found


@pytest.mark.parametrize(
    ("domain", "dataset", "model"),
    [("cv", "fashion_mnist", "mlp"), ("nlp", "movie_reviews", "text-cnn"), ("recsys", "movielens_small", "gru4rec")],
)
def test_a_short_record_costs_what_the_recommender_says(shipped, domain, dataset, model):
    """Once it cost a thousandth: what the record did not say counted as nothing."""
    recipe = {**SHORT, "model": model}
    said = recommend(domain=domain, dataset=dataset, candidates=[recipe]).best
    found = shipped.predict([{"domain": domain, "dataset": dataset, **recipe}]).iloc[0]
    assert 0.7 < found.energy_kwh / said.energy_kwh < 1.4
    assert found.quality == pytest.approx(said.quality, abs=0.1)


def test_a_share_of_the_data_costs_a_share(shipped):
    whole = {"domain": "cv", "dataset": "fashion_mnist", **SHORT}
    part = {**whole, "knobs": {"data_fraction": 0.1}}
    kwh = shipped.predict([whole, part]).energy_kwh
    assert kwh[1] < 0.5 * kwh[0]


def test_a_new_task_must_say_how_many_examples_it_has(shipped):
    with pytest.raises(UsageError, match="no n_train"):
        shipped.predict([{"domain": "cv", "dataset": "mine", **SHORT}])
    assert shipped.predict([{"domain": "cv", "dataset": "mine", **TASK, **SHORT}]).energy_kwh[0] > 1e-8
    with pytest.raises(UsageError, match="unknown model"):
        shipped.predict([{"domain": "cv", "dataset": "digits", **SHORT, "model": "mpl"}])


SEEN = {**SHORT, "energy_kwh": 1e-6, "quality": 0.8, "duration_s": 2.0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quality": None}, "has no quality"),
        ({"quality": 90.0}, "not a quality"),
        ({"quality": -1}, "not a quality"),
        ({"energy_kwh": "2e-5"}, "not a number"),
        ({"energy_kwh": -1.0}, "not a number"),
        ({"dataset": "fashion_mnist"}, "no observed run is of 'digits'"),
        ({"device": "cuda", "gpu_energy_quality": "missing"}, "energy of the accelerator is not known"),
        ({"domain": "nlp"}, "not 'cv'"),
    ],
)
def test_an_observed_run_that_cannot_be_is_refused(change, says):
    with pytest.raises(UsageError, match=says):
        recommend(domain="cv", dataset="digits", observed=[{**SEEN, **change}])


@pytest.mark.parametrize(
    ("observed", "says"),
    [
        (["a"], "'a' is not a run"),
        ([{**SEEN, "knobs": "x"}], "no knobs"),
        ([{**SEEN, "knobs": {"precsion": "bf16"}}], "did you mean 'precision'"),
        ([{**SEEN, "learning_rate": 0}], "above 0"),
        ([{**SEEN, "batch_size": 0}], "above 0"),
        ([{**SEEN, "cpu_threads": -3}], "above 0"),
        ([{**SEEN, "cpu_threads": "two"}], "above 0"),
        ([{**SEEN, "cpu_threads": float("nan")}], "above 0"),
    ],
)
def test_what_is_no_run_is_refused_in_words(observed, says):
    with pytest.raises(UsageError, match=says):
        recommend(domain="cv", dataset="digits", observed=observed)


def test_runs_may_be_written_by_hand(tmp_path):
    runs = [SEEN, {**SEEN, "epochs": 8, "quality": 0.9}]
    as_json, as_csv, one = tmp_path / "runs.json", tmp_path / "runs.csv", tmp_path / "one.json"
    as_json.write_text(json.dumps(runs))
    one.write_text(json.dumps(SEEN))
    as_csv.write_text(",".join(SEEN) + "".join("\n" + ",".join(map(str, run.values())) for run in runs))
    plain, *others = (
        recommend(domain="cv", dataset="digits", observed=where) for where in (runs, as_json, str(as_csv))
    )
    assert all(other.to_dict() == plain.to_dict() for other in others)
    assert recommend(domain="cv", dataset="digits", observed=one).support.runs_on_task == plain.support.runs_on_task - 1
    for name, text in (("broken.json", "[{"), ("broken.csv", "a,b\n1"), ("words.json", '"run"')):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError):
            recommend(domain="cv", dataset="digits", observed=tmp_path / name)


@pytest.mark.parametrize("column", ["dataset", "model"])
def test_runs_to_learn_from_that_lack_what_is_needed_are_refused_in_words(column):
    """Once it was an unexpected KeyError."""
    whole = {**SEEN, "domain": "cv", "dataset": "mine", "n_train": 1000, "quality_last": 0.8}
    runs = [{name: value for name, value in whole.items() if name != column} for _ in range(10)]
    for learn in (lambda: recommend(domain="cv", dataset=TASK, data=runs), lambda: evaluate(runs)):
        with pytest.raises(UsageError, match=f"10 of 10 runs have no {column}"):
            learn()


def test_bytes_that_steer_a_terminal_are_not_repeated(tmp_path):
    (tmp_path / "runs.csv").write_bytes(b"a\n1,\x1b]0;mine\x07\n")
    with pytest.raises(UsageError) as refused:
        recommend(domain="cv", dataset="digits", observed=tmp_path / "runs.csv")
    assert "CSV" in str(refused.value) and "\x1b" not in str(refused.value)


def test_of_observed_runs_only_those_of_the_task_count():
    others = [{**SEEN, "dataset": "fashion_mnist", "quality": 0.1}] * 3
    with_others = recommend(
        domain="cv", dataset=TASK | {"name": "mine"}, observed=[{**SEEN, "dataset": "mine"}, *others]
    )
    alone = recommend(domain="cv", dataset=TASK | {"name": "mine"}, observed=[SEEN])
    assert with_others.best == alone.best
    assert with_others.support.runs_on_task == alone.support.runs_on_task == 1
    with pytest.raises(UsageError, match="fashion_mnist, mine") as caught:
        recommend(domain="cv", dataset=TASK, observed=[{**SEEN, "dataset": "mine"}, *others])
    assert '"name"' in str(caught.value.hint)


def test_every_observed_run_is_counted():
    seen = [{**SEEN, "learning_rate": rate} for rate in (1e-3, 2e-3, 3e-3, 4e-3)]
    assert recommend(domain="cv", dataset=TASK, observed=seen).support.runs_on_task == 4


def test_what_a_run_says_of_its_machine_is_not_mixed_with_another(monkeypatch):
    """Once a run on a processor became one on the accelerator that was asked about."""
    from green_predictor import observed
    from green_predictor.hardware import machine
    from green_predictor.recommender import model_of

    model = model_of("cv")
    target = machine(model.runs, "H200")
    task = {"dataset": "mine", **TASK}
    here = {**SEEN, "device": "cpu", "cpu_model": "mine"}
    found = observed.observed_training([here, SEEN], model, "cv", task, target).records
    assert not found[0].get(observed.OF_ASKED) and found[1][observed.OF_ASKED], "what names no machine ran on it"
    assert found[0]["cpu_model"] == "mine" and found[1]["cpu_model"] == target.told["cpu_model"]
    there = {**SEEN, "device": "cuda", "gpu_model": "NVIDIA H200"}
    assert observed.observed_training([there], model, "cv", task, target).records[0][observed.OF_ASKED]
