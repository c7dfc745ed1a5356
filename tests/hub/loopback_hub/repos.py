"""Accounts, repositories, branches, tags and history."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .storage import HEADS, PULLS, TAGS, Repo, State
from .wire import Refusal, commit_at, logged_in, repo_entry, repo_for, writer_of


async def whoami(state: State, request: Request) -> Response:
    user = logged_in(state, request)
    orgs = [{"type": "org", "name": name, "roleInOrg": "write"} for name in user.orgs]
    token = {"type": "access_token", "accessToken": {"displayName": "test", "role": user.role}}
    return JSONResponse({"type": "user", "name": user.name, "fullname": user.name, "orgs": orgs, "auth": token})


async def create(state: State, request: Request) -> Response:
    user = logged_in(state, request)
    body = await request.json()
    kind, repo_id = body.get("type") or "model", f"{body.get('organization') or user.name}/{body['name']}"
    url = _url(request, kind, repo_id)
    if (kind, repo_id) in state.repos:
        return JSONResponse({"error": "You already created this repo", "url": url}, 409)
    if not user.may_write(repo_id):
        raise Refusal(403, f"You don't have the rights to create {repo_id} with this token")
    state.repos[kind, repo_id] = Repo(kind, repo_id, private=body.get("visibility") == "private")
    return JSONResponse({"url": url, "name": repo_id, "id": repo_id})


async def delete(state: State, request: Request) -> Response:
    body = await request.json()
    repo_id = f"{body.get('organization') or logged_in(state, request).name}/{body['name']}"
    repo = repo_for(state, request, body.get("type") or "model", repo_id)
    writer_of(state, request, repo)
    del state.repos[repo.kind, repo.repo_id]
    return JSONResponse({})


async def info(state: State, request: Request, kind: str, repo_id: str, revision: str = "main") -> Response:
    repo = repo_for(state, request, kind, repo_id)
    return JSONResponse(repo_entry(repo, commit_at(repo, revision), request.query_params.get("blobs") == "true"))


async def refs(state: State, request: Request, kind: str, repo_id: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)

    def named(prefix: str) -> list[dict[str, str]]:
        found = sorted((ref, oid) for ref, oid in repo.refs.items() if ref.startswith(prefix))
        return [{"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid} for ref, oid in found]

    answer = {"branches": named(HEADS), "tags": named(TAGS), "converts": []}
    if request.query_params.get("include_prs"):
        answer["pullRequests"] = named(PULLS)
    return JSONResponse(answer)


async def commits(state: State, request: Request, kind: str, repo_id: str, revision: str = "main") -> Response:
    repo = repo_for(state, request, kind, repo_id)
    return JSONResponse(
        [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": commit.message,
                "date": commit.date,
                "authors": [{"user": commit.author}],
            }
            for commit in repo.history(commit_at(repo, revision))
        ]
    )


async def tag(state: State, request: Request, kind: str, repo_id: str, revision: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    writer_of(state, request, repo)
    if request.method == "DELETE":
        if repo.refs.pop(TAGS + revision, None) is None:
            raise Refusal(404, f"Tag {revision} does not exist", "RevisionNotFound")
        return JSONResponse({})
    name = (await request.json())["tag"]
    if TAGS + name in repo.refs:
        raise Refusal(409, f"Tag {name} already exists")
    repo.refs[TAGS + name] = commit_at(repo, revision).oid
    return JSONResponse({"tag": name}, 201)


async def branch(state: State, request: Request, kind: str, repo_id: str, name: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    writer_of(state, request, repo)
    if request.method == "DELETE":
        if repo.refs.pop(HEADS + name, None) is None:
            raise Refusal(404, f"Branch {name} does not exist", "RevisionNotFound")
        return JSONResponse({})
    if HEADS + name in repo.refs:
        raise Refusal(409, f"Branch {name} already exists")
    body = await request.json() if await request.body() else {}
    repo.refs[HEADS + name] = commit_at(repo, body.get("startingPoint") or "main").oid
    return JSONResponse({}, 201)


def _url(request: Request, kind: str, repo_id: str) -> str:
    prefix = {"model": "", "dataset": "datasets/", "space": "spaces/"}[kind]
    return f"{str(request.base_url).rstrip('/')}/{prefix}{repo_id}"
