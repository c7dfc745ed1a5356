"""The wheel, installed without extras in a clean environment, is a product of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.house import ROOT

BASE_ONLY = """
import json, sys
from ecotaskset import load_dataset, Recipe, Store
from green_predictor import recommend
splits = {domain: sorted(load_dataset(domain)) for domain in ("cv", "nlp", "recsys")}
r = recommend(domain="cv", dataset="digits", prefer={"energy": 0.5})
heavy = [m for m in ("torch", "gradio") if m in sys.modules]
print(json.dumps({"splits": splits, "command": r.command, "heavy": heavy}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel, tmp_path_factory):
    """A Python that has the wheel and its base dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--constraint", ROOT / "constraints.txt", wheel], check=True, capture_output=True, timeout=280
    )
    return python


def test_the_wheel_holds_code_data_and_types_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"ecotaskset", "collectors", "green_predictor", "space"}
    for needed in ("ecotaskset/py.typed", "ecotaskset/README.md", "space/README.md", "collectors/py.typed"):
        assert needed in names
    assert any(name.startswith("ecotaskset/data/cv/train-") for name in names)
    assert wheel.stat().st_size < 10_000_000


@pytest.mark.timeout(600)
def test_without_extras_data_and_predictor_work_from_any_directory(clean_python, tmp_path):
    done = subprocess.run([clean_python, "-c", BASE_ONLY], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    shown = json.loads(done.stdout.splitlines()[-1])
    assert shown["heavy"] == [] and shown["command"].startswith("green-collect ")
    assert all("train" in splits for splits in shown["splits"].values())


@pytest.mark.timeout(600)
def test_without_extras_the_collector_says_in_one_line_what_to_install(clean_python, tmp_path):
    command = Path(clean_python).parent / "green-collect"
    done = subprocess.run([command, "--list"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install 'ecotaskset[collect]'" in done.stderr
    done = subprocess.run([clean_python, "-c", "from collectors import RunRecorder"], capture_output=True, text=True)
    assert "pip install 'ecotaskset[collect]'" in done.stderr.splitlines()[-1]
