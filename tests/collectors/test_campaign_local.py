"""The local engine with real processes: kill -9, Ctrl-C at any moment, data that cannot be had, resume."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from ecotaskset.run import Run
from ecotaskset.store import STORE_VARIABLE, Store

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
LONG, SHORT = 5000, 2
"""Epochs: `LONG` never ends within a test."""
START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal; a shell's background jobs ignore it
from collectors.cli import main; main()
"""
STOPPED_WHILE_STARTING_A_RUN = f"""
import os, signal
import collectors.campaign.local as local
start = local._start
def stopped(*words):
    os.kill(os.getpid(), signal.SIGTERM)
    return start(*words)
local._start = stopped
{START}
"""


class Driver:
    """`green-collect --campaign … --json` as a process, its events read as they come."""

    def __init__(self, folder, blocks, *options, code=START):
        design = folder / "mine.yaml"
        defaults = {"domain": "cv", "dataset": "digits", "model": "mlp", "batch_size": 64}
        design.write_text(yaml.safe_dump({"defaults": defaults, "designs": blocks}))
        self.store = Store(folder / "store")
        words = ["--campaign", str(design), "--store", str(self.store.path), "--cache", str(folder / "cache")]
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words, "--json", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1", STORE_VARIABLE: str(self.store.path)},
        )  # fmt: skip

    def until(self, name: str, **wanted) -> dict:
        """The next event of that name with those values."""
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == name and all(event.get(key) == value for key, value in wanted.items()):
                return event
        raise AssertionError(f"no '{name}' came: {self.process.stderr.read()[-2000:]}")

    def started(self) -> list[psutil.Process]:
        """All living processes that came of this one, whoever their parent is by now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get(STORE_VARIABLE) == str(self.store.path)
                if ours and process.pid != self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def end(self) -> tuple[int, str]:
        """Exit code and what was said on stderr."""
        _, talk = self.process.communicate(timeout=120)
        return self.process.returncode, talk


def grid(**fields) -> dict:
    return {"grid": fields}


def test_kill_9_costs_that_run_only_and_it_is_tried_again(tmp_path):
    jobs = min(2, CORES)
    blocks = [grid(epochs=[LONG]), grid(epochs=[SHORT], learning_rate=[0.001, 0.002])]
    driver = Driver(tmp_path, blocks, "--jobs", str(jobs))
    epoch = driver.until("epoch", epochs=LONG)
    os.kill(epoch["pid"], signal.SIGKILL)
    code, talk = driver.end()
    assert code == 5 and "killed by signal 9" in talk and "Traceback" not in talk
    runs = {run.epochs: run for run in driver.store.runs()}
    assert sorted(run.status for run in driver.store.runs()) == ["completed", "completed", "interrupted"]
    assert runs[LONG].epochs_run >= 1 and runs[LONG].energy_kwh > 0 and runs[LONG].curve_train_loss[0] > 0
    assert runs[SHORT].cpu_threads == CORES // jobs
    plan = Driver(tmp_path, blocks, "--dry-run")
    todo = json.loads(plan.process.communicate(timeout=60)[0])
    assert (todo["n_already_done"], [recipe["epochs"] for recipe in todo["recipes"]]) == (2, [LONG])


def test_ctrl_c_keeps_what_was_under_way_and_says_130(tmp_path):
    driver = Driver(tmp_path, [grid(epochs=[LONG], learning_rate=[0.001, 0.002])])
    driver.until("epoch")
    driver.process.send_signal(signal.SIGINT)
    code, talk = driver.end()
    assert code == 130 and "Traceback" not in talk and "run the same command again" in talk
    (run,) = driver.store.runs()
    assert run.status == "interrupted" and run.epochs_run >= 1 and run.energy_kwh > 0


def test_ctrl_c_twice_stops_at_once_and_leaves_a_readable_store(tmp_path):
    driver = Driver(tmp_path, [grid(epochs=[SHORT]), grid(epochs=[LONG], learning_rate=[0.001, 0.002])])
    pid = driver.until("epoch", epochs=LONG)["pid"]
    os.kill(pid, signal.SIGSTOP)  # a run that does not react to the first Ctrl-C
    driver.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert driver.process.poll() is None
    since = time.monotonic()
    driver.process.send_signal(signal.SIGINT)
    code, talk = driver.end()
    assert code == 130 and time.monotonic() - since < 10 and "Traceback" not in talk
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.05)
    assert [run.epochs for run in driver.store.runs() if run.status == "completed"] == [SHORT]
    assert driver.store.damaged() == []


def soon(happens, seconds=60.0) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happens()


@pytest.mark.parametrize(
    "send, number",
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM), (os.killpg, signal.SIGTERM)],
    ids=["a terminal's ctrl-c", "kill", "the end of a systemd unit"],
)
def test_stopped_while_torch_is_loading_nothing_is_trained_and_nothing_stays(tmp_path, send, number):
    driver = Driver(tmp_path, [grid(epochs=[LONG], learning_rate=[0.001, 0.002])])
    driver.until("plan")
    assert soon(lambda: any("forkserver" in " ".join(process.cmdline()) for process in driver.started()))
    time.sleep(0.5)  # into its imports
    send(driver.process.pid, number)
    code, talk = driver.end()
    assert code == 130 and "Traceback" not in talk and "run the same command again" in talk
    assert soon(lambda: not driver.started()) and driver.store.runs() == []


def test_a_run_that_is_being_started_when_the_campaign_is_stopped_stops_too(tmp_path):
    driver = Driver(tmp_path, [grid(epochs=[LONG], learning_rate=[0.001, 0.002])], code=STOPPED_WHILE_STARTING_A_RUN)
    code, talk = driver.end()
    assert code == 130 and "Traceback" not in talk
    assert soon(lambda: not driver.started()) and {run.status for run in driver.store.runs()} <= {"interrupted"}


def test_a_store_that_breaks_meanwhile_ends_the_campaign_and_costs_nobody_a_run(tmp_path):
    driver = Driver(tmp_path, [grid(epochs=[20, 30])])
    driver.until("epoch")
    driver.store.path.mkdir()
    (driver.store.path / "runs").write_text("a file where the runs should be")
    code, talk = driver.end()
    assert code == 2 and "cannot write" in talk and "Traceback" not in talk
    kept = Path(re.search(r"the run is in (\S+\.json)", talk)[1])
    assert Run.model_validate_json(kept.read_bytes()).status == "completed"
    shutil.rmtree(kept.parents[1])


def test_data_that_cannot_be_had_is_a_failed_run_and_the_campaign_goes_on(tmp_path):
    blocks = [{"list": [{"dataset": "cifar10", "epochs": 1}, {"epochs": SHORT}]}]
    code, talk = Driver(tmp_path, blocks).end()
    assert code == 5 and "cannot be had" in talk and "Traceback" not in talk
    failed, good = sorted(Store(tmp_path / "store").runs(), key=lambda run: run.dataset)
    assert (failed.status, good.status) == ("failed", "completed")
    assert "cifar10" in failed.status_reason and failed.energy_kwh > 0 and failed.epochs_run == 0
    code, talk = Driver(tmp_path, blocks).end()  # again: both are done
    assert code == 0 and "2 already in the store" in talk and len(Store(tmp_path / "store").runs()) == 2


def test_more_jobs_than_cores_are_refused(tmp_path):
    code, talk = Driver(tmp_path, [grid(epochs=[1])], "--jobs", str(CORES + 1)).end()
    assert code == 2 and f"--jobs {CORES + 1} does not fit" in talk


def test_a_run_of_a_campaign_may_have_data_loader_workers(tmp_path):
    driver = Driver(tmp_path, [grid(epochs=[1], knobs={"dataloader_workers": [1]})])
    code, talk = driver.end()
    assert code == 0, talk
    (run,) = driver.store.runs()
    assert run.status == "completed"
