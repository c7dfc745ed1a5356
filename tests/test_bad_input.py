"""Bad input gets one line that names the culprit and the way out, the right exit code, and nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
DIGITS = ["--domain", "cv", "--dataset", "digits", "--model", "mlp", "--epochs", "1"]

# (command and arguments, exit code, words the message must hold)
WRONG = [
    (
        ["green-collect", "--domain", "vision", "--dataset", "digits", "--model", "mlp"],
        2,
        ["vision", "cv, nlp, recsys"],
    ),
    (
        ["green-collect", "--domain", "cv", "--dataset", "digts", "--model", "mlp"],
        2,
        ["digts", "did you mean 'digits'"],
    ),
    (["green-collect", "--domain", "cv", "--dataset", "digits", "--model", "mpl"], 2, ["mpl", "did you mean 'mlp'"]),
    (["green-collect", *DIGITS, "--knob", "precision=fp8"], 2, ["precision=fp8", "fp32, bf16, fp16"]),
    (["green-collect", *DIGITS, "--knob", "precison=bf16"], 2, ["precison", "did you mean 'precision'"]),
    (["green-collect", *DIGITS, "--knob", "precision"], 2, ["no value", "name=value"]),
    (["green-collect", *DIGITS, "--learning-rate", "-1"], 2, ["learning_rate=-1"]),
    (["green-collect", *DIGITS, "--batch-size", "many"], 2, ["--batch-size"]),
    (["green-collect", "--campaign", "startr"], 2, ["startr", "did you mean 'starter'"]),
    (["green-collect", "--nonsense"], 2, ["--nonsense"]),
    (["green-recommend", "--domain", "vision", "--dataset", "digits"], 2, ["vision"]),
    (["green-recommend", "--domain", "cv", "--dataset", "digts"], 2, ["digts", "did you mean 'digits'"]),
    (["green-recommend", "--domain", "cv", "--dataset", "digits", "--budget-kwh", "-1"], 2, ["-1"]),
    (["green-recommend", "--domain", "cv", "--dataset", "digits", "--prefer", "energy=1.5"], 2, ["1.5"]),
    (["green-recommend", "--domain", "cv", "--dataset", "digits", "--prefer", "colour=1"], 2, ["colour"]),
    (["green-recommend", "--domain", "cv", "--dataset", "digits", "--hardware", "H2000"], 2, ["H2000"]),
    (["green-predictor", "fitt"], 2, ["fitt"]),
    (["ecotaskset", "validate", "/no/such/file.parquet"], 2, ["/no/such/file.parquet"]),
]


def call(words: list[str], tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a store of its own."""
    environment = {**os.environ, "ECOTASKSET_STORE": str(tmp_path / "store"), "OMP_NUM_THREADS": "1", **more}
    program = [str(BIN / words[0]), *words[1:]]
    return subprocess.run(program, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path)


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, needles: list[str]) -> None:
    """The error is one line and perhaps one hint, on stderr; stdout holds nothing."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(("plan", "[dim]"))]
    assert lines[0].startswith("error: ") and len(lines) <= 2, done.stderr
    for needle in needles:
        assert needle in done.stderr


@pytest.mark.parametrize(("words", "code", "needles"), WRONG, ids=[" ".join(w[0])[:70] for w in WRONG])
def test_wrong_use(words, code, needles, tmp_path):
    assert_one_line(call(words, tmp_path), code, needles)
    assert not (tmp_path / "store").exists()


def test_a_store_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "store").write_text("a file where the store should be")
    done = call(["green-collect", *DIGITS], tmp_path)
    assert_one_line(done, 2, ["store", "--store"])


@pytest.mark.parametrize("content", [b"PAR1 this is no table PAR1", b""], ids=["foreign", "empty"])
def test_a_broken_parquet_in_the_store_is_refused_by_name(content, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "broken.parquet").write_bytes(content)
    done = call(["ecotaskset", "report", str(tmp_path / "store")], tmp_path)
    assert_one_line(done, 3, ["broken.parquet"])


def test_data_that_cannot_be_reached_says_what_to_install_or_pass(tmp_path):
    nowhere = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null", "HF_HUB_OFFLINE": "1"}
    words = ["green-collect", "--domain", "nlp", "--dataset", "movie_reviews", "--model", "text-cnn", "--epochs", "1"]
    done = call([*words, "--cache", str(tmp_path / "cache")], tmp_path, **nowhere)
    assert_one_line(done, 2, ["movie_reviews"])
    assert not list((tmp_path / "cache").rglob("*.tmp"))
