"""A real Ray cluster on this machine: two workers, one killed in the middle; every run exactly once."""

from __future__ import annotations

import os
import signal
import time

import pytest

from collectors.campaign import make_campaign, run_campaign
from ecotaskset.console import Output
from ecotaskset.store import Store

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'ecotaskset[ray]'")
psutil = pytest.importorskip("psutil")

N_RUNS = 4


def _busy_workers() -> list[int]:
    """Processes of ours that Ray runs a training in: it names a worker after the task it executes."""
    mine = psutil.Process().children(recursive=True)
    return [p.pid for p in mine if p.is_running() and any("_train_remotely" in word for word in p.cmdline())]


def _kill_one_when_busy(result: list[int]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not result:
        for pid in _busy_workers():
            time.sleep(0.5)  # into the training, not at its start
            os.kill(pid, signal.SIGKILL)
            result.append(pid)
            return
        time.sleep(0.1)


@pytest.mark.timeout(290)
def test_a_killed_worker_costs_nothing_but_time(tmp_path, monkeypatch):
    import threading

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    block = {"grid": {"domain": "cv", "dataset": "digits", "model": "resnet-tiny", "epochs": 4}, "seeds": N_RUNS}
    campaign = make_campaign({"designs": [block]})
    killed: list[int] = []
    killer = threading.Thread(target=_kill_one_when_busy, args=(killed,))
    killer.start()
    run_campaign(campaign, tmp_path / "store", Output(quiet=True), jobs=2, engine="ray", cache_dir=tmp_path / "cache")
    killer.join()
    runs = Store(tmp_path / "store").runs()
    assert killed, "no worker was seen at work"
    assert sorted(run.seed for run in runs) == list(range(N_RUNS))
    assert {run.status for run in runs} == {"completed"}
    assert {run.cpu_threads for run in runs} == {1} and all(run.energy_kwh > 0 for run in runs)
