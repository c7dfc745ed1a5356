"""CPU seconds of process trees whose members fork, end early, are orphaned, ignored or killed."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from burn import burn_cpu

from collectors.metering import EnergyMeter
from collectors.metering.process_tree import ProcessTree

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs procfs")

_BURN = "import sys; sys.path.insert(0, {path!r}); from burn import burn_cpu; burn_cpu({seconds})"


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def _burner(seconds: float) -> str:
    return _BURN.format(path=str(Path(__file__).parent), seconds=seconds)


@pytest.fixture
def tree():
    tree = ProcessTree()
    begin = tree.cpu_seconds()
    tree.spent = lambda: tree.cpu_seconds() - begin  # type: ignore[attr-defined]
    return tree


def test_own_and_living_and_reaped_children_are_counted(tree):
    burn_cpu(0.2)
    child = subprocess.Popen(_python(_burner(0.3) + "; import time; time.sleep(30)"))
    while tree.spent() < 0.5:
        time.sleep(0.02)
    alive = tree.spent()
    child.terminate()
    child.wait()
    assert alive == pytest.approx(0.5, abs=0.15)
    assert tree.spent() == pytest.approx(alive, abs=0.05)  # moved from the child's clock to ours: not lost, not doubled


def _booked() -> float:
    """CPU seconds of this process and of the children it has waited for, as the kernel keeps them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def test_a_child_that_came_and_went_between_two_reads_is_counted():
    tree = ProcessTree()
    seen, booked = tree.cpu_seconds(), _booked()
    subprocess.run(_python(_burner(0.3)), check=True)
    seen, booked = tree.cpu_seconds() - seen, _booked() - booked
    assert seen >= 0.3 and seen == pytest.approx(booked, abs=0.05)  # the interpreter's own start is work, too


def test_grandchildren_count_and_a_killed_parent_does_not_take_its_children_s_time_along(tree):
    grandchild = _burner(0.3) + "; print(flush=True); import time; time.sleep(30)"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {grandchild!r}])"
    code += "; time.sleep(30)"
    own = time.process_time()
    child = subprocess.Popen(_python(code), stdout=subprocess.PIPE)

    def spent() -> float:  # of the descendants: what this process itself does meanwhile is another matter
        return tree.spent() - (time.process_time() - own)

    child.stdout.readline()  # the grandchild has burnt its share and sleeps
    before = spent()
    grandchildren = tree.members() - {os.getpid(), child.pid}
    child.kill()
    child.wait()
    orphaned = spent()
    slack = 0.1  # starting and ending a process costs some, on a busy machine more; its 0.3 s lost or twice would show
    assert before >= 0.3 and orphaned == pytest.approx(before, abs=slack)
    for pid in grandchildren:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert spent() == pytest.approx(orphaned, abs=slack)  # reaped by a stranger: what was last seen stays booked
    child.stdout.close()


def test_children_reaped_by_nobody_stay_booked():
    """With SIGCHLD ignored the kernel drops a child's times; the ledger keeps what was last seen."""
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        tree = ProcessTree()
        begin = tree.cpu_seconds()
        pid = os.fork()
        if pid == 0:
            burn_cpu(0.2)
            time.sleep(30)
            os._exit(0)
        deadline = time.monotonic() + 10
        while tree.cpu_seconds() - begin < 0.2 and time.monotonic() < deadline:
            time.sleep(0.02)
        before = tree.cpu_seconds()
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        assert before - begin >= 0.2
        assert tree.cpu_seconds() >= before
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_the_total_never_falls_while_children_churn_and_ends_at_what_the_kernel_booked(tree):
    seen, begin = [tree.spent()], _booked()
    children: list[int] = []
    for round_ in range(60):
        pid = os.fork()
        if pid == 0:
            burn_cpu(0.005)
            os._exit(0)
        children.append(pid)
        seen.append(tree.spent())
        if round_ % 3 == 0:
            os.waitpid(children.pop(0), 0)
            seen.append(tree.spent())
    for pid in children:
        os.waitpid(pid, 0)
    seen.append(tree.spent())
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] == pytest.approx(_booked() - begin, abs=0.02)


def test_data_loader_workers_that_end_inside_a_window_are_in_it(no_powercap):
    with EnergyMeter(around=no_powercap) as meter, meter.window("data"):
        workers = [subprocess.Popen(_python(_burner(0.2))) for _ in range(2)]
        for worker in workers:
            worker.wait()
    assert meter.report().windows["data"].cpu_time_s == pytest.approx(0.4, abs=0.15)


def test_a_tree_can_be_watched_from_outside():
    child = subprocess.Popen(_python(_burner(0.2) + "; import time; time.sleep(30)"))
    try:
        tree = ProcessTree(root=child.pid)
        deadline = time.monotonic() + 10
        while tree.cpu_seconds() < 0.2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert tree.cpu_seconds() == pytest.approx(0.2, abs=0.1)
    finally:
        child.kill()
        child.wait()


def test_where_the_kernel_lists_no_children_they_are_found_by_their_parents(tree):
    tree.listed = False
    child = subprocess.Popen(_python(_burner(0.2) + "; import time; time.sleep(30)"))
    deadline = time.monotonic() + 10
    while tree.spent() < 0.2 and time.monotonic() < deadline:
        time.sleep(0.02)
    alive = tree.spent()
    child.kill()
    child.wait()
    assert alive >= 0.2 and tree.spent() == pytest.approx(alive, abs=0.1)


def test_without_procfs_this_process_and_reaped_children_still_count(tmp_path):
    tree = ProcessTree(proc=str(tmp_path))
    begin = tree.cpu_seconds()
    burn_cpu(0.1)
    subprocess.run(_python(_burner(0.2)), check=True)
    assert not tree.sees_living
    assert tree.cpu_seconds() - begin == pytest.approx(0.3, abs=0.1)
