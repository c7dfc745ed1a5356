"""Offer the runs of a local store to EcoTaskSet: checked, once, as one commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecotaskset.checks import Finding, check_runs, local_secrets
from ecotaskset.checks.isolated import MAX_ROWS
from ecotaskset.hub.client import DATASET, Account, connect, repo_name, sign_in
from ecotaskset.hub.failures import endpoint, status_of
from ecotaskset.hub.pushed import Marker, mark, markers, one_at_a_time, pushed_ids, unmark
from ecotaskset.hub.retry import attempt
from ecotaskset.hub.submission import Submission, pack
from ecotaskset.run import Run
from ecotaskset.store import Store

if TYPE_CHECKING:
    from huggingface_hub import HfApi

NEXT = "A maintainer reviews it with the same checks; accepted runs are in the next release."


@dataclass(frozen=True)
class Plan:
    """What a push would send: `runs`; what it leaves here and why: `findings` of the runs in `refused`."""

    repo: str
    runs: list[Run]
    refused: list[Run] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    already: int = 0
    imported: int = 0
    later: int = 0


@dataclass(frozen=True)
class Pushed:
    """What a push did. `url` is the pull request, or the commit where the account may write."""

    plan: Plan
    submission: str | None = None
    url: str | None = None
    direct: bool = False
    resumed: int = 0


def plan_push(store: Store, repo: str | None = None, *, secrets: tuple[str, ...] = ()) -> Plan:
    """Sort the runs of a store: sent already, acceptable, refused. Sends nothing, needs no network.

    `secrets`: tokens in use beside the one stored on this machine; a run that holds one is refused.
    """
    from huggingface_hub import get_token

    repo = repo_name(repo)
    tokens = {*secrets, get_token()} - {None}
    done = pushed_ids(store, repo)
    runs = store.runs()
    fresh = [run for run in runs if run.run_id not in done and run.origin == "collected"]
    report = check_runs(fresh)
    report.add(finding for run in fresh for finding in local_secrets(run, tokens))
    good = report.passed()
    refused = [run for run in fresh if report.verdict_of(run.run_id) == "refused"]
    return Plan(
        repo=repo,
        runs=good[:MAX_ROWS],
        refused=refused,
        findings=report.findings,
        already=sum(1 for run in runs if run.run_id in done),
        imported=sum(1 for run in runs if run.origin != "collected"),
        later=len(good[MAX_ROWS:]),
    )


def push(
    store: Store,
    repo: str | None = None,
    *,
    token: str | None = None,
    pull_request: bool = False,
    confirm: Callable[[Plan, Account], bool] | None = None,
) -> Pushed:
    """Send every acceptable run that was not sent yet, exactly once, also after a crash in the middle.

    Args:
        store: where the runs are.
        repo: the Hub data set; see `repo_name`.
        token: a Hub token; the stored one by default.
        pull_request: open a pull request even where this account could commit.
        confirm: asked with the plan and the account before anything leaves; False ends the push.

    Raises:
        HubError: no token, no right, no network, no such repository. The runs stay in the store, unpushed.
    """
    repo = repo_name(repo)
    api = connect(token)
    account = sign_in(api)
    with one_at_a_time(store, repo):
        resumed = _settle(api, store, repo, account)
        secrets = tuple(word for word in (api.token, token) if isinstance(word, str))
        plan = plan_push(store, repo, secrets=secrets)
        if not plan.runs or (confirm is not None and not confirm(plan, account)):
            return Pushed(plan, resumed=resumed)
        submission = pack(plan.runs, account.name)
        direct = account.may_write(repo) and not pull_request
        ids = tuple(run.run_id for run in submission.runs)
        mark(store, repo, Marker(submission.submission_id, ids, "sending"))
        url = _send(api, repo, submission, direct=direct)
        mark(store, repo, Marker(submission.submission_id, ids, "sent", url))
    return Pushed(plan, submission.submission_id, url, direct="/discussions/" not in url, resumed=resumed)


def find_submission(api: HfApi, repo: str, account: str, submission_id: str) -> str | None:
    """Where a submission is: its file on main, or a pull request of this account that carries its id; None: nowhere."""
    path = f"submissions/{account}/{submission_id}.json"
    if api.get_paths_info(repo, [path], repo_type=DATASET):
        return f"{endpoint()}/datasets/{repo}/blob/main/{path}"
    for discussion in api.get_repo_discussions(repo, author=account, discussion_type="pull_request", repo_type=DATASET):
        if f"(submission {submission_id})" in discussion.title:
            return f"{endpoint()}/datasets/{repo}/discussions/{discussion.num}"
    return None


def _send(api: HfApi, repo: str, submission: Submission, *, direct: bool) -> str:
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import HfHubHTTPError

    def commit(as_pull_request: bool) -> str:
        # new operations each time: the client marks those of a commit as used up
        operations = [
            CommitOperationAdd(submission.data_path, submission.parquet),
            CommitOperationAdd(submission.manifest_path, submission.manifest),
        ]
        made = api.create_commit(
            repo,
            operations,
            commit_message=submission.title,
            commit_description=NEXT,
            repo_type=DATASET,
            create_pr=as_pull_request,
        )
        return made.pr_url or made.commit_url

    def send() -> str:
        try:
            return commit(not direct)
        except HfHubHTTPError as error:
            if direct and status_of(error) == 403:  # a fine-grained token: member, but not allowed to commit
                return commit(True)
            raise

    return attempt(
        send,
        f"push {len(submission.runs)} runs to {repo}",
        landed=lambda: find_submission(api, repo, submission.account, submission.submission_id),
        look_first=True,
        conflicts=True,
    )


def _settle(api: HfApi, store: Store, repo: str, account: Account) -> int:
    """Ask the Hub about submissions that a process was sending when it died; returns how many had arrived."""
    arrived = 0
    for marker in markers(store, repo):
        if marker.state != "sending":
            continue
        url = attempt(lambda m=marker: find_submission(api, repo, account.name, m.submission), f"look into {repo}")
        if url is None:
            unmark(store, repo, marker.submission)
        else:
            mark(store, repo, Marker(marker.submission, marker.runs, "sent", url))
            arrived += 1
    return arrived
