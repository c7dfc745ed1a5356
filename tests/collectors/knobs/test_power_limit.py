"""The GPU's power limit: read back inside, put back after the run, after a failure and after a kill of the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from collectors.knobs.system import power_limit
from collectors.knobs.system.power_limit import limited_power
from ecotaskset.errors import UsageError

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
RESTORED_WITHIN_S = 10


@pytest.fixture
def card(tmp_path, monkeypatch):
    """The stand-in card, seen by this process and by those it starts; returns what its limit was set to, in mW."""
    shutil.copy(HERE / "stand_in_pynvml.py", tmp_path / "pynvml.py")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT}")
    monkeypatch.setenv("STAND_IN_NVML", str(tmp_path / "limits.json"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setattr(power_limit, "card_uuid", lambda device: "GPU-stand-in")
    yield lambda: json.loads((tmp_path / "limits.json").read_text()) if (tmp_path / "limits.json").exists() else []
    sys.modules.pop("pynvml", None)


def test_the_limit_holds_inside_and_is_put_back(card):
    with limited_power(120, torch.device("cuda")):
        assert card() == [120_000]
    assert card() == [120_000, 140_000]


def test_the_limit_is_put_back_after_a_failure(card):
    with pytest.raises(ZeroDivisionError), limited_power(110, torch.device("cuda")):
        raise ZeroDivisionError
    assert card() == [110_000, 140_000]


def test_the_limit_is_put_back_after_the_run_was_killed(card):
    code = (
        "import os, time, torch\n"
        "from collectors.knobs.system import power_limit\n"
        "power_limit.card_uuid = lambda device: 'GPU-stand-in'\n"
        "with power_limit.limited_power(105, torch.device('cuda')):\n"
        "    print('limited', flush=True); time.sleep(60)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert run.stdout.readline() == "limited\n" and card() == [105_000]
    os.killpg(run.pid, signal.SIGKILL)  # the whole group, as a scheduler would; the guard is in a group of its own
    run.wait()
    deadline = time.monotonic() + RESTORED_WITHIN_S
    while len(card()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert card() == [105_000, 140_000]


def test_a_limit_the_card_does_not_allow_is_refused_and_nothing_is_set(card):
    with pytest.raises(UsageError, match="outside of what this card allows, 100 to 140 W"), limited_power(300, None):
        pytest.fail("started")
    assert 300_000 not in card()


@pytest.mark.parametrize(
    ("failure", "reason"), [("no right", "may not be set here: Insufficient"), ("no driver", "needs an NVIDIA GPU")]
)
def test_without_rights_or_driver_the_reason_is_said(card, monkeypatch, failure, reason):
    monkeypatch.setenv("STAND_IN_NVML_FAILURE", failure)
    with pytest.raises(UsageError, match=reason), limited_power(120, None):
        pytest.fail("started")


def test_no_limit_asked_for_needs_no_card():
    with limited_power(None, torch.device("cpu")):
        pass
