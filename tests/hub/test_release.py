"""Releasing: same input, same bytes; one commit, one tag; old versions stay what they are."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import datasets
import pytest
import yaml
from huggingface_hub import HfApi
from people import REPO, a_run, a_store, disguised, send_raw

from ecotaskset import load_dataset
from ecotaskset.errors import HubError, UsageError
from ecotaskset.hub import fetch, push, release, review
from ecotaskset.hub.accepted import Accepted
from ecotaskset.hub.releases import build

DAY = "2026-11-21"


@pytest.fixture
def boss(hub):
    hub.add_repo(REPO)
    return hub.add_user("boss", orgs=("green",))


def some_runs(start: int, count: int, **changes):
    return [a_run(n, learning_rate=1e-4 * (1 + n), **changes) for n in range(start, start + count)]


def first_release(boss, tmp_path, count: int = 30):
    push(a_store(tmp_path / "first", *some_runs(0, count)), REPO, token=boss.token)
    return release("1.0.0", REPO, token=boss.token, released_on=DAY)


def ids_of(loaded) -> set[str]:
    return {run_id for split in loaded.values() for run_id in split["run_id"]}


def test_a_release_is_one_commit_with_data_card_changelog_manifest_and_a_tag(hub, boss, tmp_path):
    done = first_release(boss, tmp_path)
    repo = hub.repo(REPO)
    assert repo.refs["refs/tags/v1.0.0"] == repo.refs["refs/heads/main"] == done.commit
    files = repo.resolve("v1.0.0").files
    assert {"README.md", "CHANGELOG.md", "data/manifest.json"} <= set(files)
    for file in done.manifest["files"]:
        assert hashlib.sha256(files[f"data/{file['path']}"].data).hexdigest() == file["sha256"]
    front = yaml.safe_load(files["README.md"].data.decode().split("---")[1])
    assert [(c["config_name"], c["version"], c.get("default")) for c in front["configs"]] == [("cv", "1.0.0", True)]
    assert "- 30 runs added (cv 30), 30 in all" in files["CHANGELOG.md"].data.decode()
    assert sum(1 for entry in hub.faults.log if entry.path.endswith("/commit/main")) == 2


def test_everybody_loads_it_by_tag_and_gets_the_same_rows_for_ever(hub, boss, tmp_path, go_offline):
    first_release(boss, tmp_path)
    wanted = {run.run_id for run in some_runs(0, 30)}
    assert ids_of(datasets.load_dataset(REPO, "cv", revision="v1.0.0")) == wanted
    push(a_store(tmp_path / "second", *some_runs(30, 5)), REPO, token=boss.token)
    release("1.1.0", REPO, token=boss.token, released_on=DAY)
    more = {run.run_id for run in some_runs(0, 35)}
    assert ids_of(load_dataset("cv", repo=REPO, revision="v1.0.0")) == wanted
    assert ids_of(load_dataset("cv", repo=REPO, revision="v1.1.0")) == more
    assert ids_of(datasets.load_dataset(REPO, "cv", revision="v1.0.0")) == wanted
    assert ids_of(datasets.load_dataset(REPO, "cv", revision="v1.1.0")) == more
    streamed = datasets.load_dataset(REPO, "cv", split="train", revision="v1.0.0", streaming=True)
    assert {row["run_id"] for row in streamed} <= wanted
    go_offline()
    assert ids_of(load_dataset("cv", repo=REPO, revision="v1.0.0")) == wanted
    assert ids_of(load_dataset("cv", repo=REPO, revision="v1.1.0")) == more
    with pytest.raises(HubError, match=r"v0\.9\.0.*not in the cache"):
        load_dataset("cv", repo=REPO, revision="v0.9.0")


def test_a_release_streams_pinned_to_its_commit_and_joins_a_store(hub, boss, tmp_path):
    first_release(boss, tmp_path)
    wanted = {run.run_id for run in some_runs(0, 30)}
    streamed = load_dataset("cv", repo=REPO, revision="v1.0.0", streaming=True)
    push(a_store(tmp_path / "second", *some_runs(30, 5)), REPO, token=boss.token)
    release("1.1.0", REPO, token=boss.token, released_on=DAY)
    assert {row["run_id"] for rows in streamed.values() for row in rows} == wanted
    newest = load_dataset(repo=REPO, streaming=True)
    assert sum(1 for rows in newest.values() for _ in rows) == 35
    asked = [entry.path for entry in hub.faults.log if entry.path.endswith(".parquet")]
    assert asked and all("/resolve/v1.0.0/" not in path for path in asked), "by commit, not by a tag that could move"
    mine = a_store(tmp_path / "mine", *some_runs(20, 20))
    assert ids_of(load_dataset("cv", repo=REPO, revision="v1.0.0", add_store=mine.path)) == {
        run.run_id for run in some_runs(0, 40)
    }
    with pytest.raises(UsageError, match="no runs of nlp"):
        load_dataset("nlp", repo=REPO, streaming=True)
    with pytest.raises(HubError, match=r"v0\.9\.0"):
        load_dataset("cv", repo=REPO, revision="v0.9.0", streaming=True)


def test_no_recipe_changes_its_split_from_one_release_to_the_next(hub, boss, tmp_path):
    first_release(boss, tmp_path)
    push(a_store(tmp_path / "s", *some_runs(30, 10)), REPO, token=boss.token)
    release("1.1.0", REPO, token=boss.token)
    old, new = (load_dataset("cv", repo=REPO, revision=tag) for tag in ("v1.0.0", "v1.1.0"))
    for split, rows in old.items():
        assert set(rows["recipe_id"]) <= set(new[split]["recipe_id"])


def test_same_input_same_bytes(tmp_path):
    def built(name: str, runs) -> dict[str, bytes]:
        (tmp_path / name / "out").mkdir(parents=True)
        main = Accepted("0" * 40, tmp_path / name, submitted=list(runs))
        build(main, tmp_path / name / "out", "1.0.0", repo=REPO, released_on=DAY)
        out = tmp_path / name / "out"
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    runs = some_runs(0, 40, contributor="ada")
    assert built("one", runs) == built("two", reversed(runs))


def test_version_rules(hub, boss, tmp_path):
    first_release(boss, tmp_path)
    for version, words in (
        ("1.0.0", "released already"),
        ("0.9.0", "older"),
        ("1.1", "X.Y.Z"),
        ("1.1.0", "nothing new"),
    ):
        with pytest.raises(UsageError, match=words):
            release(version, REPO, token=boss.token)
    with pytest.raises(HubError, match="may not release"):
        release("1.1.0", REPO, token=hub.add_user("eve").token)


@pytest.mark.parametrize(
    "how", [{"status": 500, "after": True}, {"cut": True, "after": True}, {"status": 503, "times": 2}]
)
@pytest.mark.parametrize("where", ["/commit/main$", "/tag/"])
def test_trouble_gives_one_commit_and_one_tag(hub, boss, tmp_path, where, how):
    push(a_store(tmp_path, *some_runs(0, 3)), REPO, token=boss.token)
    hub.fail("POST", where, **how)
    done = release("1.0.0", REPO, token=boss.token)
    titles = [commit.title for commit in hub.repo(REPO).history(hub.repo(REPO).resolve("main"))]
    assert titles.count("Release v1.0.0") == 1
    assert hub.repo(REPO).refs["refs/tags/v1.0.0"] == done.commit


def test_killed_between_commit_and_tag_the_same_command_finishes(hub, boss, tmp_path):
    done = first_release(boss, tmp_path, 3)
    del hub.repo(REPO).refs["refs/tags/v1.0.0"]
    again = release("1.0.0", REPO, token=boss.token)
    assert again.commit == done.commit == hub.repo(REPO).refs["refs/tags/v1.0.0"]


def test_a_push_in_the_middle_of_a_release_is_not_lost(hub, boss, tmp_path, monkeypatch):
    push(a_store(tmp_path / "a", *some_runs(0, 3)), REPO, token=boss.token)
    commit, late = HfApi.create_commit, [False]

    def raced(self, *arguments, **named):
        if named["commit_message"].startswith("Release") and not late[0]:
            late[0] = True
            push(a_store(tmp_path / "b", *some_runs(3, 2)), REPO, token=boss.token)
        return commit(self, *arguments, **named)

    monkeypatch.setattr(HfApi, "create_commit", raced)
    done = release("1.0.0", REPO, token=boss.token)
    assert late[0] and done.manifest["runs"] == 5


def test_accepted_rows_that_fail_at_release_are_left_out_and_named(hub, boss, tmp_path):
    """Somebody with write access put a file straight onto main."""
    push(a_store(tmp_path, *some_runs(0, 3)), REPO, token=boss.token)
    send_raw(hub.url, boss.token, disguised(b"PAR1 not really PAR1", ["0" * 16], "boss"), create_pr=False)
    done = release("1.0.0", REPO, token=boss.token)
    assert done.manifest["runs"] == 3 and [f[0].code for f in done.left_out.values()] == ["E008"]
    assert "1 accepted rows left out" in done.changes


def test_trust_follows_from_facts(hub, boss, tmp_path):
    ada, eve = hub.add_user("ada"), hub.add_user("eve")
    push(a_store(tmp_path / "a", a_run(0), a_run(1), a_run(2, learning_rate=0.5)), REPO, token=ada.token)
    push(a_store(tmp_path / "e", a_run(3)), REPO, token=eve.token)
    review(REPO, token=boss.token)
    release("1.0.0", REPO, token=boss.token)
    trust = {}
    for rows in load_dataset("cv", repo=REPO, revision="v1.0.0").values():
        trust |= dict(zip(rows["learning_rate"], rows["trust"], strict=True))
    assert trust == {1e-3: "reproduced", 0.5: "self_reported"}


def test_loads_while_the_next_release_is_being_made(hub, boss, tmp_path):
    first_release(boss, tmp_path, 10)
    push(a_store(tmp_path / "b", *some_runs(10, 5)), REPO, token=boss.token)
    counts: list[int] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            counts.append(len(ids_of(load_dataset("cv", repo=REPO, revision="v1.0.0"))))

    thread = threading.Thread(target=load)
    thread.start()
    release("1.1.0", REPO, token=boss.token)
    stop.set()
    thread.join()
    assert counts and set(counts) == {10}


def test_a_damaged_cache_is_noticed(hub, boss, tmp_path):
    first_release(boss, tmp_path, 3)
    folder = fetch(REPO, revision="v1.0.0")
    path = next((folder / "data").glob("cv/*.parquet")).resolve()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(HubError, match="differs from the manifest"):
        fetch(REPO, revision="v1.0.0")


def test_through_fsspec_from_anywhere(hub, boss, tmp_path, monkeypatch):
    import pandas

    first_release(boss, tmp_path)
    push(a_store(tmp_path / "b", *some_runs(30, 20)), REPO, token=boss.token)
    release("1.1.0", REPO, token=boss.token)
    monkeypatch.chdir(tmp_path)
    counts = {}
    for tag in ("v1.0.0", "v1.1.0"):
        address = f"ecotaskset://{REPO}@{tag}/cv/train.parquet"
        counts[tag] = len(pandas.read_parquet(address))
        loaded = datasets.load_dataset("parquet", data_files={"train": address.replace(".parquet", "-*.parquet")})
        assert len(loaded["train"]) == counts[tag]
    assert counts["v1.0.0"] < counts["v1.1.0"]


def test_manifest_and_card_tell_the_same(hub, boss, tmp_path):
    first_release(boss, tmp_path)
    folder = Path(fetch(REPO, revision="v1.0.0"))
    card, manifest = (folder / "README.md").read_text(), json.loads((folder / "data" / "manifest.json").read_text())
    assert f"{manifest['runs']} real training runs" in card and f'revision="v{manifest["version"]}"' in card
