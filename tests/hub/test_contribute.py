"""Pushing: exactly once, whatever happens on the way, and nothing private in what leaves."""

from __future__ import annotations

import base64
import getpass
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from people import REPO, a_run, a_store

from ecotaskset.errors import HubError
from ecotaskset.hub import plan_push, push
from ecotaskset.hub.pushed import Marker, mark, markers
from ecotaskset.hub.submission import pack


@pytest.fixture
def ada(hub):
    hub.add_repo(REPO)
    return hub.add_user("ada")


def submissions(hub, revision: str) -> list[str]:
    return sorted(path for path in hub.repo(REPO).resolve(revision).files if path.startswith("submissions/"))


def test_one_pull_request_with_exactly_two_new_files(hub, ada, tmp_path):
    done = push(a_store(tmp_path, a_run(0), a_run(1)), REPO, token=ada.token)
    name = f"submissions/ada/{done.submission}"
    assert submissions(hub, "refs/pr/1") == [f"{name}.json", f"{name}.parquet"]
    assert submissions(hub, "main") == []
    data = hub.repo(REPO).resolve("refs/pr/1").files[f"{name}.parquet"].data
    assert [row["contributor"] for row in pq.read_table(io.BytesIO(data)).to_pylist()] == ["ada", "ada"]
    assert done.url.endswith(f"/datasets/{REPO}/discussions/1") and not done.direct


def test_second_push_sends_only_what_is_new(hub, ada, tmp_path):
    store = a_store(tmp_path, a_run(0))
    push(store, REPO, token=ada.token)
    assert push(store, REPO, token=ada.token).url is None
    store.append(a_run(1))
    again = push(store, REPO, token=ada.token)
    assert [run.run_id for run in again.plan.runs] == [a_run(1).run_id]
    assert len(hub.repo(REPO).discussions) == 2


def test_with_write_access_it_commits_to_main(hub, tmp_path):
    hub.add_repo(REPO)
    boss = hub.add_user("boss", orgs=("green",))
    done = push(a_store(tmp_path, a_run()), REPO, token=boss.token)
    assert done.direct and len(submissions(hub, "main")) == 2 and not hub.repo(REPO).discussions
    assert not push(a_store(tmp_path, a_run(1)), REPO, token=boss.token, pull_request=True).direct


def test_unacceptable_runs_stay_here_and_are_named(hub, ada, tmp_path):
    absurd = a_run(1, cpu_energy_kwh=5.0, energy_kwh=5.0, ram_energy_kwh=None, energy_high_kwh=6.0)
    done = push(a_store(tmp_path, a_run(0), absurd), REPO, token=ada.token)
    assert [run.run_id for run in done.plan.refused] == [absurd.run_id]
    assert "P101" in {finding.code for finding in done.plan.findings if finding.run_id == absurd.run_id}
    manifest = hub.repo(REPO).resolve("refs/pr/1").files[f"submissions/ada/{done.submission}.json"].data
    assert json.loads(manifest)["runs"] == [a_run(0).run_id]


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500, "after": True},
        {"cut": True, "after": True},
        {"cut": True},
        {"status": 503, "times": 3},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"status": 412},
        {"status": 409},
    ],
)
def test_trouble_at_the_commit_still_gives_one_pull_request(hub, ada, tmp_path, trouble):
    hub.fail("POST", "/commit/main$", **trouble)
    store = a_store(tmp_path, a_run())
    done = push(store, REPO, token=ada.token)
    assert len(hub.repo(REPO).discussions) == 1 and done.url.endswith("/discussions/1")
    assert push(store, REPO, token=ada.token).url is None


def test_while_it_is_unknown_whether_it_landed_nothing_is_sent_again(hub, ada, tmp_path):
    hub.fail("POST", "/commit/main$", status=500, after=True)
    hub.fail("POST", "/paths-info/main$", status=503, times=3, skip=1)
    push(a_store(tmp_path, a_run()), REPO, token=ada.token)
    assert hub.faults.count("POST", "/commit/main$") == 1


def test_trouble_that_stays_is_one_error_and_the_runs_stay_unpushed(hub, ada, tmp_path):
    hub.fail("POST", "/commit/main$", status=503, times=100)
    store = a_store(tmp_path, a_run())
    with pytest.raises(HubError, match=r"HTTP 503.*tried 6 times"):
        push(store, REPO, token=ada.token)
    assert hub.faults.count("POST", "/commit/main$") == 6
    assert len(plan_push(store, REPO).runs) == 1
    hub.faults.clear()
    assert push(store, REPO, token=ada.token).url


def test_killed_before_the_commit_it_is_sent_once(hub, ada, tmp_path):
    store = a_store(tmp_path, a_run())
    packed = pack([a_run()], "ada")
    mark(store, REPO, Marker(packed.submission_id, (a_run().run_id,), "sending"))
    assert push(store, REPO, token=ada.token).submission == packed.submission_id
    assert len(hub.repo(REPO).discussions) == 1


def test_killed_after_the_commit_it_is_not_sent_again(hub, ada, tmp_path):
    store = a_store(tmp_path, a_run())
    first = push(store, REPO, token=ada.token)
    (marker,) = markers(store, REPO)
    mark(store, REPO, Marker(marker.submission, marker.runs, "sending"))
    again = push(store, REPO, token=ada.token)
    assert (again.url, again.resumed, len(hub.repo(REPO).discussions)) == (None, 1, 1)
    assert markers(store, REPO)[0].url == first.url


@pytest.mark.parametrize("when", [{"after": True, "delay": 30.0}, {"status": 503, "delay": 30.0}])
def test_really_killed_in_the_middle_of_the_commit(hub, ada, tmp_path, when):
    """SIGKILL while the answer is awaited: once after the Hub did it, once before."""
    hub.fail("POST", "/commit/main$", **when)
    store = a_store(tmp_path, a_run())
    code = f"from ecotaskset.hub import push; from ecotaskset import Store; push(Store({str(tmp_path)!r}), {REPO!r})"
    environment = os.environ | {"HF_TOKEN": ada.token, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 60
    landed = when.get("after", False)
    while time.monotonic() < deadline and child.poll() is None:
        if hub.faults.waiting == 0 and bool(hub.repo(REPO).discussions) is landed:
            break
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert bool(hub.repo(REPO).discussions) is landed and markers(store, REPO)[0].state == "sending"
    push(store, REPO, token=ada.token)
    assert len(hub.repo(REPO).discussions) == 1 and markers(store, REPO)[0].state == "sent"


def test_a_copy_of_the_store_on_another_machine_sends_nothing_twice(hub, ada, tmp_path):
    push(a_store(tmp_path / "one", a_run()), REPO, token=ada.token)
    done = push(a_store(tmp_path / "two", a_run()), REPO, token=ada.token)
    assert done.url.endswith("/discussions/1") and len(hub.repo(REPO).discussions) == 1


@pytest.mark.parametrize(
    ("token", "words"),
    [(None, "no Hub token"), ("hf_wrong", "does not know this token"), ("read", "may only read")],
)
def test_token_trouble_is_one_line_with_the_remedy(hub, ada, tmp_path, token, words):
    token = hub.add_user("reader", role="read").token if token == "read" else token
    store = a_store(tmp_path, a_run())
    with pytest.raises(HubError, match=words) as caught:
        push(store, REPO, token=token)
    assert "hf auth login" in caught.value.hint and "\n" not in str(caught.value)
    assert len(plan_push(store, REPO).runs) == 1


def test_missing_repository_and_no_network_are_one_line(hub, ada, tmp_path, go_offline):
    with pytest.raises(HubError, match=r"green/none.*not found") as caught:
        push(a_store(tmp_path, a_run()), "green/none", token=ada.token)
    assert "--repo" in caught.value.hint
    go_offline()
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        push(a_store(tmp_path, a_run()), REPO, token=ada.token)


def test_nothing_private_leaves(hub, ada, tmp_path):
    """Greps every byte of every request, unpacking what is packed."""
    push(a_store(tmp_path / "private-store", a_run(0), a_run(1)), REPO, token=ada.token)
    seen = b""
    for entry in hub.faults.log:
        seen += entry.body + entry.path.encode() + entry.query.encode()
        for line in entry.body.splitlines() if entry.path.endswith("/commit/main") else []:
            value = json.loads(line)["value"]
            seen += base64.b64decode(value.get("content", ""))
        if entry.path.startswith("/lfs-put/"):
            seen += json.dumps(pq.read_table(io.BytesIO(entry.body)).to_pylist(), default=str).encode()
            seen += str(pq.read_schema(io.BytesIO(entry.body)).metadata).encode()
    assert a_run(0).run_id.encode() in seen
    for word in (socket.gethostname(), str(Path.home()), str(tmp_path), "private-store", ada.token):
        assert len(word) < 4 or word.encode() not in seen, word
    if getpass.getuser() not in ("root", "user", "runner"):
        assert getpass.getuser().encode() not in seen


@pytest.mark.parametrize(
    "text",
    [
        "adas-desk failed",
        str(Path.home() / "x"),
        "hf_abcdefghijklmnop",
        "saved in /home/z/data",
        "me@lab.org",
        "10.0.0.7",
    ],
)
def test_a_run_that_would_tell_something_private_is_kept_back(tmp_path, text, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "adas-desk")
    plan = plan_push(a_store(tmp_path, a_run(status="failed", status_reason=text)), REPO)
    assert not plan.runs and {finding.code for finding in plan.findings} >= {"E006"}


def test_the_stored_token_is_kept_back_too_whatever_it_looks_like(hub, tmp_path):
    import huggingface_hub.constants as constants

    Path(constants.HF_TOKEN_PATH).parent.mkdir(parents=True, exist_ok=True)
    Path(constants.HF_TOKEN_PATH).write_text("a-token-of-an-own-hub\n")
    text = "401 with a-token-of-an-own-hub"
    plan = plan_push(a_store(tmp_path / "store", a_run(status="failed", status_reason=text)), REPO)
    assert not plan.runs and [finding.code for finding in plan.findings] == ["E006"]
    assert "a-token" not in plan.findings[0].message


def test_sixteen_at_once_nothing_lost_nothing_doubled(hub, tmp_path):
    hub.add_repo(REPO)
    people = [hub.add_user(f"person{n}") for n in range(16)]
    hub.fail("POST", "/commit/main$", status=500, after=True, times=4)
    hub.fail("POST", "/commit/main$", status=429, times=4)
    errors: list[BaseException] = []

    def one(number: int) -> None:
        try:
            store = a_store(tmp_path / str(number), *(a_run(3 * number + k) for k in range(3)))
            push(store, REPO, token=people[number].token)
        except Exception as error:  # noqa: BLE001  (whatever it is, the assertion below shows it)
            errors.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(hub.repo(REPO).discussions) == 16
    sent = []
    for number in range(1, 17):
        files = hub.repo(REPO).resolve(f"refs/pr/{number}").files
        (data,) = [blob.data for path, blob in files.items() if path.endswith(".parquet")]
        sent += pq.read_table(io.BytesIO(data))["run_id"].to_pylist()
    assert sorted(sent) == sorted(a_run(n).run_id for n in range(48))


def test_sixteen_processes_of_one_person_and_one_store_send_it_once(hub, ada, tmp_path):
    store = a_store(tmp_path, *(a_run(n) for n in range(5)))
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda: results.append(push(store, REPO, token=ada.token).url)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 16 and sum(url is not None for url in results) == 1
    assert len(hub.repo(REPO).discussions) == 1
