"""What requests and answers look like: who is asking, error codes the clients understand, JSON shapes."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .storage import Blob, Commit, Repo, State, User


class Refusal(Exception):
    """An answer that is an error. The clients choose their exception by the ``X-Error-Code`` header."""

    def __init__(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.headers = status, message, code, headers

    def response(self) -> Response:
        headers = {"X-Error-Message": self.message, **{k.replace("_", "-"): v for k, v in self.headers.items()}}
        if self.code:
            headers["X-Error-Code"] = self.code
        return JSONResponse({"error": self.message}, self.status, headers)


def user_of(state: State, request: Request) -> User | None:
    """The account behind the token; ``None`` when no token was sent.

    Raises:
        Refusal: 401 for a token nobody has.
    """
    header = request.headers.get("authorization", "")
    if not header:
        return None
    user = state.users.get(header.removeprefix("Bearer "))
    if user is None:
        raise Refusal(401, "Invalid credentials in Authorization header")
    return user


def logged_in(state: State, request: Request) -> User:
    user = user_of(state, request)
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    return user


def repo_for(state: State, request: Request, kind: str, repo_id: str) -> Repo:
    """The repository, if it exists and this caller may see it. A hidden one is answered like a missing one."""
    user = user_of(state, request)
    repo = state.repos.get((kind, repo_id))
    hidden = repo is not None and repo.private and not (user and repo_id.split("/")[0] in (user.name, *user.orgs))
    if repo is None or hidden:
        raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
    return repo


def writer_of(state: State, request: Request, repo: Repo) -> User:
    user = logged_in(state, request)
    if not user.may_write(repo.repo_id):
        raise Refusal(403, f"You don't have the rights to write to {repo.repo_id} with this token")
    return user


def commit_at(repo: Repo, revision: str) -> Commit:
    commit = repo.resolve(revision)
    if commit is None:
        raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def file_entry(path: str, blob: Blob, commit: Commit | None = None) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": blob.git_oid, "size": len(blob.data), "path": path}
    if blob.lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
    if commit is not None:
        entry["lastCommit"] = {"id": commit.oid, "title": commit.title, "date": commit.date}
    return entry


def repo_entry(repo: Repo, commit: Commit, with_sizes: bool) -> dict[str, Any]:
    siblings = []
    for path, blob in sorted(commit.files.items()):
        sibling: dict[str, Any] = {"rfilename": path}
        if with_sizes:
            sibling |= {"size": len(blob.data), "blobId": blob.git_oid}
            if blob.lfs:
                sibling["lfs"] = {"sha256": blob.sha256, "size": len(blob.data), "pointerSize": len(blob.pointer)}
        siblings.append(sibling)
    return {
        "id": repo.repo_id,
        "author": repo.repo_id.split("/")[0],
        "sha": commit.oid,
        "createdAt": repo.created,
        "lastModified": commit.date,
        "private": repo.private,
        "gated": False,
        "disabled": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": siblings,
    }
