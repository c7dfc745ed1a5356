"""A recommendation in a terminal: nothing in it is markup but our own, and lines that are to be copied stay whole."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from green_predictor import recommend
from green_predictor.hardware import Machine
from green_predictor.plot import new_figure, write_figure
from green_predictor.show import recommendation_table

BIN = Path(sys.executable).parent
DIGITS = ("--domain", "cv", "--dataset", "digits")


@pytest.fixture(scope="module")
def answer():
    return recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}, country="FR")


def test_names_that_look_like_markup_are_shown_as_they_are(answer, capsys):
    name = "[/] [red]:fire:"
    support = replace(answer.support, remarks=(name,))
    strange = replace(
        answer,
        metric=name,
        verdict=f"Train {name}.",
        machine=Machine({"cpu_model": name}, name, in_data=True),
        support=support,
    )
    Output().result(None, recommendation_table(strange))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == strange.verdict and f"{name} (90 %)" in shown[2] and shown[-1] == answer.command
    assert f"machine   {name} ({name})" in shown and any(line.startswith("basis     ") for line in shown)


def in_a_terminal(*words: object) -> list[str]:
    """What a command shows in a terminal of 80 columns, by lines."""
    outer, inner = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "dumb"}
    process = subprocess.Popen(list(map(str, words)), stdout=inner, stderr=subprocess.PIPE, env=environment)
    os.close(inner)
    shown = b""
    while True:
        try:
            part = os.read(outer, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        shown += part
        if not part:
            break
    os.close(outer)
    assert process.wait(60) == 0, process.stderr.read().decode()
    return shown.decode().splitlines()


def test_in_a_narrow_terminal_the_command_and_the_table_are_not_broken(answer):
    shown = in_a_terminal(BIN / "green-recommend", *DIGITS, "--prefer", "energy=0.7", "--country", "FR")
    assert shlex.split(shown[-1]) == shlex.split(answer.command) and len(answer.command) > 80
    (row,) = [line for line in shown if line.startswith("best")]
    assert row.endswith(f"lr {answer.best.recipe.learning_rate:g}")
    assert len(answer.verdict) > 80 >= max(map(len, shown[:2])), "a paragraph is fitted to the terminal"


@pytest.mark.parametrize("name", ["front", "front.", "front.txt", ".png", "front.html"])
def test_a_picture_of_no_known_kind_is_refused_and_leaves_nothing(tmp_path, name):
    (tmp_path / "front").write_text("mine")
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg or \.pdf"):
        write_figure(new_figure()[0], tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["front"] and (tmp_path / "front").read_text() == "mine"


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "new/a.svg", "a.pdf"])
def test_a_picture_is_written_in_the_format_of_its_name(tmp_path, name):
    path = write_figure(new_figure()[0], tmp_path / name)
    first = {".png": b"\x89PNG", ".svg": b"<?xm", ".pdf": b"%PDF"}[path.suffix.lower()]
    assert path.read_bytes()[:4] == first and len(list(path.parent.iterdir())) == 1
    with pytest.raises(UsageError, match="cannot write"):
        write_figure(new_figure()[0], path / "below.png")


@pytest.mark.parametrize("command", [("green-recommend",), ("green-predictor", "cascade")])
def test_commands_refuse_such_a_picture_before_any_work(tmp_path, command):
    words = [BIN / command[0], *command[1:], "--domain", "cv", "--dataset", "unknown", "--plot", tmp_path / "front"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2 and "must end in .png" in done.stderr.splitlines()[0]
    assert list(tmp_path.iterdir()) == []


def test_a_described_task_says_how_to_name_the_data():
    described = recommend(domain="nlp", dataset={"n_train": 2000, "n_classes": 2, "sequence_length": 64})
    known = recommend(domain="nlp", dataset="tweets")
    assert any("csv:FILE:TEXT:LABEL" in str(line) for line in recommendation_table(described))
    assert not any("csv:FILE" in str(line) for line in recommendation_table(known))
