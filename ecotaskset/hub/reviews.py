"""Review contributions: the checks that ran before the upload, again, on the files as they are at the Hub.

Accepted pull requests are merged, refused ones closed, doubtful ones left to a human; each gets its verdict, row by
row, as a comment. What is merged is what was reviewed: the head is compared before, the content after the merge.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecotaskset.checks import Finding, Known, Report, Verdict, check_files
from ecotaskset.errors import HubError
from ecotaskset.hub.accepted import read_main
from ecotaskset.hub.client import DATASET, connect, repo_name, sign_in
from ecotaskset.hub.pulls import PullRequest, head_of, open_pull_requests
from ecotaskset.hub.retry import attempt
from ecotaskset.hub.submission import check_contents, check_manifest
from ecotaskset.hub.verdict import comment_text

if TYPE_CHECKING:
    from huggingface_hub import HfApi

UNREAD = "E009"
"""The code of rows that this software is too old to judge: their pull request waits, whoever would accept it."""


@dataclass
class Review:
    """The outcome for one pull request. `done` says what was done about it: merged, closed, left open, changed."""

    num: int
    author: str
    url: str
    head: str
    verdict: Verdict
    report: Report
    done: str = "left open"
    findings: list[Finding] = field(default_factory=list)


def review(
    repo: str | None = None,
    *,
    token: str | None = None,
    only: int | None = None,
    dry_run: bool = False,
    accept_held: bool = False,
) -> list[Review]:
    """Review all open pull requests, oldest first, or one.

    Args:
        repo: the Hub data set; see `repo_name`.
        token: a Hub token that may write to it.
        only: the number of one pull request.
        dry_run: judge, but neither comment nor merge nor close.
        accept_held: merge what the checks left to a human; you are the human. Not rows of a newer version: upgrade.

    Raises:
        HubError: no right, no network, no such repository.
    """
    repo = repo_name(repo)
    api = connect(token)
    account = sign_in(api)
    if not dry_run and not account.may_write(repo):
        raise HubError(f"'{account.name}' may not review {repo}", hint="only its maintainers can; --dry-run looks only")
    waiting = open_pull_requests(api, repo, only)
    known = Known(read_main(api, repo).runs) if waiting else Known()
    reviews = []
    for pull_request in waiting:
        outcome = judge(api, repo, pull_request, known)
        if not dry_run:
            _act(api, repo, pull_request, outcome, account.name, accept_held=accept_held)
        if outcome.done == "merged" or (dry_run and outcome.verdict == "accepted"):
            known.add(outcome.report.runs)
        reviews.append(outcome)
    return reviews


def judge(api: HfApi, repo: str, pull_request: PullRequest, known: Known) -> Review:
    """Read and check one pull request at its head. Paths and sizes first; content only if those are in order."""
    report = Report(findings=list(pull_request.findings))
    if report.verdict != "refused":
        with tempfile.TemporaryDirectory(prefix="ecotaskset-review-") as folder:
            for account, identity in pull_request.submissions:
                part = _judge_pair(api, repo, pull_request, account, identity, Path(folder), known)
                report.runs += part.runs
                report.rows += part.rows
                report.add(part.findings)
    unread = UNREAD in report.codes
    if report.verdict != "refused" and not unread and not [run for run in report.runs if run not in known]:
        report.add([Finding("F603", "every run in it is already there")])
    return Review(pull_request.num, pull_request.author, pull_request.url, pull_request.head, report.verdict, report)


def _judge_pair(
    api: HfApi, repo: str, pull_request: PullRequest, account: str, identity: str, folder: Path, known: Known
) -> Report:
    base = f"submissions/{account}/{identity}"

    def download(name: str) -> Path:
        path = api.hf_hub_download(
            repo, name, repo_type=DATASET, revision=pull_request.head, local_dir=folder, force_download=True
        )
        return Path(path)

    data = attempt(lambda: download(f"{base}.parquet"), f"read pull request {pull_request.num}")
    manifest = attempt(lambda: download(f"{base}.json"), f"read pull request {pull_request.num}").read_bytes()
    if findings := check_manifest(manifest, data.read_bytes(), account, identity):
        return Report(findings=findings)
    (report,) = check_files([data], known=known, account=account)
    if report.rows and report.verdict != "refused":
        report.add(check_contents(manifest, report.runs, identity))
    return report


def _act(
    api: HfApi, repo: str, pull_request: PullRequest, outcome: Review, reviewer: str, *, accept_held: bool
) -> None:
    num = pull_request.num
    if head_of(api, repo, num) != pull_request.head:
        outcome.done = "changed during the review; review it again"
        return
    text = comment_text(outcome.verdict, outcome.report, pull_request.head)
    details = attempt(lambda: api.get_discussion_details(repo, num, repo_type=DATASET), f"read pull request {num}")
    said = [event for event in details.events if getattr(event, "content", None) == text and event.author == reviewer]
    if not said:
        attempt(lambda: api.comment_discussion(repo, num, text, repo_type=DATASET), f"comment on pull request {num}")
    if outcome.verdict == "refused":
        _close(api, repo, num)
        outcome.done = "closed"
    elif outcome.verdict == "accepted" or (accept_held and UNREAD not in outcome.report.codes):
        outcome.done = _merge(api, repo, pull_request)


def _close(api: HfApi, repo: str, num: int) -> None:
    def is_closed() -> bool | None:
        return True if api.get_discussion_details(repo, num, repo_type=DATASET).status == "closed" else None

    def close() -> bool:
        api.change_discussion_status(repo, num, "closed", repo_type=DATASET)
        return True

    attempt(close, f"close pull request {num}", landed=is_closed)


def _merge(api: HfApi, repo: str, pull_request: PullRequest) -> str:
    """Merge if the reviewed commit is still the head, then compare what arrived on main with what was reviewed."""
    num = pull_request.num
    if head_of(api, repo, num) != pull_request.head:
        return "changed during the review; review it again"

    def is_merged() -> bool | None:
        return True if api.get_discussion_details(repo, num, repo_type=DATASET).status == "merged" else None

    def merge() -> bool:
        if api.get_discussion_details(repo, num, repo_type=DATASET).status == "draft":
            api.change_discussion_status(repo, num, "open", repo_type=DATASET)
        api.merge_pull_request(repo, num, comment=f"reviewed at {pull_request.head}", repo_type=DATASET)
        return True

    attempt(merge, f"merge pull request {num}", landed=is_merged)
    if head_of(api, repo, num) == pull_request.head and _arrived(api, repo, pull_request):
        return "merged"
    _withdraw(api, repo, pull_request)
    return "changed at the moment of merging; withdrawn from main, review it again"


def _arrived(api: HfApi, repo: str, pull_request: PullRequest) -> bool:
    wanted = {path: file.blob_id for path, file in pull_request.added.items()}
    there = attempt(
        lambda: api.get_paths_info(repo, list(wanted), repo_type=DATASET), f"look at {repo} after the merge"
    )
    return wanted == {file.path: getattr(file, "blob_id", None) for file in there}


def _withdraw(api: HfApi, repo: str, pull_request: PullRequest) -> None:
    """Undo a merge that brought something else than what was reviewed: every file it touched is as it was before."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    details = attempt(
        lambda: api.get_discussion_details(repo, pull_request.num, repo_type=DATASET), "read the merged pull request"
    )
    history = attempt(lambda: api.list_repo_commits(repo, repo_type=DATASET), f"read the history of {repo}")
    order = [commit.commit_id for commit in history]
    merge = details.merge_commit_oid if details.merge_commit_oid in order else order[0]
    parent = order[order.index(merge) + 1]

    def listed(revision: str) -> dict[str, str]:
        tree = api.list_repo_tree(repo, recursive=True, revision=revision, repo_type=DATASET)
        return {entry.path: entry.blob_id for entry in tree if hasattr(entry, "blob_id")}

    def undo() -> None:
        before, after = listed(parent), listed(merge)
        operations: list = [CommitOperationDelete(path) for path in sorted(set(after) - set(before))]
        for path in sorted(path for path, blob in before.items() if after.get(path) != blob):
            kept = api.hf_hub_download(repo, path, repo_type=DATASET, revision=parent)
            operations.append(CommitOperationAdd(path, kept))
        if operations:
            message = f"Withdraw pull request {pull_request.num}: not what was reviewed"
            api.create_commit(repo, operations, commit_message=message, repo_type=DATASET)

    attempt(undo, f"withdraw pull request {pull_request.num}", conflicts=True)
