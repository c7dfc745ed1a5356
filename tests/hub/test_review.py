"""Review: what is good is merged, what is hostile is refused and does no harm, what changes under way is caught."""

from __future__ import annotations

import copy
import pickle
from collections import Counter

import pyarrow as pa
import pytest
from people import REPO, a_run, a_store, disguised, parquet_of, rows_as_parquet, send_raw

from ecotaskset.errors import HubError
from ecotaskset.hub import push, review
from ecotaskset.hub.submission import pack
from ecotaskset.run import SCHEMA_VERSION, to_table


@pytest.fixture
def boss(hub):
    hub.add_repo(REPO)
    return hub.add_user("boss", orgs=("green",))


@pytest.fixture
def eve(hub):
    return hub.add_user("eve")


def files_on_main(hub) -> set[str]:
    return set(hub.repo(REPO).resolve("main").files) - {".gitattributes"}


def comments(hub, number: int) -> list[str]:
    events = hub.repo(REPO).discussions[number - 1]["events"]
    return [event["data"]["latest"]["raw"] for event in events[1:] if event["type"] == "comment"]


def refused(hub, boss, eve, files: dict[str, bytes], **how) -> Counter:
    """Send it, review it, see that it was refused, closed, explained, and left no trace on main; gives the codes."""
    send_raw(hub.url, eve.token, files, **how)
    (outcome,) = review(REPO, token=boss.token)
    assert (outcome.verdict, outcome.done) == ("refused", "closed")
    assert files_on_main(hub) == set() and hub.repo(REPO).discussions[0]["status"] == "closed"
    assert comments(hub, 1)[0].startswith("**refused**")
    return outcome.report.codes


def test_good_contribution_is_explained_row_by_row_and_merged(hub, boss, eve, tmp_path):
    done = push(a_store(tmp_path, a_run(0), a_run(1)), REPO, token=eve.token)
    (outcome,) = review(REPO, token=boss.token)
    assert (outcome.verdict, outcome.done, outcome.author) == ("accepted", "merged", "eve")
    assert files_on_main(hub) == {f"submissions/eve/{done.submission}{kind}" for kind in (".json", ".parquet")}
    assert "2 of 2 rows passed" in comments(hub, 1)[0] and outcome.head in comments(hub, 1)[0]
    assert review(REPO, token=boss.token) == []


def test_only_maintainers_review(hub, boss, eve):
    with pytest.raises(HubError, match="may not review"):
        review(REPO, token=eve.token)


def test_dry_run_judges_and_changes_nothing(hub, boss, eve, tmp_path):
    push(a_store(tmp_path, a_run()), REPO, token=eve.token)
    (outcome,) = review(REPO, token=boss.token, dry_run=True)
    assert (outcome.verdict, outcome.done) == ("accepted", "left open")
    assert files_on_main(hub) == set() and comments(hub, 1) == []


def test_pickle_renamed_to_parquet(hub, boss, eve, tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harmed"), "w"))

    assert refused(hub, boss, eve, disguised(pickle.dumps(Harm()), ["0" * 16])) == {"E008": 1}
    assert not (tmp_path / "harmed").exists()


def test_pickle_between_parquet_magic(hub, boss, eve, tmp_path):
    data = b"PAR1" + pickle.dumps({"x": 1}) * 10 + b"\x10\x00\x00\x00PAR1"
    assert refused(hub, boss, eve, disguised(data, ["0" * 16])) == {"E008": 1}


def test_parquet_bomb_is_not_unfolded(hub, boss, eve):
    """A few kilobytes that unfold to ten gigabytes, while the footer promises little."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["x" * 2_000_000]))
    table = to_table([a_run()]).take(pa.array([0] * 5000))
    bomb = parquet_of(table.set_column(table.schema.get_field_index("status_reason"), "status_reason", text))
    assert len(bomb) < 1_000_000
    assert refused(hub, boss, eve, disguised(bomb, [a_run().run_id])) == {"E002": 1}


def test_bomb_in_a_list_is_not_unfolded(hub, boss, eve):
    row = a_run().model_dump() | {"curve_train_loss": [0.5] * 3_000_000}
    bomb = rows_as_parquet([row])
    assert refused(hub, boss, eve, disguised(bomb, [a_run().run_id])) == {"E002": 1}


def test_a_million_rows(hub, boss, eve):
    table = to_table([a_run()]).take(pa.array([0] * 1_000_000))
    assert refused(hub, boss, eve, disguised(parquet_of(table), [a_run().run_id])) == {"E002": 1}


def test_more_bytes_than_allowed_is_not_downloaded(hub, boss, eve):
    data = b"PAR1" + bytes(17 * 1024 * 1024) + b"PAR1"
    assert refused(hub, boss, eve, disguised(data, ["0" * 16])) == {"E002": 1}
    assert not [entry for entry in hub.faults.log if entry.method == "GET" and entry.path.startswith("/cdn/")]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "data/cv/train-00000-of-00001.parquet",
        "submissions/eve/run.py",
        "submissions/eve/deep/0123456789abcdef.parquet",
        "submissions/0123456789abcdef.parquet",
        "submissions/eve/0123456789ABCDEF.json",
        "ecotaskset.py",
    ],
)
def test_path_outside_the_own_folder(hub, boss, eve, path):
    packed = pack([a_run()], "eve")
    files = {packed.data_path: packed.parquet, packed.manifest_path: packed.manifest, path: b"# mine"}
    assert refused(hub, boss, eve, files)["F601"] == 1


def test_path_traversal(hub, boss, eve, monkeypatch):
    """The client refuses to name such a path, so it is put into the repository as a broken server would."""
    packed = pack([a_run()], "eve")
    send_raw(hub.url, eve.token, {packed.data_path: packed.parquet, packed.manifest_path: packed.manifest})
    repo = hub.repo(REPO)
    head = repo.resolve("refs/pr/1")
    files = dict(head.files) | {"submissions/eve/../../README.md": head.files[packed.manifest_path]}
    repo.commit("refs/pr/1", files, "deeper", "eve")
    (outcome,) = review(REPO, token=boss.token)
    assert (outcome.verdict, outcome.done) == ("refused", "closed") and outcome.report.codes["F601"] == 1
    assert files_on_main(hub) == set()


def test_another_users_folder(hub, boss, eve):
    packed = pack([a_run()], "ada")
    files = {packed.data_path: packed.parquet, packed.manifest_path: packed.manifest}
    assert refused(hub, boss, eve, files)["F601"] == 2


def test_another_contributors_name_in_the_rows(hub, boss, eve):
    parquet = pack([a_run()], "ada").parquet
    assert refused(hub, boss, eve, disguised(parquet, [a_run().run_id])) == {"V403": 1}


def test_changing_or_deleting_what_is_there(hub, boss, eve, tmp_path):
    push(a_store(tmp_path, a_run()), REPO, token=boss.token)
    (_, manifest) = sorted(files_on_main(hub), reverse=True)
    send_raw(hub.url, eve.token, {manifest: b"{}"})
    (outcome,) = review(REPO, token=boss.token)
    assert outcome.verdict == "refused" and outcome.report.codes["F601"] == 1
    assert hub.repo(REPO).resolve("main").files[manifest].data != b"{}"


@pytest.mark.parametrize(("value", "code"), [(float("nan"), "E007"), (float("inf"), "E007"), (-1e-5, "E003")])
def test_numbers_that_cannot_be(hub, boss, eve, value, code):
    """All other impossible values are in the tests of the checks; these go the whole way."""
    row = a_run().model_dump() | {"contributor": "eve", "energy_kwh": value}
    assert refused(hub, boss, eve, disguised(rows_as_parquet([row]), [row["run_id"]])) == {code: 1}


def test_unknown_column_and_wrong_type(hub, boss, eve):
    table = to_table([a_run()]).append_column("evil", pa.array(["x"]))
    assert refused(hub, boss, eve, disguised(parquet_of(table), [a_run().run_id])) == {"E001": 1}


def test_rows_of_a_newer_version_wait_and_are_not_merged_unread(hub, boss, eve):
    row = a_run().model_dump() | {"contributor": "eve", "schema_version": SCHEMA_VERSION + 1, "water_kg": 1.0}
    schema = to_table([]).schema.append(pa.field("water_kg", pa.float64()))
    parquet = parquet_of(pa.Table.from_pylist([row], schema=schema))
    send_raw(hub.url, eve.token, disguised(parquet, [row["run_id"]]))
    (outcome,) = review(REPO, token=boss.token, accept_held=True)
    assert (outcome.verdict, outcome.done, outcome.report.codes) == ("held", "left open", {"E009": 1})
    assert files_on_main(hub) == set() and "upgrade" in comments(hub, 1)[0]


def test_manifest_that_lies(hub, boss, eve):
    packed = pack([a_run()], "eve")
    files = disguised(packed.parquet, [a_run().run_id], sha256="0" * 64)
    assert refused(hub, boss, eve, files) == {"F602": 1}


def test_manifest_that_is_missing(hub, boss, eve):
    packed = pack([a_run()], "eve")
    assert refused(hub, boss, eve, {packed.data_path: packed.parquet}) == {"F602": 1}


def test_somebody_elses_runs_again(hub, boss, eve, tmp_path):
    """The same measurement under another name would fake a reproduction."""
    ada = hub.add_user("ada")
    push(a_store(tmp_path / "a", a_run()), REPO, token=ada.token)
    assert review(REPO, token=boss.token)[0].done == "merged"
    push(a_store(tmp_path / "b", a_run()), REPO, token=eve.token)
    relabelled = a_run(collected_at="2026-11-02T00:00:00Z", gpu_energy_method="none here")
    push(a_store(tmp_path / "c", relabelled), REPO, token=eve.token)
    outcomes = review(REPO, token=boss.token)
    assert [(o.done, o.report.codes["D303"]) for o in outcomes] == [("closed", 1), ("closed", 1)]


def test_nothing_new_is_refused(hub, boss, eve, tmp_path):
    push(a_store(tmp_path / "a", a_run()), REPO, token=eve.token)
    review(REPO, token=boss.token)
    packed = pack([a_run()], "eve")
    lookalike = disguised(packed.parquet + b"", [a_run().run_id])
    send_raw(hub.url, eve.token, {k.replace("submissions/eve", "submissions/eve"): v for k, v in lookalike.items()})
    (outcome,) = review(REPO, token=boss.token)
    assert outcome.verdict == "refused"


def test_far_from_others_waits_for_a_human(hub, boss, eve, tmp_path):
    ada = hub.add_user("ada")
    push(a_store(tmp_path / "a", a_run()), REPO, token=ada.token)
    review(REPO, token=boss.token)
    cheap = a_run(cpu_energy_kwh=2e-6, ram_energy_kwh=2e-7, energy_kwh=2.2e-6, curve_energy_kwh=[1e-6, 2.2e-6])
    push(a_store(tmp_path / "b", cheap), REPO, token=eve.token)
    (held,) = review(REPO, token=boss.token)
    assert (held.verdict, held.done, held.report.codes["R201"]) == ("held", "left open", 1)
    review(REPO, token=boss.token)
    assert len(comments(hub, 2)) == 1  # an unchanged verdict is said once
    (merged,) = review(REPO, token=boss.token, accept_held=True, only=2)
    assert merged.done == "merged"


def test_commit_added_during_the_review_is_not_merged(hub, boss, eve, tmp_path, monkeypatch):
    push(a_store(tmp_path, a_run()), REPO, token=eve.token)
    from ecotaskset.hub import reviews

    judge = reviews.judge

    def slow_judge(*arguments):
        outcome = judge(*arguments)
        send_raw(hub.url, eve.token, {"README.md": b"swapped"}, create_pr=False, revision="refs/pr/1")
        return outcome

    monkeypatch.setattr(reviews, "judge", slow_judge)
    (outcome,) = review(REPO, token=boss.token)
    assert "changed" in outcome.done and files_on_main(hub) == set()
    monkeypatch.undo()


def test_commit_added_at_the_moment_of_merging_is_taken_back(hub, boss, eve, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    before = copy.copy(hub.repo(REPO).resolve("main").files)
    push(a_store(tmp_path, a_run()), REPO, token=eve.token)
    merge = HfApi.merge_pull_request

    def raced(self, *arguments, **named):
        files = {"README.md": b"swapped", ".gitattributes": b"changed"}
        send_raw(hub.url, eve.token, files, create_pr=False, revision="refs/pr/1")
        return merge(self, *arguments, **named)

    monkeypatch.setattr(HfApi, "merge_pull_request", raced)
    (outcome,) = review(REPO, token=boss.token)
    assert "withdrawn" in outcome.done
    assert hub.repo(REPO).resolve("main").files == before


@pytest.mark.parametrize("where", ["/merge$", "/comment$", "/paths-info/", "/refs$", "/discussions/1$", "/tree/"])
def test_trouble_during_review_passes(hub, boss, eve, tmp_path, where):
    push(a_store(tmp_path, a_run()), REPO, token=eve.token)
    for method in ("GET", "POST"):
        hub.fail(method, where, status=503, times=2)
        hub.fail(method, where, status=500, after=True)
    (outcome,) = review(REPO, token=boss.token)
    assert outcome.done == "merged"
