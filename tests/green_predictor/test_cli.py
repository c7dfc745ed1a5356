"""The commands: data on stdout, talk on stderr, errors in one line with a fitting exit code, light help."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
DIGITS = ("--domain", "cv", "--dataset", "digits")


def run(command: str, *words: str, timeout: float = 120):
    return subprocess.run([BIN / command, *words], capture_output=True, text=True, timeout=timeout)


def test_the_answer_is_on_stdout_and_ends_with_the_command(tmp_path):
    done = run("green-recommend", *DIGITS, "--prefer", "energy=0.7", "--country", "FR", "--plot", tmp_path / "f.png")
    assert done.returncode == 0, done.stderr
    assert "kWh" in done.stdout or "Wh" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert shlex.split(last)[0] == "green-collect" and "picture written" in done.stderr
    assert (tmp_path / "f.png").exists()


def test_json_is_one_object_and_quiet_is_the_command_alone():
    asked = (*DIGITS, "--prefer", "energy=0.7")
    shown = json.loads(run("green-recommend", *asked, "--json").stdout)
    quiet = run("green-recommend", *asked, "-q")
    assert quiet.stdout == shown["command"] + "\n" and quiet.stderr == ""
    assert {"best", "front", "verdict", "support", "alternatives", "curve", "energy_saved"} <= set(shown)


def test_a_described_task_can_be_typed():
    done = run("green-recommend", "--domain", "cv", "--dataset", '{"n_train": 5000, "n_classes": 10}', "--json")
    assert json.loads(done.stdout)["support"]["runs_on_task"] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--domain", "vc", "--dataset", "digits"), "did you mean 'cv'"),
        (("--domain", "cv", "--dataset", "digts"), "did you mean 'digits'"),
        ((*DIGITS, "--budget-kwh", "-1"), "budget_kwh=-1"),
        ((*DIGITS, "--prefer", "energy=1.5"), "weight of energy=1.5"),
        ((*DIGITS, "--prefer", "energy"), "not a preference"),
        ((*DIGITS, "--prefer", "power=0.5"), "unknown objective"),
        ((*DIGITS, "--hardware", "H2000"), "did you mean 'H200'"),
        ((*DIGITS, "--data", "/nowhere"), "no runs at '/nowhere'"),
        ((*DIGITS, "--candidates", "many"), "--candidates"),
        (DIGITS[:2], "dataset"),
    ],
)
def test_wrong_use_is_one_line_a_hint_and_2(words, says):
    done = run("green-recommend", *words)
    assert done.returncode == 2 and done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert says in lines[0] and len(lines) <= 2 and "Traceback" not in done.stderr


def test_a_truncated_parquet_is_refused_with_3(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and nothing more")
    done = run("green-recommend", *DIGITS, "--data", tmp_path / "x.parquet")
    assert done.returncode == 3 and "x.parquet" in done.stderr


def test_fit_writes_a_model_that_is_loaded(tmp_path, digits):
    from ecotaskset.run import Run
    from ecotaskset.store import Store

    store = Store(tmp_path / "store")
    for record in digits[:16]:
        store.append(Run.model_validate({k: v for k, v in record.items() if v is not None and k != "split"}))
    done = run("green-predictor", "fit", "--data", store.path, "--output", tmp_path / "model", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    from green_predictor import GreenPredictor

    loaded = GreenPredictor.load(tmp_path / "model")
    assert list(loaded.domains_) == ["cv"] == list(facts["domains"]) and facts["bytes"] < 5_000_000


def seconds(*words: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        return time.perf_counter() - start

    return min(once() for _ in range(3))


def test_imports_are_lighter_than_the_libraries_they_stand_on():
    heavy = seconds("-c", "import sklearn.ensemble, pandas, pyarrow")
    assert seconds("-c", "from green_predictor import recommend") < heavy
    assert seconds("-c", "import green_predictor") < 0.5 * heavy


def test_a_fresh_process_answers_without_scikit_learn_pandas_or_torch():
    code = (
        "import sys\nfrom green_predictor import recommend\n"
        "recommend(domain='cv', dataset='digits', prefer={'energy': 0.7}).command\n"
        "print([m for m in ('sklearn', 'pandas', 'torch', 'matplotlib', 'datasets') if m in sys.modules])"
    )
    run("green-recommend", *DIGITS, "-q")  # a model of this snapshot is there now, shipped or cached
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_probes_are_trained_kept_and_put_on_the_bill(tmp_path):
    pytest.importorskip("accelerate")
    from ecotaskset.store import Store

    asked = (*DIGITS, "--prefer", "energy=0.5", "--probe", "2", "--store", tmp_path / "store")
    done = run("green-recommend", *asked, "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    shown, kept = json.loads(done.stdout), Store(tmp_path / "store").runs()
    assert sorted(shown["probes"]["run_ids"]) == sorted(r.run_id for r in kept) and 1 <= len(kept) <= 2
    assert len({r.model for r in kept}) == len(kept) and all(r.epochs_run <= 2 for r in kept)
    assert shown["probes"]["energy_kwh"] == pytest.approx(sum(r.energy_kwh for r in kept)) and "probe 1/" in done.stderr
    again = run("green-recommend", *asked, timeout=300)
    assert "on top of the bill" in again.stdout
    assert len(Store(tmp_path / "store").runs()) == len(kept), "a probe that is there is not trained again"


def test_a_described_task_cannot_be_probed_by_the_tool():
    task = '{"n_train": 5000, "n_classes": 10}'
    done = run("green-recommend", "--domain", "cv", "--dataset", task, "--probe", "1")
    assert done.returncode == 2 and "--observed" in done.stderr and done.stdout == ""
    assert run("green-recommend", *DIGITS, "--probe", "99").returncode == 2
