"""What is taken away gives the answer that stands on the page: in Python, on the command line, from the runs in use."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecotaskset.run import Run
from ecotaskset.store import Store
from green_predictor.cli import recommend_app
from green_predictor.source import records
from space import sources, take_away
from space.answer import Answer, answer
from space.state import DESCRIBED, Inputs

MACHINE = '{"device":"cpu","cpu_count":8,"cpu_threads":8,"matmul_gflops":400.5}'
QUESTIONS = [
    Inputs(dataset="digits", energy=30, kwh=1.23456789e-5, loss=7.0),
    Inputs(dataset="digits", machine=MACHINE),
    Inputs(dataset=DESCRIBED, task={"n_train": 2000, "n_classes": 10, "image_size": 8}, country="FRA"),
]


@pytest.mark.parametrize("inputs", QUESTIONS, ids=["limits", "machine", "described"])
def test_the_snippets_give_this_answer(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(inputs)
    assert isinstance(found, Answer)
    said = found.recommendation.verdict
    done = CliRunner().invoke(recommend_app, [*shlex.split(take_away.command_line(found))[1:], "--json"])
    assert done.exit_code == 0, done.exception
    assert json.loads(done.stdout)["verdict"] == said
    exec(take_away.python_snippet(found), {})
    assert said in capsys.readouterr().out
    compile(take_away.client_snippet(found), "snippet", "exec")


def test_runs_of_ones_own_are_named(answered: Answer, fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Run(domain="cv", dataset="mine", model="mlp", epochs=1, batch_size=8, learning_rate=0.1, weight_decay=0.0,
              seed=0)  # fmt: skip
    Store(tmp_path / "my store").append(run)
    fresh.setenv("HOME", str(tmp_path))
    fresh.setenv(sources.DATA_VARIABLE, str(tmp_path / "my store"))
    words = shlex.split(take_away.command_line(answered))
    place = words[words.index("--data") + 1]
    assert place == "~/my store", "whoever reads the page learns no account's name"
    assert [r["run_id"] for r in records(place)] == [run.run_id]
    assert f"data={place!r}" in take_away.python_snippet(answered)


def test_a_predictor_of_ones_own_is_named(
    answered: Answer, fresh: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from green_predictor import storage
    from green_predictor.source import models_for

    storage.save(models_for(), tmp_path / "green", {})
    fresh.setenv(sources.MODEL_VARIABLE, str(tmp_path / "green"))
    said = answered.recommendation.verdict
    exec(take_away.python_snippet(answered), {})
    assert "/green'" in take_away.python_snippet(answered) and said in capsys.readouterr().out
    words = shlex.split(take_away.command_line(answered))[1:]
    done = CliRunner().invoke(recommend_app, [*words, "--json"])
    assert json.loads(done.stdout)["verdict"] == said and words[-1].endswith("/green")


@pytest.mark.parametrize(
    ("variable", "place"),
    [(sources.DATA_VARIABLE, "somebody/ecotaskset@v1.0.0"), (sources.MODEL_VARIABLE, "model:somebody/green@v1.0.0")],
)
def test_a_release_is_named_by_its_revision(
    answered: Answer, fresh: pytest.MonkeyPatch, variable: str, place: str
) -> None:
    from ecotaskset.load import load_tables
    from green_predictor import GreenPredictor

    fresh.setattr(sources, "_load", lambda **place: load_tables("cv")["test"])
    fresh.setattr(GreenPredictor, "from_pretrained", lambda *place, **revision: GreenPredictor())
    fresh.setenv(variable, place.removeprefix("model:"))
    assert take_away.command_line(answered).endswith(f" --data {place}")
    assert f"data={place!r}" in take_away.python_snippet(answered)


def test_what_nobody_else_can_reach_is_said_in_a_comment(
    answered: Answer, fresh: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    fresh.setenv(sources.HOSTED_VARIABLE, "somebody/green")
    fresh.setenv(sources.DATA_VARIABLE, str(tmp_path / "mine"))
    found = replace(answered, inputs=replace(answered.inputs, machine="H200"))
    for snippet in (take_away.python_snippet(found), take_away.command_line(found)):
        assert snippet.startswith("# answered from 0 runs of the store mine") and str(tmp_path) not in snippet
