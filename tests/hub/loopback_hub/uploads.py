"""Sending files in: what kind of upload a file needs, large objects, and the commit itself."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .discussions import open_pull_request
from .storage import PULLS, Blob, Repo, State, User
from .wire import Refusal, commit_at, logged_in, repo_for

_ALWAYS_LARGE = (".parquet", ".arrow", ".safetensors", ".bin", ".onnx", ".skops", ".png", ".zip")
_LARGE_FROM = 10 * 1024 * 1024


async def validate_yaml(state: State, request: Request) -> Response:
    text = (await request.json())["content"]
    if not text.startswith("---"):
        return JSONResponse({"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
    try:
        yaml.safe_load(text.split("---")[1])
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": f"invalid yaml: {error}"}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


async def preupload(state: State, request: Request, kind: str, repo_id: str, revision: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    _uploader(state, request, repo, revision)
    existing = commit_at(repo, revision).files
    answer = []
    for file in (await request.json())["files"]:
        path = file["path"]
        large = path.endswith(_ALWAYS_LARGE) or file["size"] >= _LARGE_FROM
        entry = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if path in existing:
            entry["oid"] = existing[path].etag
        answer.append(entry)
    return JSONResponse({"files": answer})


async def lfs_batch(state: State, request: Request, kind: str, repo_id: str) -> Response:
    """Tell where to send each large object. The address signs itself, because it is called without a token."""
    repo = repo_for(state, request, kind, repo_id)
    logged_in(state, request)
    base = str(request.base_url).rstrip("/")
    objects: list[dict[str, Any]] = []
    for item in (await request.json())["objects"]:
        entry: dict[str, Any] = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in state.large:
            verify = f"{base}/{repo.prefix}{repo_id}.git/info/lfs/verify"
            upload = f"{base}/lfs-put/{item['oid']}?signature={_signature(item['oid'])}"
            entry["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(entry)
    return JSONResponse({"transfer": "basic", "objects": objects})


async def lfs_put(state: State, request: Request, oid: str) -> Response:
    if request.query_params.get("signature") != _signature(oid) or "authorization" in request.headers:
        raise Refusal(403, "This address takes its signature and nothing else")
    data = await request.body()
    if hashlib.sha256(data).hexdigest() != oid:
        raise Refusal(400, "The content is not what its sha256 says")
    state.large[oid] = data
    return Response(headers={"ETag": f'"{oid}"'})


async def lfs_verify(state: State, request: Request, kind: str, repo_id: str) -> Response:
    body = await request.json()
    if len(state.large.get(body["oid"], b"")) != body["size"]:
        raise Refusal(404, "This object was not uploaded")
    return JSONResponse({})


async def commit(state: State, request: Request, kind: str, repo_id: str, revision: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    user = _uploader(state, request, repo, revision)
    lines = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    wants_pull_request = request.query_params.get("create_pr") == "1"
    if not wants_pull_request and not _may_commit(repo, user, revision):
        raise Refusal(403, f"You don't have the rights to commit to {revision} of {repo_id}; open a pull request")
    start = commit_at(repo, revision)
    parent = header.get("parentCommit")
    if parent and not start.oid.startswith(parent):
        raise Refusal(412, "A commit has happened since. Please refresh and try again.")
    files = _apply(state, dict(start.files), lines)
    title, message = header.get("summary", ""), header.get("description", "")
    pull_request_url = None
    base = f"{str(request.base_url).rstrip('/')}/{repo.prefix}{repo_id}"
    if wants_pull_request:
        discussion = open_pull_request(repo, user.name, title, message, start.oid)
        ref = f"{PULLS}{discussion['num']}"
        pull_request_url = f"{base}/discussions/{discussion['num']}"
    else:
        ref = repo.ref_of(revision)
    made = repo.commit(ref, files, title, user.name, message)
    return JSONResponse(
        {
            "success": True,
            "commitOid": made.oid,
            "commitUrl": f"{base}/commit/{made.oid}",
            "pullRequestUrl": pull_request_url,
            "hookOutput": "",
        }
    )


def _uploader(state: State, request: Request, repo: Repo, revision: str) -> User:
    """Anybody with a writing token may send files towards a pull request; the commit decides where they land."""
    user = logged_in(state, request)
    if user.role != "write":
        raise Refusal(403, "This token may only read; a token that may write is needed")
    to_pull_request = request.query_params.get("create_pr") == "1" or revision.startswith(PULLS)
    if not to_pull_request and not user.may_write(repo.repo_id):
        raise Refusal(403, f"You don't have the rights to write to {repo.repo_id}; open a pull request")
    return user


def _may_commit(repo: Repo, user: User, revision: str) -> bool:
    if user.may_write(repo.repo_id):
        return True
    if not revision.startswith(PULLS):
        return False
    number = revision.removeprefix(PULLS)
    return any(str(d["num"]) == number and d["author"]["name"] == user.name for d in repo.discussions)


def _apply(state: State, files: dict[str, Blob], lines: list[dict[str, Any]]) -> dict[str, Blob]:
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = Blob(base64.b64decode(value["content"]), lfs=False)
        elif line["key"] == "lfsFile":
            if value["oid"] not in state.large:
                raise Refusal(400, f"LFS object {value['oid']} of {value['path']} was never uploaded")
            files[value["path"]] = Blob(state.large[value["oid"]], lfs=True)
        elif line["key"] == "deletedFile":
            if files.pop(value["path"], None) is None:
                raise Refusal(404, "A file with this name doesn't exist", "EntryNotFound")
        elif line["key"] == "deletedFolder":
            inside = [path for path in files if path.startswith(value["path"].rstrip("/") + "/")]
            for path in inside:
                del files[path]
        elif line["key"] != "header":
            raise Refusal(400, f"Unknown operation {line['key']}")
    return files


def _signature(oid: str) -> str:
    return hashlib.sha256(b"loopback" + oid.encode()).hexdigest()[:16]
