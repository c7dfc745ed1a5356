"""Starting the app: which runs answer, what is said when they cannot be had, and what is light to import."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecotaskset.run import Run
from ecotaskset.store import Store
from space import sources, texts

NO_HUB = "http://127.0.0.1:9"  # the discard port: nobody listens


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )


def test_the_shipped_snapshot_answers_when_nothing_is_named(fresh: pytest.MonkeyPatch) -> None:
    fresh.delenv(sources.DATA_VARIABLE, raising=False)
    found = sources.source()
    assert found.data is None and found.warning is None and len(found.records) > 0
    assert f"{len(found.records):,} runs of the snapshot" in texts.header(found)


def test_a_store_of_ones_own_answers_when_it_is_named(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store(tmp_path / "mine")
    store.append(
        Run(
            domain="cv",
            dataset="mine",
            model="mlp",
            epochs=1,
            batch_size=8,
            learning_rate=0.1,
            weight_decay=0.0,
            seed=0,
        )
    )
    fresh.setenv(sources.DATA_VARIABLE, str(store.path))
    found = sources.source()
    assert [r["dataset"] for r in found.records] == ["mine"] and found.data == found.records
    assert "1 run of the store mine" in found.note


def test_a_release_without_a_revision_is_not_used_and_the_page_says_so(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv(sources.DATA_VARIABLE, "somebody/ecotaskset")
    found = sources.source()
    assert found.data is None and "names no revision" in (found.warning or "")
    assert "could not be used" in texts.header(found)


def test_a_saved_predictor_answers_when_it_is_named(fresh: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from green_predictor import recommend, storage
    from green_predictor.source import models_for

    storage.save(models_for(), tmp_path / "green", {})
    fresh.setenv(sources.MODEL_VARIABLE, str(tmp_path / "green"))
    found = sources.source()
    assert "predictor green" in texts.header(found) and found.warning is None
    asked = {"domain": "cv", "dataset": "digits", "prefer": {"energy": 0.5}}
    assert recommend(**asked, data=found.data).verdict == recommend(**asked).verdict


def test_a_predictor_that_cannot_be_read_is_not_used_and_the_page_says_so(
    fresh: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fresh.setenv(sources.MODEL_VARIABLE, str(tmp_path))
    found = sources.source()
    assert found.data is None and "could not be used" in texts.header(found)


def test_a_hub_that_cannot_be_reached_leaves_the_snapshot_and_a_note(tmp_path: Path) -> None:
    code = "from space.sources import source; import json; s = source(); print(json.dumps([s.warning, len(s.records)]))"
    done = python(code, HF_ENDPOINT=NO_HUB, HF_HOME=str(tmp_path), GREEN_SPACE_DATA="somebody/ecotaskset@v1.0.0")
    assert done.returncode == 0, done.stderr
    warning, count = json.loads(done.stdout.splitlines()[-1])
    assert "somebody/ecotaskset@v1.0.0 could not be used" in warning and count > 0


def test_a_taken_port_is_one_line_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = python(f"import sys; sys.argv[1:] = ['--port', '{port}']; from space.cli import main; main()")
    assert done.returncode == 2
    assert f"cannot serve on 127.0.0.1:{port}" in done.stderr and "Traceback" not in done.stderr


def test_a_store_that_is_not_there_is_one_line_and_exit_2(tmp_path: Path) -> None:
    code = "import sys; sys.argv[1:] = ['--store', sys.argv[1]]; from space.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "my-stroe")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""
    assert "no store at" in done.stderr and "my-stroe" in done.stderr
    assert "Traceback" not in done.stderr and "http" not in done.stderr


def test_asking_for_help_imports_no_web_framework() -> None:
    done = python(
        "import sys; from space.cli import app; from typer.testing import CliRunner;"
        "r = CliRunner().invoke(app, ['--help']); assert r.exit_code == 0 and '--port' in r.output, r.output;"
        "print([m for m in ('gradio', 'plotly', 'torch', 'sklearn', 'pandas') if m in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_answering_needs_no_deep_learning_framework() -> None:
    code = "import sys; from space import view; from space.state import Inputs; view.show(Inputs())"
    assert python(code + "; print('torch' in sys.modules)").stdout.strip().splitlines()[-1] == "False"


def test_a_store_with_hardly_a_run_gives_a_page_that_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "mine")
    store.append(
        Run(
            domain="nlp", dataset="mine", model="m", epochs=1, batch_size=8, learning_rate=0.1, weight_decay=0.0, seed=0
        )
    )
    code = "from space.page import build; from space import view; from space.state import Inputs; build()"
    done = python(f"{code}; print(view.show(Inputs())[0])", GREEN_SPACE_DATA=str(store.path))
    assert done.returncode == 0, done.stderr
    assert "green-verdict doubt" in done.stdout and "broke" not in done.stdout


def test_a_hosted_page_answers_for_the_machine_its_form_names(fresh: pytest.MonkeyPatch) -> None:
    from space.answer import Answer, answer
    from space.form import machine_choices
    from space.state import Inputs
    from space.take_away import command_line

    fresh.setattr("os.cpu_count", lambda: 999)  # a server that no run was made on
    fresh.setenv("SPACE_ID", "somebody/green")
    (label, value), (first, name), *_ = machine_choices()
    found, asked = answer(Inputs(machine=value)), answer(Inputs(machine=name))
    assert label == "The commonest in the data" and isinstance(found, Answer) and isinstance(asked, Answer)
    assert found.recommendation.hardware_basis == "a machine in the data" and name in first
    assert found.recommendation.to_dict() == asked.recommendation.to_dict()
    assert shlex.split(command_line(found))[-1] == name, "elsewhere, auto is another machine"


def test_the_commonest_machine_is_that_of_the_domain(fresh: pytest.MonkeyPatch) -> None:
    from space.question import commonest_machine

    rare, often = ({"device": "cuda", "gpu_model": name, "cpu_model": "a host"} for name in ("A100", "H200"))
    models = {"cv": SimpleNamespace(runs=[rare, often, often]), "nlp": SimpleNamespace(runs=[rare])}
    fresh.setattr("green_predictor.source.models_for", lambda data: models)
    commonest_machine.cache_clear()
    assert [commonest_machine(domain) for domain in ("cv", "nlp", "recsys")] == ["H200", "A100", "auto"]
    commonest_machine.cache_clear()


def test_the_spaces_card_is_one_the_hub_accepts() -> None:
    import yaml

    room = Path(sources.__file__).parent
    _, front, text = (room / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    card = yaml.safe_load(front)
    assert card["sdk"] == "gradio" and (room / card["app_file"]).is_file()
    assert len(card["short_description"]) <= 60  # the Hub's limit
    assert {card["colorFrom"], card["colorTo"]} <= {
        "red",
        "yellow",
        "green",
        "blue",
        "indigo",
        "purple",
        "pink",
        "gray",
    }
    assert "green-space" in text
