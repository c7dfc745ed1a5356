"""A real Ray cluster on this machine: two workers, one killed in the middle; every run exactly once, with its share."""

from __future__ import annotations

import contextlib
import os
import threading
import time

import pytest

from collectors.campaign import make_campaign, run_campaign
from collectors.metering.sources.ram_model import W_PER_GB
from ecotaskset.console import Output
from ecotaskset.store import Store

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'ecotaskset[ray]'")
psutil = pytest.importorskip("psutil")

N_RUNS = 4
CORES = len(os.sched_getaffinity(0))


def share_of_memory(run) -> float:
    """The part of the machine's modelled memory that was booked to a run."""
    if run.ram_energy_source != "ram_model":
        pytest.skip("memory is measured here")
    return run.ram_energy_kwh * 3.6e6 / (W_PER_GB * run.ram_gb * run.duration_s)


@pytest.fixture(autouse=True)
def one_node(monkeypatch):
    """A cluster that knows of no other."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")


def _is_busy(process: psutil.Process) -> bool:
    """Whether Ray runs a training in it: it names a worker after the task it executes."""
    try:
        return any("_train_remotely" in word for word in process.cmdline())
    except psutil.Error:  # processes of a cluster come and go: it may have ended since it was listed
        return False


def _kill_one_when_busy(result: list[int]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for worker in filter(_is_busy, psutil.Process().children(recursive=True)):
            time.sleep(0.5)  # into the training, not at its start
            with contextlib.suppress(psutil.Error):  # it came to its end meanwhile: another one
                worker.kill()
                result.append(worker.pid)
                return
        time.sleep(0.1)


@pytest.mark.timeout(290)
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
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
    assert [share_of_memory(run) for run in runs] == pytest.approx([1 / CORES] * N_RUNS, rel=0.01)


def test_a_run_with_one_of_several_gpus_is_booked_its_share_of_the_node(tmp_path):
    recipe = {"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 2}
    ray.init(num_cpus=1, num_gpus=4, log_to_driver=False, include_dashboard=False)  # Ray believes in them
    try:
        run_campaign(make_campaign({"designs": [{"list": [recipe]}]}), tmp_path, Output(quiet=True), engine="ray")
    finally:
        ray.shutdown()
    (run,) = Store(tmp_path).runs()
    assert run.status == "completed" and share_of_memory(run) == pytest.approx(1 / 4, rel=0.01)
