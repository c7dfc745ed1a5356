"""Reading files: listings, details of some paths, and the bytes."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .storage import Blob, State
from .wire import Refusal, commit_at, file_entry, repo_for

_PAGE = 1000


async def tree(state: State, request: Request, kind: str, repo_id: str, revision: str, folder: str = "") -> Response:
    repo = repo_for(state, request, kind, repo_id)
    commit = commit_at(repo, revision)
    inside = folder.strip("/") + "/" if folder.strip("/") else ""
    recursive = request.query_params.get("recursive", "").lower() in ("true", "1")
    entries: dict[str, dict] = {}
    for path, blob in sorted(commit.files.items()):
        if not path.startswith(inside):
            continue
        parts = path[len(inside) :].split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            directory = inside + "/".join(parts[:depth])
            entries.setdefault(directory, {"type": "directory", "oid": "0" * 40, "size": 0, "path": directory})
        if recursive or len(parts) == 1:
            entries[path] = file_entry(path, blob, commit if request.query_params.get("expand") else None)
    if inside and not entries:
        raise Refusal(404, f"{folder} does not exist at {revision}", "EntryNotFound", X_Repo_Commit=commit.oid)
    ordered = [entries[path] for path in sorted(entries)]
    start = int(request.query_params.get("cursor", "0"))
    headers = {}
    if start + _PAGE < len(ordered):
        following = request.url.include_query_params(cursor=start + _PAGE)
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONResponse(ordered[start : start + _PAGE], headers=headers)


async def paths_info(state: State, request: Request, kind: str, repo_id: str, revision: str) -> Response:
    repo = repo_for(state, request, kind, repo_id)
    commit = commit_at(repo, revision)
    found = []
    for path in parse_qs((await request.body()).decode()).get("paths", []):
        if path in commit.files:
            found.append(file_entry(path, commit.files[path], commit))
        elif any(name.startswith(path.rstrip("/") + "/") for name in commit.files):
            found.append({"type": "directory", "oid": "0" * 40, "size": 0, "path": path})
    return JSONResponse(found)


async def resolve(state: State, request: Request, kind: str, repo_id: str, revision: str, path: str) -> Response:
    """One file. Large ones are on another origin, which the client must call without the token."""
    repo = repo_for(state, request, kind, repo_id)
    commit = commit_at(repo, revision)
    blob = commit.files.get(path)
    if blob is None:
        raise Refusal(404, f"{path} does not exist at {revision}", "EntryNotFound", X_Repo_Commit=commit.oid)
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
    if blob.lfs:
        cdn = str(request.base_url).rstrip("/").replace("127.0.0.1", "localhost")
        location = f"{cdn}/cdn/{repo.kind}/{repo_id}/{blob.sha256}?name={quote(path.split('/')[-1])}"
        linked = {"X-Linked-Size": str(len(blob.data)), "X-Linked-Etag": f'"{blob.sha256}"', "Location": location}
        return Response(status_code=302, headers=headers | linked)
    return _content(request, blob, headers)


async def cdn(state: State, request: Request, kind: str, repo_id: str, sha256: str) -> Response:
    if "authorization" in request.headers:
        raise Refusal(400, "The token must not travel to another origin")
    return _content(request, Blob(state.large[sha256], lfs=True), {"ETag": f'"{sha256}"'})


def _content(request: Request, blob: Blob, headers: dict[str, str]) -> Response:
    data, status = blob.data, 200
    asked = request.headers.get("range", "")
    if asked.startswith("bytes="):
        first, _, last = asked.removeprefix("bytes=").partition("-")
        begin = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last), len(data) - 1) if first and last else len(data) - 1
        headers = headers | {"Content-Range": f"bytes {begin}-{end}/{len(data)}"}
        data, status = data[begin : end + 1], 206
    headers = headers | {"Content-Length": str(len(data))}
    return Response(b"" if request.method == "HEAD" else data, status, headers, "application/octet-stream")
