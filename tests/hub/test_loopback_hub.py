"""The loopback Hub is right when the real clients cannot tell it from one: every test speaks through them."""

from __future__ import annotations

import io
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

REPO = "org/data"


def table(*values: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"x": list(values)}), sink)
    return sink.getvalue()


@pytest.fixture
def api(hub) -> HfApi:
    hub.add_repo(REPO)
    return HfApi(endpoint=hub.url, token=hub.add_user("owner", orgs=("org",)).token)


def add(path: str, data: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, data)


def commit(api: HfApi, message: str, *operations, **how):
    return api.create_commit(REPO, operations, commit_message=message, repo_type="dataset", **how)


def test_create_repo_new_again_foreign_and_without_rights(hub):
    owner = HfApi(endpoint=hub.url, token=hub.add_user("owner").token)
    assert owner.create_repo("owner/new", repo_type="dataset").repo_id == "owner/new"
    assert owner.create_repo("owner/new", repo_type="dataset", exist_ok=True).repo_id == "owner/new"
    for bad, status in (
        (None, 403),
        (hub.add_user("reader", role="read").token, 403),
        ("hf_nobody", 401),
        (False, 401),
    ):
        api = owner if bad is None else HfApi(endpoint=hub.url, token=bad)
        with pytest.raises(HfHubHTTPError) as caught:
            api.create_repo("other/new", repo_type="dataset")
        assert caught.value.response.status_code == status


def test_whoami_tells_name_role_and_refuses_wrong_token(hub):
    user = hub.add_user("ada", role="read", orgs=("lab",))
    seen = HfApi(endpoint=hub.url, token=user.token).whoami()
    assert (seen["name"], seen["auth"]["accessToken"]["role"], seen["orgs"][0]["name"]) == ("ada", "read", "lab")
    with pytest.raises(HfHubHTTPError):
        HfApi(endpoint=hub.url, token="hf_wrong").whoami()


def test_small_and_large_files_come_back_as_sent_and_unchanged_ones_are_not_sent_again(api, hub):
    first = commit(api, "both kinds", add("notes.md", b"hello"), add("d/train.parquet", table(1, 2)))
    again = commit(api, "nothing new", add("notes.md", b"hello"), add("d/train.parquet", table(1, 2)))
    assert again.oid == first.oid and hub.faults.count("PUT", "lfs-put") == 1
    for path, data in {"notes.md": b"hello", "d/train.parquet": table(1, 2)}.items():
        assert Path(hf_hub_download(REPO, path, repo_type="dataset")).read_bytes() == data
    assert [entry.authorized for entry in hub.faults.log if entry.path.startswith("/cdn/")] == [False]


def test_stale_parent_is_refused_and_fresh_one_accepted(api):
    base = api.repo_info(REPO, repo_type="dataset").sha
    commit(api, "one", add("a.txt", b"1"), parent_commit=base)
    with pytest.raises(HfHubHTTPError) as caught:
        commit(api, "two", add("b.txt", b"2"), parent_commit=base)
    assert caught.value.response.status_code == 412
    assert "b.txt" not in api.list_repo_files(REPO, repo_type="dataset")


def test_tags_branches_history_listing_and_deletion(api):
    one = commit(api, "one", add("a/b/c.txt", b"1"), add("top.txt", b"t"))
    api.create_tag(REPO, tag="v1.0.0", revision=one.oid, repo_type="dataset")
    api.create_tag(REPO, tag="v1.0.0", repo_type="dataset", exist_ok=True)
    with pytest.raises(HfHubHTTPError) as caught:
        api.create_tag(REPO, tag="v1.0.0", repo_type="dataset")
    assert caught.value.response.status_code == 409
    api.create_branch(REPO, branch="side/way", revision="v1.0.0", repo_type="dataset")
    commit(api, "two", add("side.txt", b"s"), revision="side/way")
    commit(api, "gone", CommitOperationDelete("a/", is_folder=True))
    refs = api.list_repo_refs(REPO, repo_type="dataset")
    assert {ref.name for ref in refs.branches} == {"main", "side/way"}
    assert [(ref.name, ref.target_commit) for ref in refs.tags] == [("v1.0.0", one.oid)]
    assert [c.title for c in api.list_repo_commits(REPO, repo_type="dataset")] == ["gone", "one", "initial commit"]
    at_tag = api.list_repo_tree(REPO, recursive=True, revision="v1.0.0", repo_type="dataset")
    assert {entry.path for entry in at_tag} == {".gitattributes", "a", "a/b", "a/b/c.txt", "top.txt"}
    assert {f.path for f in api.list_repo_tree(REPO, repo_type="dataset")} == {".gitattributes", "top.txt"}
    assert api.get_paths_info(REPO, ["top.txt", "nowhere"], repo_type="dataset")[0].size == 1


def test_listing_pages(api):
    commit(api, "many", *(add(f"f/{n:04}.txt", b"%d" % n) for n in range(1100)))
    assert sum(1 for _ in api.list_repo_tree(REPO, "f", repo_type="dataset")) == 1100


def test_missing_things_have_their_own_exceptions(api):
    with pytest.raises(RepositoryNotFoundError):
        api.repo_info("org/none", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        api.repo_info(REPO, repo_type="dataset", revision="v9")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(REPO, "none.txt", repo_type="dataset")


def test_private_repo_is_missing_for_others(hub):
    hub.add_repo("org/secret", private=True)
    inside = HfApi(endpoint=hub.url, token=hub.add_user("owner", orgs=("org",)).token)
    assert inside.repo_info("org/secret", repo_type="dataset").private
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=hub.url, token=hub.add_user("eve").token).repo_info("org/secret", repo_type="dataset")


def test_stranger_contributes_by_pull_request_and_owner_merges(api, hub):
    stranger = HfApi(endpoint=hub.url, token=hub.add_user("eve").token)
    with pytest.raises(HfHubHTTPError) as caught:
        commit(stranger, "direct", add("e.txt", b"e"))
    assert caught.value.response.status_code == 403
    made = commit(stranger, "by request", add("e.parquet", table(5)), create_pr=True)
    commit(stranger, "more", add("more.txt", b"m"), revision=made.pr_revision)
    commit(api, "meanwhile", add("o.txt", b"o"))
    details = api.get_discussion_details(REPO, made.pr_num, repo_type="dataset")
    assert (details.author, details.status, details.conflicting_files) == ("eve", "open", [])
    with pytest.raises(HfHubHTTPError):
        stranger.merge_pull_request(REPO, made.pr_num, repo_type="dataset")
    api.comment_discussion(REPO, made.pr_num, "fine", repo_type="dataset")
    api.merge_pull_request(REPO, made.pr_num, repo_type="dataset")
    assert {"e.parquet", "more.txt", "o.txt"} <= set(api.list_repo_files(REPO, repo_type="dataset"))
    other = commit(stranger, "again", add("x.txt", b"x"), create_pr=True)
    api.change_discussion_status(REPO, other.pr_num, "closed", comment="no", repo_type="dataset")
    listed = {d.num: d.status for d in api.get_repo_discussions(REPO, repo_type="dataset")}
    assert listed == {1: "merged", 2: "closed"}
    with pytest.raises(HfHubHTTPError):
        commit(HfApi(endpoint=hub.url, token=hub.add_user("mal").token), "x", add("x", b"y"), revision="refs/pr/1")


def test_conflicting_pull_request_is_named_and_not_merged(api, hub):
    stranger = HfApi(endpoint=hub.url, token=hub.add_user("eve").token)
    made = commit(stranger, "theirs", add("same.txt", b"theirs"), create_pr=True)
    commit(api, "ours", add("same.txt", b"ours"))
    details = api.get_discussion_details(REPO, made.pr_num, repo_type="dataset")
    assert details.conflicting_files == ["same.txt"]
    with pytest.raises(HfHubHTTPError):
        api.merge_pull_request(REPO, made.pr_num, repo_type="dataset")


def test_datasets_pushes_and_loads_by_tag(api, hub):
    datasets.Dataset.from_dict({"x": [1, 2]}).push_to_hub(REPO, "cv", split="train", token=api.token)
    api.create_tag(REPO, tag="v1.0.0", repo_type="dataset")
    datasets.Dataset.from_dict({"x": [3]}).push_to_hub(REPO, "cv", split="train", token=api.token)
    assert datasets.load_dataset(REPO, "cv", split="train", revision="v1.0.0")["x"][:] == [1, 2]
    assert datasets.load_dataset(REPO, "cv", split="train", revision="main")["x"][:] == [3]
    streamed = datasets.load_dataset(REPO, "cv", split="train", revision="v1.0.0", streaming=True)
    assert [row["x"] for row in streamed] == [1, 2]


def test_snapshot_of_a_tag_also_without_network(api, go_offline):
    one = commit(api, "one", add("a.txt", b"1"))
    api.create_tag(REPO, tag="v1", revision=one.oid, repo_type="dataset")
    commit(api, "two", add("a.txt", b"2"))
    assert Path(snapshot_download(REPO, repo_type="dataset", revision="v1"), "a.txt").read_bytes() == b"1"
    assert Path(snapshot_download(REPO, repo_type="dataset"), "a.txt").read_bytes() == b"2"
    go_offline()
    assert Path(snapshot_download(REPO, repo_type="dataset", revision="v1"), "a.txt").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("how", "landed"),
    [
        ({"status": 503}, False),
        ({"status": 429, "headers": {"Retry-After": "1"}}, False),
        ({"status": 500, "after": True}, True),
        ({"cut": True, "after": True}, True),
        ({"cut": True}, False),
    ],
)
def test_planned_failures_strike_once_and_the_log_knows(api, hub, how, landed):
    hub.fail("POST", "/commit/main$", **how)
    with pytest.raises(Exception, match=r"."):
        commit(api, "try", add("f.txt", b"1"))
    assert ("f.txt" in api.list_repo_files(REPO, repo_type="dataset")) is landed
    commit(api, "again", add("f.txt", b"1"))
    assert hub.faults.count("POST", "/commit/") == (1 if landed else 2)
    assert "f.txt" in api.list_repo_files(REPO, repo_type="dataset")


def test_ranges_of_a_large_file(api):
    data = table(*range(5000))
    commit(api, "big", add("big.parquet", data))
    from huggingface_hub import HfFileSystem

    files = HfFileSystem(endpoint=api.endpoint, token=api.token)
    with files.open(f"datasets/{REPO}/big.parquet", "rb") as handle:
        handle.seek(100)
        assert handle.read(50) == data[100:150]
