"""Pull requests: open, comment, change the status, merge."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .storage import HEADS, PULLS, Repo, State
from .wire import Refusal, logged_in, repo_for, writer_of

_PAGE = 10


def open_pull_request(repo: Repo, author: str, title: str, description: str, base: str, status: str = "open") -> dict:
    """Register a pull request that starts at commit ``base``; its reference is ``refs/pr/<num>``."""
    discussion = {
        "num": len(repo.discussions) + 1,
        "title": title,
        "author": {"name": author},
        "createdAt": repo.commits[base].date,
        "status": status,
        "isPullRequest": True,
        "repo": {"name": repo.repo_id, "type": repo.kind},
        "base": base,
        "merged": None,
        "events": [],
    }
    discussion["events"].append(_comment(author, description, discussion["createdAt"]))
    repo.discussions.append(discussion)
    repo.refs[f"{PULLS}{discussion['num']}"] = base
    return discussion


async def listing(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    if request.method == "POST":
        user, body = logged_in(state, request), await request.json()
        base = repo.refs[HEADS + "main"]
        made = open_pull_request(repo, user.name, body["title"], body.get("description", ""), base, "draft")
        made["isPullRequest"] = bool(body.get("pullRequest"))
        return JSONResponse({"num": made["num"]})
    query = request.query_params
    found = [d for d in reversed(repo.discussions) if _matches(d, query)]
    start = int(query.get("p", "0")) * _PAGE
    shown = [{k: v for k, v in d.items() if k != "events"} for d in found[start : start + _PAGE]]
    return JSONResponse({"discussions": shown, "count": len(found), "start": start})


async def details(state: State, request: Request, kind: str, repo_id: str, num: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    discussion = _get(repo, num)
    conflicts = _conflicts(repo, discussion) if discussion["isPullRequest"] else []
    changes = {"base": "refs/heads/main", "mergeCommitId": discussion["merged"]}
    return JSONResponse({**discussion, "filesWithConflicts": conflicts, "changes": changes, "diff": ""})


async def comment(state: State, request: Request, kind: str, repo_id: str, num: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    user = logged_in(state, request)
    discussion = _get(repo, num)
    event = _comment(user.name, (await request.json())["comment"], discussion["createdAt"])
    discussion["events"].append(event)
    return JSONResponse({"newMessage": event})


async def status(state: State, request: Request, kind: str, repo_id: str, num: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    user, discussion, body = logged_in(state, request), _get(repo, num), await request.json()
    if user.name != discussion["author"]["name"]:
        writer_of(state, request, repo)
    if body.get("comment"):
        discussion["events"].append(_comment(user.name, body["comment"], discussion["createdAt"]))
    discussion["status"] = body["status"]
    event = _event("status-change", user.name, discussion["createdAt"], {"status": body["status"]})
    discussion["events"].append(event)
    return JSONResponse({"newStatus": event})


async def merge(state: State, request: Request, kind: str, repo_id: str, num: str) -> Response:
    """Bring the pull request's changes onto main, whatever its head is by now."""
    repo = repo_for(state, request, kind, repo_id)
    user, discussion = writer_of(state, request, repo), _get(repo, num)
    if discussion["status"] != "open":
        raise Refusal(400, f"Pull request {num} is {discussion['status']}, only an open one can be merged")
    if _conflicts(repo, discussion):
        raise Refusal(409, f"Pull request {num} has conflicts with main")
    files = dict(repo.commits[repo.refs[HEADS + "main"]].files)
    for path, blob in _changes(repo, discussion).items():
        if blob is None:
            files.pop(path, None)
        else:
            files[path] = blob
    made = repo.commit(HEADS + "main", files, f"{discussion['title']} (#{num})", user.name)
    discussion["status"], discussion["merged"] = "merged", made.oid
    return JSONResponse({"mergeCommitId": made.oid})


def _get(repo: Repo, num: str) -> dict[str, Any]:
    for discussion in repo.discussions:
        if str(discussion["num"]) == num:
            return discussion
    raise Refusal(404, f"There is no discussion {num}")


def _matches(discussion: dict[str, Any], query: Any) -> bool:
    kind = query.get("type", "all")
    wanted = query.get("status", "all")
    is_open = discussion["status"] in ("open", "draft")
    return (
        (kind == "all" or (kind == "pull_request") == discussion["isPullRequest"])
        and (wanted == "all" or (wanted == "open") == is_open)
        and query.get("author", discussion["author"]["name"]) == discussion["author"]["name"]
    )


def _changes(repo: Repo, discussion: dict[str, Any]) -> dict[str, Any]:
    base = repo.commits[discussion["base"]].files
    head = repo.commits[repo.refs[f"{PULLS}{discussion['num']}"]].files
    return {path: head.get(path) for path in base.keys() | head.keys() if base.get(path) != head.get(path)}


def _conflicts(repo: Repo, discussion: dict[str, Any]) -> list[str]:
    if discussion["status"] == "merged":
        return []
    base = repo.commits[discussion["base"]].files
    main = repo.commits[repo.refs[HEADS + "main"]].files
    changed = _changes(repo, discussion)
    return sorted(p for p, blob in changed.items() if main.get(p) != base.get(p) and main.get(p) != blob)


def _event(kind: str, author: str, date: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "type": kind, "createdAt": date, "author": {"name": author}, "data": data}


def _comment(author: str, text: str, date: str) -> dict[str, Any]:
    latest = {"raw": text, "html": text, "updatedAt": date, "author": {"name": author}}
    return _event("comment", author, date, {"edited": False, "hidden": False, "latest": latest, "history": []})
