"""`green-collect --describe`: the task columns of a data set, as its runs have them, without training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.describe_dataset import ANY_MODEL, describe
from ecotaskset.load import load_runs

BIN = Path(sys.executable).parent


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "green-collect", *map(str, words)], capture_output=True, text=True, timeout=120)


def test_a_data_set_is_described_as_its_runs_have_it(tmp_path):
    done = run("--describe", "--domain", "cv", "--dataset", "digits", "--cache", tmp_path, "--json")
    found = json.loads(done.stdout)
    assert found.pop("name") == found.pop("recorded_as") == "digits"
    assert {"n_train", "n_classes", "image_size", "landmark_quality"} <= found.keys()
    shipped = next(r for r in load_runs().to_pylist() if r["dataset"] == "digits" and not r["knobs"])
    assert found == pytest.approx({name: shipped[name] for name in found}), "the runs say the same"


def test_it_says_what_is_counted_and_what_to_ask_next(tmp_path):
    (tmp_path / "taken.csv").write_text(
        "user,item,time\n" + "".join(f"u{u},i{(u * k) % 17},{k}\n" for u in range(60) for k in range(1, 9))
    )
    name = f"csv:{tmp_path / 'taken.csv'}"
    done = run("--describe", "--domain", "recsys", "--dataset", name, "--cache", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "n_users" in done.stdout and "landmark_quality" in done.stdout
    assert f"green-recommend --domain recsys --dataset {name}" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--dataset", "digits"), "--domain is missing"),
        (("--domain", "cv"), "--describe needs a data set"),
        (("--domain", "cv", "--dataset", "digts"), "did you mean 'digits'"),
        (("--domain", "cv", "--dataset", "digits", "--epochs", "3"), "--epochs does not go with --describe"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(words, says):
    done = run("--describe", *words)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


@pytest.mark.parametrize("domain", ANY_MODEL)
def test_there_is_an_architecture_to_load_any_data_set_for(domain):
    from collectors.tasks.architectures import get_architecture

    assert get_architecture(ANY_MODEL[domain], domain).domain == domain


def test_nothing_is_asked_of_a_data_set_that_is_not_there():
    from ecotaskset.errors import UsageError

    with pytest.raises(UsageError, match="no folder"):
        describe("cv", "folder:nowhere")
