"""Every option of `green-collect` does what it says or is refused; none is ignored."""

from __future__ import annotations

import json
import shlex

import pytest
from typer.testing import CliRunner

from collectors.cli import app
from collectors.metering import EnergyMeter
from collectors.train import train
from ecotaskset.errors import MeasurementError, UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store

RECIPE = ("--domain", "cv", "--dataset", "digits", "--model", "mlp")
DESIGN = "designs: [{grid: {domain: cv, dataset: digits, model: mlp, epochs: 1}}]"


@pytest.fixture(scope="module")
def original():
    return train(Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=1))


@pytest.fixture
def store(tmp_path, original) -> Store:
    """A store with one run."""
    store = Store(tmp_path / "store")
    store.append(original)
    return store


@pytest.fixture
def design(tmp_path) -> str:
    (tmp_path / "mine.yaml").write_text(DESIGN)
    return str(tmp_path / "mine.yaml")


@pytest.fixture
def unmeasured(monkeypatch):
    """A machine on which everything is modelled, as most are."""
    monkeypatch.setattr(EnergyMeter, "measures", lambda self: False)


def call(*words: str):
    """What came of a command; an error stands in `.exception`."""
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    "words, needles",
    [
        (("--campaign", "starter", *RECIPE), ["--domain", "--campaign", "defaults"]),
        (("--campaign", "starter", "--knob", "precision=bf16"), ["--knob", "--campaign", "defaults"]),
        (("--campaign", "starter", "--epochs", "5"), ["--epochs"]),  # also where the value is the default's
        (("--campaign", "starter", "--reproduce", "0123"), ["--reproduce", "--campaign"]),
        (
            ("--campaign", "starter", "--engine", "ray", "--require-measured"),
            ["--require-measured", "Ray cluster", "--doctor"],
        ),
        (("--reproduce", "0123", "--model", "mlp"), ["--model", "--reproduce", "as it is"]),
        (("--reproduce", "0123", "--jobs", "2"), ["--jobs", "--reproduce"]),
        ((*RECIPE, "--jobs", "2"), ["--jobs", "--domain", "leave one of the two out"]),
        ((*RECIPE, "--limit", "2"), ["--limit"]),
        (("--doctor", "--country", "FRA"), ["--country", "--doctor"]),
        (("--list", "--domain", "cv"), ["--domain", "--list"]),
        (("--push", "--country", "FRA"), ["--country", "--push"]),
        (("--epochs", "3"), ["--epochs", "--domain"]),
        (("--repo", "a/b", "review", "--dry-run"), ["--repo", "after 'review'"]),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(words, needles, tmp_path, monkeypatch):
    monkeypatch.setenv("ECOTASKSET_STORE", str(tmp_path / "store"))
    refused = call(*words).exception
    assert isinstance(refused, UsageError) and all(needle in str(refused) for needle in needles), refused
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "words, reason",
    [
        (("--model", "resnet-tiny", "--knob", "lora=8"), "'lora=8' does not apply to 'resnet-tiny': it has no linear"),
        (("--model", "mlp", "--knob", "attention=eager"), "'attention=eager' does not apply to 'mlp'"),
    ],
)
def test_a_dry_run_says_no_where_training_would(words, reason, tmp_path):
    refused = call("--domain", "cv", "--dataset", "digits", *words, "--store", str(tmp_path), "--dry-run")
    assert isinstance(refused.exception, UsageError) and reason in str(refused.exception)
    assert "would train" not in refused.output


def test_a_reproduction_that_is_only_planned_trains_nothing(store, original):
    done = call("--reproduce", original.run_id, "--store", str(store.path), "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert (plan["original"], plan["recipe_id"]) == (original.run_id, original.recipe_id)
    assert [run.run_id for run in store.runs()] == [original.run_id]


def test_a_reproduction_is_metered_as_asked(store, original):
    call("--reproduce", original.run_id, "--store", str(store.path), "--country", "FRA", "--baseline", "0.2")
    (again,) = [run for run in store.runs() if run.run_id != original.run_id]
    assert again.country == "FRA" and again.emissions_kg > 0 and again.idle_power_w > 0


def test_required_measurements_are_required_of_a_reproduction(store, original, unmeasured):
    words = ("--reproduce", original.run_id, "--store", str(store.path), "--require-measured")
    assert isinstance(call(*words).exception, MeasurementError) and len(store) == 1


def test_required_measurements_are_required_of_a_campaign(tmp_path, design, unmeasured):
    words = ("--campaign", design, "--store", str(tmp_path / "store"), "--require-measured")
    assert isinstance(call(*words).exception, MeasurementError) and len(Store(tmp_path / "store")) == 0
    assert call(*words, "--dry-run").exit_code == 0


def test_what_the_meter_refuses_is_told_before_a_campaign(tmp_path, design):
    refused = call("--campaign", design, "--store", str(tmp_path / "store"), "--baseline", "-1").exception
    assert isinstance(refused, UsageError) and "baseline" in str(refused)
    assert len(Store(tmp_path / "store")) == 0


def test_a_recipe_without_a_domain_is_told_which_it_wants():
    refused = call("--dataset", "digits", "--model", "mlp").exception
    assert isinstance(refused, UsageError) and "add --domain cv" in str(refused)


def test_a_reproduction_does_not_read_the_files_of_whoever_makes_it(store, original, tmp_path):
    """A run that names a file, not its content, once made the reader's own file of that place be read."""
    mine = tmp_path / "mine.csv"
    mine.write_text("text,label\nmine,1\nyours,0\n")
    stranger = original.model_copy(update={"domain": "nlp", "dataset": f"csv:{mine}", "run_id": "0" * 16})
    place = Store(tmp_path / "other")
    (place.path / "runs").mkdir(parents=True)
    place.append(Run.model_validate(stranger.model_dump() | {"run_id": "", "recipe_id": ""}))
    (known,) = place.runs()
    done = call("--reproduce", known.run_id, "--store", str(place.path), "--dry-run")
    assert isinstance(done.exception, UsageError) and "names files of this machine" in str(done.exception)


@pytest.mark.parametrize("rows", ["text,label\n", "text,label\na,\nb,1\n"])
def test_a_dry_run_says_what_is_wrong_with_the_data(rows, tmp_path):
    (tmp_path / "odd.csv").write_text(rows)
    words = ("--domain", "nlp", "--dataset", f"csv:{tmp_path / 'odd.csv'}", "--model", "lstm")
    done = call(*words, "--store", str(tmp_path / "store"), "--cache", str(tmp_path), "--dry-run")
    assert isinstance(done.exception, UsageError) and "would train" not in done.output


def test_the_next_command_about_own_data_brings_the_runs_along(tmp_path, original):
    from collectors.collect_one import ask_again

    store = Store(tmp_path / "my store")
    for name in ("hub:ORG/NAME", "csv:my reviews.csv:text"):
        recipe = Recipe.create(domain="nlp", dataset=name, model="lstm")
        words = shlex.split(ask_again(recipe, original.model_copy(update={"domain": "nlp", "dataset": name}), store))
        assert words[-4:] == ["--dataset", name, "--observed", str(store.path)]
    shipped = Recipe.create(domain="cv", dataset="digits", model="mlp")
    assert "--observed" not in ask_again(shipped, original, store)
