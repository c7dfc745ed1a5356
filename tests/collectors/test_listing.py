"""What `green-collect --list` prints: short, at once, and with the runs there are of each."""

from __future__ import annotations

import json
import sys

import pytest

from collectors.listing import list_lines, missing_domain, show_list, what_there_is
from ecotaskset.console import Output
from ecotaskset.knobs import KNOBS
from ecotaskset.load import load_runs


@pytest.fixture(scope="module")
def found():
    return what_there_is(sizes=False)


def test_runs_of_the_shipped_snapshot_are_counted(found):
    table = load_runs()
    for kind, column in (("architectures", "model"), ("datasets", "dataset")):
        counted = {entry["name"]: entry["runs"] for entry in found[kind]}
        assert sum(counted.values()) == len(table)
        assert {name for name, runs in counted.items() if runs} == set(table[column].to_pylist())
    changed = sum(knob["name"] == "precision" for knobs in table["knobs"].to_pylist() for knob in knobs)
    assert {entry["name"]: entry["runs"] for entry in found["knobs"]}["precision"] == changed > 0


def test_a_checkout_without_data_lists_what_can_be_trained_too(monkeypatch, tmp_path):
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path)
    assert not any(entry["runs"] for kind in what_there_is(sizes=False).values() for entry in kind)


@pytest.mark.parametrize("width", [80, 100, None])
def test_a_line_each_and_none_wider_than_the_terminal(found, width):
    from rich.text import Text

    lines = [Text.from_markup(line).plain for line in list_lines(found, width)]
    assert width is None or max(map(len, lines)) <= width
    assert len(lines) < sum(map(len, found.values())) + 20
    for kind in found.values():
        for entry in kind:
            (line,) = [line for line in lines if line.split()[:1] == [entry["name"]]]
            assert (f"{entry['runs']:,}" if entry["runs"] else "–") in line.split()
    for name, knob in KNOBS.items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert all(str(value).lower() in line for value in knob.values) and (width or knob.description in line)


def test_only_scripts_wait_for_parameters_to_be_counted(monkeypatch, capsys):
    counted = []
    monkeypatch.setattr(sys.modules["collectors.tasks.listing"], "_sizes", lambda: counted.append("all") or {})
    show_list(Output())
    show_list(Output(quiet=True))
    said = capsys.readouterr().out
    assert "resnet-tiny" in said and counted == []
    show_list(Output(json=True))
    entries = json.loads(capsys.readouterr().out)["architectures"]
    assert counted == ["all"] and all({"params", "runs"} <= entry.keys() for entry in entries)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("digits", None), "'digits' belongs to cv: add --domain cv"),
        (("mine", "bert-tiny"), "'bert-tiny' belongs to nlp: add --domain nlp"),
        ((None, "mine"), "choose from: cv, nlp, recsys"),
    ],
)
def test_a_missing_domain_is_said_with_the_one_that_was_meant(names, hint):
    error = missing_domain(*names)
    assert (error.message, error.hint) == ("--domain is missing", hint)
