"""Pull requests as they are: who sent what, at which commit, and which files it would change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecotaskset.checks.finding import Finding, shown
from ecotaskset.checks.isolated import MAX_FILE_BYTES
from ecotaskset.hub.client import DATASET
from ecotaskset.hub.failures import endpoint
from ecotaskset.hub.retry import attempt
from ecotaskset.hub.submission import FOLDER, MAX_MANIFEST_BYTES, parse_path

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

MAX_PAIRS = 10


@dataclass
class PullRequest:
    """One open pull request at one commit.

    Attributes:
        head: the commit that is looked at.
        added: path → file of everything it adds.
        findings: what is wrong with its paths and sizes, before any content is read.
    """

    num: int
    author: str
    title: str
    head: str
    url: str
    added: dict[str, RepoFile] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def submissions(self) -> list[tuple[str, str]]:
        """(account, id) of every data file it adds."""
        parsed = [parse_path(path) for path in sorted(self.added)]
        return [(found[0], found[1]) for found in parsed if found and found[2] == "parquet"]


def open_pull_requests(api: HfApi, repo: str, only: int | None = None) -> list[PullRequest]:
    """The open pull requests, oldest first, with what each would change.

    Raises:
        HubError: the Hub cannot be asked.
    """

    def listed() -> list[PullRequest]:
        refs = api.list_repo_refs(repo, repo_type=DATASET, include_pull_requests=True)
        heads = {ref.ref: ref.target_commit for ref in refs.pull_requests or []}
        waiting = api.get_repo_discussions(
            repo, repo_type=DATASET, discussion_type="pull_request", discussion_status="open"
        )
        return [
            PullRequest(d.num, d.author, d.title, heads[f"refs/pr/{d.num}"], _url(repo, d.num))
            for d in waiting
            if f"refs/pr/{d.num}" in heads and d.is_pull_request and only in (None, d.num)
        ]

    found = sorted(attempt(listed, f"list the pull requests of {repo}"), key=lambda pr: pr.num)
    trees = _Trees(api, repo)
    for pull_request in found:
        trees.fill(pull_request)
    return found


def head_of(api: HfApi, repo: str, num: int) -> str:
    """The commit a pull request points to now."""

    def look() -> str:
        refs = api.list_repo_refs(repo, repo_type=DATASET, include_pull_requests=True)
        return next(ref.target_commit for ref in refs.pull_requests or [] if ref.ref == f"refs/pr/{num}")

    return attempt(look, f"look at pull request {num} of {repo}")


def check_paths(pull_request: PullRequest, changed: list[str]) -> list[Finding]:
    """Only new pairs of data file and manifest, in the author's own folder, of bounded size and number."""
    findings = [Finding("F601", f"changes or deletes {shown(path)}") for path in changed[:10]]
    for path, file in list(pull_request.added.items())[:50]:
        parsed = parse_path(path)
        if parsed is None:
            findings.append(
                Finding("F601", f"adds {shown(path)}; only {FOLDER}/<account>/<id>.parquet and .json may be")
            )
            continue
        if parsed[0] != pull_request.author:
            findings.append(Finding("F601", f"adds to the folder of {shown(parsed[0])}"))
        limit = MAX_FILE_BYTES if parsed[2] == "parquet" else MAX_MANIFEST_BYTES
        if file.size > limit:
            findings.append(Finding("E002", f"{shown(path, 120)} has {file.size} bytes, {limit} may be"))
    pairs = {path.rsplit(".", 1)[0] for path in pull_request.added}
    lonely = [p for p in sorted(pairs) if {f"{p}.parquet", f"{p}.json"} - set(pull_request.added)]
    if not pull_request.added:
        findings.append(Finding("F603", "adds no file"))
    elif len(pairs) > MAX_PAIRS:
        findings.append(Finding("E002", f"{len(pairs)} submissions in one pull request; {MAX_PAIRS} may be"))
    elif lonely and not any(finding.code == "F601" for finding in findings):
        findings.append(Finding("F602", f"{shown(lonely[0], 120)} lacks its data file or its manifest"))
    return findings


class _Trees:
    """File listings by commit, each asked for once."""

    def __init__(self, api: HfApi, repo: str) -> None:
        self._api, self._repo = api, repo
        self._seen: dict[str, dict[str, RepoFile]] = {}
        self._main = {c.commit_id for c in self._history("main")}

    def fill(self, pull_request: PullRequest) -> None:
        """Compare the pull request's head with the commit of main that it started from."""
        history = self._history(f"refs/pr/{pull_request.num}")
        base = next((c.commit_id for c in history if c.commit_id in self._main), None)
        if base is None:
            pull_request.findings = [Finding("F601", "does not start from the main branch")]
            return
        before, after = self._at(base), self._at(pull_request.head)
        changed = [path for path, file in before.items() if path not in after or after[path].blob_id != file.blob_id]
        pull_request.added = {path: file for path, file in after.items() if path not in before}
        pull_request.findings = check_paths(pull_request, changed)

    def _history(self, revision: str) -> list:
        return attempt(
            lambda: self._api.list_repo_commits(self._repo, repo_type=DATASET, revision=revision),
            f"read the history of {self._repo}",
        )

    def _at(self, commit: str) -> dict[str, RepoFile]:
        if commit not in self._seen:

            def listed() -> dict[str, RepoFile]:
                tree = self._api.list_repo_tree(self._repo, recursive=True, revision=commit, repo_type=DATASET)
                return {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}

            self._seen[commit] = attempt(listed, f"list the files of {self._repo}")
        return self._seen[commit]


def _url(repo: str, num: int) -> str:
    return f"{endpoint()}/datasets/{repo}/discussions/{num}"
