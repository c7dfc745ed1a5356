"""One line of versions for all commands, true and cheap."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ecotaskset.console import run_app
from tests.house import ROOT
from tests.test_readme import COMMANDS

ASKED = sorted(COMMANDS)
HEAVY = ("numpy", "pyarrow", "datasets", "pandas", "sklearn", "torch", "gradio")


def shown(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    module, attribute = COMMANDS[name].split(":")
    app = getattr(__import__(module, fromlist=[attribute]), attribute)
    with pytest.raises(SystemExit) as ended:
        run_app(app, name, ["--version"])
    return ended.value.code, *capsys.readouterr()


@pytest.mark.parametrize("name", ASKED)
def test_every_command_says_the_versions_of_all_that_has_one(name, capsys):
    from ecotaskset import __version__
    from ecotaskset.run import SCHEMA_VERSION
    from green_predictor.storage import FORMAT, read_facts

    data = json.loads((ROOT / "ecotaskset" / "data" / "manifest.json").read_text())["version"]
    model = read_facts(ROOT / "green_predictor" / "model")["format"]
    line = f"package {__version__} · data {data} · schema {SCHEMA_VERSION} · model format {model}\n"
    assert shown(name, capsys) == (0, line, "") and model == FORMAT


def test_a_checkout_without_data_has_versions_too(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("ecotaskset.versions.MANIFEST", tmp_path / "manifest.json")
    assert " · data none · " in shown("ecotaskset", capsys)[1]


@pytest.mark.parametrize("name", ASKED)
def test_asking_for_versions_imports_nothing_heavy(name):
    module, attribute = COMMANDS[name].split(":")
    code = (
        f"import sys; from {module} import {attribute} as app; from ecotaskset.console import run_app\n"
        f"try: run_app(app, '{name}', ['--version'])\n"
        f"except SystemExit: print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
