"""The command `ecotaskset`: what it prints where, its exit codes, what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from ecotaskset.cli import app
from ecotaskset.console import run_app
from ecotaskset.run import to_table
from ecotaskset.snapshot import build_snapshot
from ecotaskset.store import Store

ROOT = Path(__file__).parents[2]
PROVENANCE = {
    "collected_at": "2026-03-01T00:00:00Z",
    "collector_version": "0.1.0",
    "dataset_revision": "0" * 16,
    "cpu_model": "Processor 9000",
    "best_epoch": 2,
    "quality_last": 0.9,
}
ONE = ("--version", "1.0.0")


class Outcome(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(capsys, monkeypatch) -> Callable[..., Outcome]:
    """Run the command as its entry point does, in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_app(app, "ecotaskset", list(map(str, words)))
        return Outcome(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def store(tmp_path, make_runs) -> Path:
    for run in make_runs(12, **PROVENANCE):
        Store(tmp_path / "store").append(run)
    return tmp_path / "store"


def test_help_of_every_command_has_an_example(command):
    top = command("--help")
    assert top.returncode == 0 and top.stderr == ""
    for name in ("report", "validate", "import", "build"):
        assert name in top.stdout
        of = command(name, "--help")
        assert of.returncode == 0 and f"Example: ecotaskset {name}" in of.stdout


def test_report_of_a_store(command, store, tmp_path):
    human, quiet = command("report", store), command("report", store, "-q")
    assert human.returncode == 0 and "36 runs of 12 recipes" in human.stdout
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    done = command("report", store, "--json", "--figures", tmp_path / "figures")
    assert json.loads(done.stdout)["domains"]["cv"]["recipes_with_seeds"] == 12
    assert done.stderr.count("wrote") == 3 and len(list((tmp_path / "figures").iterdir())) == 3


@pytest.mark.parametrize("name", ["report", "validate"])
def test_nothing_there_is_wrong_use(command, name, tmp_path):
    for path in (tmp_path / "none", tmp_path):
        done = command(name, path)
        assert (done.returncode, done.stdout) == (2, "") and str(path) in done.stderr
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


def test_build_then_validate_then_report(command, store, tmp_path):
    data = tmp_path / "package" / "data"
    card = tmp_path / "dataset_card.md"
    built = command("build", "--store", store, "--to", data, "--version", "3.2.1", "--json", "--card", card)
    assert built.returncode == 0, built.stderr
    manifest = json.loads(built.stdout)
    assert manifest["runs"] == 36 and manifest["left_out_refused"] == {}
    assert "version: 3.2.1" in card.read_text() and card.read_text() == (data.parent / "README.md").read_text()
    checked = command("validate", data, "--json")
    assert checked.returncode == 0 and json.loads(checked.stdout)["verdict"] == "accepted"
    assert json.loads(command("report", data, "--json").stdout)["splits"].keys() <= {"train", "validation", "test"}
    train = data / "cv" / "train-00000-of-00001.parquet"
    train.write_bytes(train.read_bytes() + b"x")
    for name, code in (("validate", 3), ("report", 3)):
        done = command(name, data)
        assert done.returncode == code and "differs from the manifest" in done.stdout + done.stderr


def test_a_checkout_loads_from_the_directory_above_it(command, tmp_path, make_runs, make_run, python):
    """There `load_dataset("ecotaskset")` finds the checkout, not the package, and would merge the domains."""
    for run in [*make_runs(10, **PROVENANCE), make_run(domain="nlp", dataset="snippets", **PROVENANCE)]:
        Store(tmp_path / "store").append(run)
    root = tmp_path / "above" / "ecotaskset"
    (root / "ecotaskset").mkdir(parents=True)
    (root / "README.md").write_text("# A project\n")
    words = ("build", "--store", tmp_path / "store", "--to", root / "ecotaskset" / "data", *ONE, "--checkout")
    assert command(*words, tmp_path / "store").returncode == 2 and not (root / "ecotaskset" / "data").exists()
    assert command(*words, root).returncode == 0
    code = (
        "import datasets; d = datasets.load_dataset('ecotaskset'); print({x for s in d.values() for x in s['domain']})"
    )
    assert python(code, cwd=root.parent).stdout.strip() == "{'cv'}"


def test_a_snapshot_with_a_leak_or_a_stranger_is_refused(command, tmp_path, make_runs):
    runs = make_runs(20, **PROVENANCE)
    data = tmp_path / "data"
    build_snapshot(runs, data, "1.0.0")
    pq.write_table(to_table(runs[:1]), data / "cv" / "extra.parquet")
    done = command("validate", data)
    assert done.returncode == 3 and "extra.parquet: not in the manifest" in done.stdout
    (data / "cv" / "extra.parquet").unlink()
    import hashlib

    manifest = json.loads((data / "manifest.json").read_text())
    test = data / "cv" / "test-00000-of-00001.parquet"
    train = pq.read_table(data / "cv" / "train-00000-of-00001.parquet")
    pq.write_table(train.slice(0, 1), test)
    for file in manifest["files"]:
        if file["path"] == "cv/test-00000-of-00001.parquet":
            file["sha256"] = hashlib.sha256(test.read_bytes()).hexdigest()
    (data / "manifest.json").write_text(json.dumps(manifest))
    done = command("validate", data)
    leaked = train["recipe_id"][0].as_py()
    assert done.returncode == 3 and f"recipe {leaked} is in two splits" in done.stdout


def test_build_leaves_out_what_the_checks_refuse_and_says_so(command, store, tmp_path, make_run):
    hot = make_run(energy_kwh=1.0, cpu_energy_kwh=1.0, **PROVENANCE)
    Store(store).append(hot)
    Store(store).append(make_run(origin="imported:x", seed=77))
    done = command("build", "--store", store, "--to", tmp_path / "data", *ONE, "--json")
    assert done.returncode == 0 and f"left out {hot.run_id}: P101" in done.stderr
    manifest = json.loads(done.stdout)
    assert (manifest["runs"], manifest["left_out_imported"], list(manifest["left_out_refused"])) == (
        36,
        1,
        [hot.run_id],
    )


def test_building_twice_gives_the_same_bytes(command, store, tmp_path):
    for name in ("a", "b"):
        assert command("build", "--store", store, "--to", tmp_path / name / "data", *ONE, "-q").returncode == 0
    files = [
        {str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()}
        for n in "ab"
    ]
    assert files[0] == files[1] and len(files[0]) >= 4


def test_validate_one_file_of_any_kind(command, tmp_path, make_run):
    good = make_run(**PROVENANCE)
    pq.write_table(to_table([good]), tmp_path / "good.parquet")
    (tmp_path / "good.json").write_text(good.model_dump_json())
    for name in ("good.parquet", "good.json"):
        done = command("validate", tmp_path / name)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"accepted {name} (1 rows)")
    bad = good.model_copy(update={"energy_kwh": 1e6})
    (tmp_path / "bad.json").write_text(bad.model_dump_json())
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for name, code in (("bad.json", "E004"), ("bad.parquet", "E008"), ("deep.json", "E008")):
        done = command("validate", tmp_path / name)
        assert done.returncode == 3 and f"refused {name}" in done.stdout and code in done.stdout
        assert "Traceback" not in done.stderr
    assert command("validate", tmp_path / "bad.json", "-q").stdout.split() == [bad.run_id]


def test_validate_a_store_names_each_bad_run(command, store, make_run):
    (store / "runs" / "1.json").write_text("{")
    (store / "pushed.json").write_text('{"not": "a run"}')
    done = command("validate", store, "--json")
    (found,) = json.loads(done.stdout)["files"].values()
    assert done.returncode == 3 and found["rows"] == 37 and found["codes"] == {"E008": 1}


def test_import_writes_a_table_the_store_reads(command, tmp_path):
    (tmp_path / "t.csv").write_text("net,joules\nresnet,3.6e6\nvgg,oops\n")
    mapping = {
        "source": {"name": "mine", "licence": "MIT", "meter": "wall plug"},
        "constants": {"domain": "cv", "dataset": "cifar10"},
        "columns": {"model": "net", "energy_kwh": {"column": "joules", "unit": "J"}},
    }
    (tmp_path / "m.json").write_text(json.dumps(mapping))
    words = ("import", "csv", tmp_path / "t.csv", "--mapping", tmp_path / "m.json", "--store", tmp_path / "store")
    dry = command(*words, "--dry-run", "--json")
    assert dry.returncode == 0 and not (tmp_path / "store").exists()
    done = command(*words)
    assert done.returncode == 0 and "1 of 2 rows mapped" in done.stdout and "lines 3" in done.stdout
    (run,) = Store(tmp_path / "store").runs()
    assert run.origin == "imported:mine" and run.energy_kwh == pytest.approx(1.0)
    assert command(*words, "-q").stdout.split() == [run.run_id]
    assert command("validate", tmp_path / "store").returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import", "zeuss", "."), "did you mean 'zeus'"),
        (("import", "csv", "t.csv"), "needs a mapping"),
        (("import", "zeus", "/nonexistent"), "no file"),
        (("build", "--to", "x", "--store", "/nonexistent", "--version", "1.0.0"), "no runs at /nonexistent"),
        (("build", "--to", "x", "--store", "/nonexistent"), "--version"),
        (("reprot",), "reprot"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(command, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = command(*words)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr
    assert len(done.stderr.splitlines()) <= 2 and list(tmp_path.iterdir()) == []


def test_the_command_starts_without_heavy_imports():
    code = (
        "import sys; sys.argv = ['ecotaskset', '--help']\n"
        "from ecotaskset.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pyarrow', 'pydantic', 'datasets', 'pandas', 'matplotlib', 'sklearn', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
