"""The house keeps its shape: small files, one direction of imports, nothing heavy where people expect light."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

from tests import house

MEDIAN_LINES, LONGEST_FILE = 180, 450
HEAVY = ("torch", "transformers", "gradio")
NAMELESS = {"utils.py", "helpers.py", "common.py", "misc.py"}


def test_files_stay_small_enough_for_one_head():
    sizes = house.file_sizes()
    assert statistics.median(sizes.values()) <= MEDIAN_LINES
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_every_file_says_what_it_is_for():
    assert [name for name in house.file_sizes() if name.rsplit("/", 1)[-1] in NAMELESS] == []
    empty_allowed = [path for path in house.sources() if path.stat().st_size and not path.read_text().lstrip("#! \n")]
    undocumented = [
        house.name_of(path)
        for path in house.sources()
        if path.stat().st_size and not path.read_text().lstrip().startswith(('"""', "#!"))
    ]
    assert undocumented == [] and empty_allowed == []


def test_imports_go_one_way_only():
    assert house.forbidden_imports() == []


def test_broad_excepts_stand_at_process_boundaries_only():
    assert [place for place in house.broad_excepts() if place.rsplit(":", 1)[0] not in house.PROCESS_BOUNDARIES] == []


@pytest.mark.parametrize("package", ["ecotaskset", "green_predictor", "collectors"])
def test_importing_a_package_imports_nothing_heavy(package):
    code = f"import {package}, sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
