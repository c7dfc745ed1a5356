"""What `data=` may be, and which model answers: the shipped, one that was saved, or one fitted for it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from ecotaskset.console import Output
from ecotaskset.errors import RefusedError, UsageError
from green_predictor import GreenPredictor, recommend, source, storage
from green_predictor.fit_command import fit_command

ASKED = {"domain": "cv", "dataset": "digits", "prefer": {"energy": 0.5}}


@pytest.fixture(scope="module")
def green(digits):
    return GreenPredictor(families=["linear"]).fit(digits)


@pytest.fixture
def nothing_known(monkeypatch, tmp_path):
    """No model in memory or cache; what would be fitted is a word."""
    monkeypatch.setattr(source, "_LOADED", {})
    monkeypatch.setattr(source, "SHIPPED_MODEL", tmp_path / "shipped")
    monkeypatch.setattr(source, "_cached_or_fitted", lambda *_: "fitted")
    return tmp_path / "shipped"


def test_the_shipped_model_answers_only_for_its_runs_and_its_energy(nothing_known, green):
    facts = {"snapshot": source.snapshot_stamp()}
    for found, expected in (
        ({"energy": "measured"}, "fitted"),
        ({"energy": "all", "snapshot": "another"}, "fitted"),
        ({"energy": "all"}, ["cv"]),
    ):
        storage.save(green.domains_, nothing_known, {**facts, **found})
        source._LOADED.clear()
        models = source.models_for()
        assert models == expected or list(models) == expected
    assert source.models_for(energy="measured") == "fitted"


def test_a_shipped_model_that_cannot_be_read_is_replaced_and_that_is_said(nothing_known, caplog):
    nothing_known.mkdir()
    (nothing_known / storage.JSON_NAME).write_text('{"format": 1}')
    with caplog.at_level(logging.WARNING):
        assert source.models_for() == "fitted"
    (said,) = caplog.messages
    assert "is not a model of format" in said and "cache" in said and "\n" not in said


@pytest.mark.parametrize("asked", [{"data": "my-store"}, {"energy": "measured"}])
def test_only_the_default_fit_may_replace_the_shipped_model(monkeypatch, tmp_path, green, asked):
    monkeypatch.setattr(source, "SHIPPED_MODEL", tmp_path / "shipped")
    monkeypatch.setattr(source, "records", lambda _: [])
    monkeypatch.setattr("green_predictor.fit_command.fit_domains", lambda *_, **__: green.domains_)
    asked = {"data": None, "energy": "all", **asked}
    with pytest.raises(UsageError) as caught:
        fit_command(Output(quiet=True), **asked, output=None)
    assert "--output" in caught.value.hint and not (tmp_path / "shipped").exists()
    fit_command(Output(quiet=True), **asked, output=tmp_path / "own")
    assert storage.read_facts(tmp_path / "own")["energy"] == asked["energy"]


def test_a_saved_model_is_asked_by_its_folder(green, tmp_path):
    folder = green.save(tmp_path / "my model")
    expected = green.recommend(**ASKED)
    assert recommend(**ASKED, data=folder).verdict == recommend(**ASKED, data=str(folder)).verdict == expected.verdict
    command = [Path(sys.executable).parent / "green-recommend", "--domain", "cv", "--dataset", "digits", "-q"]
    words = ("--prefer", "energy=0.5", "--data", folder)
    assert subprocess.run([*command, *words], capture_output=True, text=True).stdout == expected.command + "\n"
    with pytest.raises(UsageError, match="of 'all' energy"):
        recommend(**ASKED, data=folder, energy="measured")
    with pytest.raises(UsageError, match="is a fitted model"):
        source.records(folder)
    head = json.loads((folder / storage.JSON_NAME).read_text())
    (folder / storage.JSON_NAME).write_text(json.dumps({**head, "format": 0}))
    with pytest.raises(RefusedError, match="format"):  # looked at again, not remembered
        recommend(**ASKED, data=folder)


def test_a_store_beside_a_model_is_a_store(green, tmp_path, digits):
    from ecotaskset.run import Run
    from ecotaskset.store import Store

    Store(tmp_path).append(Run.model_validate({k: v for k, v in digits[0].items() if v is not None and k != "split"}))
    green.save(tmp_path)
    assert len(source.records(tmp_path)) == 1


def test_runs_are_told_apart_by_what_was_measured_not_by_their_ids_alone(digits):
    known = source.fingerprint(digits)
    assert source.fingerprint(digits[::-1]) == known
    for column in ("energy_kwh", "quality_last", "duration_s"):
        changed = [{**digits[0], column: 0.5 * digits[0][column]}, *digits[1:]]
        assert source.fingerprint(changed) != known
    assert source.fingerprint([{**r, "run_id": None} for r in digits]) != known


def test_the_ids_of_collected_runs_are_hashes_of_their_content(digits):
    from ecotaskset.run import Run

    run = Run.model_validate({k: v for k, v in digits[0].items() if v is not None and k != "split"})
    assert run.run_id == run.content_id() != run.model_copy(update={"energy_kwh": 1.0}).content_id()
