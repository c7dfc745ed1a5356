"""Asking about data of one's own: they are read, described, recommended for, trained on; never read for a visitor."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ecotaskset.errors import UsageError
from ecotaskset.run import Run
from ecotaskset.store import Store
from green_predictor import describe, own_data, probing, recommend

pytest.importorskip("torch", reason="own data are read by the collectors")
BIN = Path(sys.executable).parent
REVIEWS = 400


@pytest.fixture(scope="module")
def reviews(tmp_path_factory) -> Path:
    """Short reviews, the good words of which tell the label four times out of five."""
    path, draw = tmp_path_factory.mktemp("own") / "my reviews.csv", np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["body", "stars", "id"])
        for i in range(REVIEWS):
            label = int(draw.integers(2))
            told = label if draw.random() < 0.8 else 1 - label
            words = [*draw.choice(["the", "film", "plot", "actor", "was"], 6), ("awful", "lovely")[told]]
            writer.writerow([" ".join(words), ("bad", "good")[label], i])
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Handwritten digits as pictures, a folder a class."""
    Image = pytest.importorskip("PIL.Image", reason="pictures are read with Pillow")
    from sklearn.datasets import load_digits

    folder, digits = tmp_path_factory.mktemp("own") / "scans", load_digits()
    for i, (pixels, label) in enumerate(zip(digits.images[:600], digits.target[:600], strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype(np.uint8)).save(folder / str(label) / f"{i}.png")
    return folder


def run_(command: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / command, *map(str, words)], capture_output=True, text=True, timeout=300)


def test_a_table_is_described_by_what_is_in_it(reviews):
    name = f"csv:{reviews}:body:stars"
    found = describe("nlp", name)
    assert found["name"] == name and found["recorded_as"].startswith("csv:my-reviews.csv@")
    assert found["n_train"] + found["n_validation"] + found["n_test"] == REVIEWS and found["n_classes"] == 2
    assert 0.7 < found["landmark_quality"] <= 0.95, "naive Bayes finds the words that tell"
    answer = recommend(domain="nlp", dataset=found, max_quality_loss=0.02)
    assert name in answer.command.replace("'", "") and answer.support.runs_on_task == 0
    assert not any("landmark_quality" in remark for remark in answer.support.remarks)


def test_pictures_are_asked_about_trained_on_and_count_from_then_on(pictures, tmp_path):
    asked = ("--domain", "cv", "--dataset", f"folder:{pictures}", "--max-quality-loss", 0.02, "--json")
    done = run_("green-recommend", *asked, "--train", "--store", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    first, (made, *_) = json.loads(done.stdout), list(Store(tmp_path / "mine").runs())
    assert "cost not known" not in done.stderr and "predicted from 0 runs on this task" in done.stderr
    assert made.run_id in first["training"]["run_ids"] and made.dataset.startswith("folder:scans@")
    assert first["best"]["quality_low"] - 0.02 <= made.quality_validation <= first["best"]["quality_high"] + 0.02
    then = json.loads(run_("green-recommend", *asked, "--observed", tmp_path / "mine").stdout)
    assert then["support"]["runs_on_task"] == 1
    assert "--observed" in done.stderr.splitlines()[-1] and str(pictures) in done.stderr.splitlines()[-1]


def test_probes_of_own_data_correct_the_answer(reviews, tmp_path):
    asked = ("--domain", "nlp", "--dataset", f"csv:{reviews}:body:stars", "--json", "--probe", 1)
    done = run_("green-recommend", *asked, "--store", tmp_path / "mine")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len(answer["probes"]["run_ids"]) == 1 and answer["support"]["runs_on_task"] == 1


def test_files_that_lie_beside_the_data_are_not_run(reviews, tmp_path):
    """`python -m` once imported `random.py` from the folder that somebody asked in."""
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the current folder was run')")
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors" / "__init__.py").write_text("")
    asked = [BIN / "green-recommend", "--domain", "nlp", "--dataset", f"csv:{reviews}:body:stars", "-q"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "FORCE_COLOR": "1"})
    assert done.returncode == 0 and done.stdout.startswith("green-collect --domain nlp"), done.stderr


def test_data_that_runs_are_of_are_asked_about_by_the_name_of_the_runs(reviews, tmp_path, snapshot):
    name, store = "csv:mine.csv@0123abcd", Store(tmp_path / "store")
    named = {"tweets": name, "movie_reviews": "movie_reviews"}
    for run in [run for run in snapshot if run["dataset"] in named][:80]:
        known = {k: v for k, v in run.items() if v is not None and k != "split"}
        known |= {"dataset": named[run["dataset"]], "recipe_id": "", "run_id": ""}
        store.append(Run.model_validate(known))
    done = run_("green-recommend", "--domain", "nlp", "--dataset", name, "--data", store.path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["support"]["runs_on_task"] > 0 and "reading" not in done.stderr


@pytest.mark.parametrize(
    ("domain", "name", "says"),
    [
        ("nlp", "csv:no-such-file.csv", "there is no file"),
        ("cv", "csv:reviews.csv", "'csv:' data does not fit domain 'cv'"),
        ("nlp", "csv:", "names no place"),
        ("vc", "csv:reviews.csv", "did you mean 'cv'"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(domain, name, says):
    done = run_("green-recommend", "--domain", domain, "--dataset", name)
    lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("reading")]
    assert done.returncode == 2 and done.stdout == "" and says in lines[0] and len(lines) <= 2
    with pytest.raises(UsageError, match=says):
        describe(domain, name)


def test_without_the_collectors_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(probing, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed"):
        describe("nlp", "csv:reviews.csv")


def test_recommend_itself_reads_nothing_and_neither_does_the_page(reviews, monkeypatch):
    def read(*_: object) -> None:
        raise AssertionError("a file was read for somebody who only named it")

    monkeypatch.setattr(own_data, "describe", read)
    with pytest.raises(UsageError, match="no run is of 'csv:") as caught:
        recommend(domain="nlp", dataset=f"csv:{reviews}")
    assert "green_predictor.describe('nlp'" in caught.value.hint
    pytest.importorskip("gradio", reason="the page is made with gradio")
    from space.answer import NoAnswer, answer
    from space.state import Inputs

    assert isinstance(answer(Inputs(domain="nlp", dataset=f"csv:{reviews}")), NoAnswer)
