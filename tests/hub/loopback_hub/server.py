"""The application (one table of routes) and the thread it is served from."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from . import discussions, files, repos, uploads
from .faults import Fault, FaultTable, strike
from .storage import Repo, State, User
from .wire import Refusal

_KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
Handler = Callable[[], Awaitable[Response]]


def _api_route(state: State, request: Request, parts: list[str]) -> Handler | None:
    """``/api/{kind}s/{namespace}/{name}/...``; a revision is one segment, whatever slashes it holds when decoded."""
    if parts[0] not in _KINDS or len(parts) < 3:
        return None
    target = (state, request, _KINDS[parts[0]], f"{parts[1]}/{parts[2]}")
    action, rest = (parts[3] if len(parts) > 3 else ""), parts[4:]
    single = {"revision": repos.info, "commits": repos.commits, "tag": repos.tag, "branch": repos.branch}
    single |= {"preupload": uploads.preupload, "commit": uploads.commit, "paths-info": files.paths_info}
    if action == "":
        return lambda: repos.info(*target)
    if action == "refs":
        return lambda: repos.refs(*target)
    if action in single and len(rest) == 1:
        return lambda: single[action](*target, rest[0])
    if action == "tree" and rest:
        return lambda: files.tree(*target, rest[0], "/".join(rest[1:]))
    if action == "discussions":
        if not rest:
            return lambda: discussions.listing(*target)
        steps = {"comment": discussions.comment, "status": discussions.status, "merge": discussions.merge}
        step = discussions.details if len(rest) == 1 else steps.get(rest[1])
        return (lambda: step(*target, rest[0])) if step else None
    return None


def _route(state: State, request: Request, path: str) -> Handler | None:
    parts = [unquote(part) for part in path.strip("/").split("/")]
    fixed = {
        "api/whoami-v2": repos.whoami,
        "api/repos/create": repos.create,
        "api/repos/delete": repos.delete,
        "api/validate-yaml": uploads.validate_yaml,
    }
    if path.strip("/") in fixed:
        return lambda: fixed[path.strip("/")](state, request)
    if parts[0] == "api":
        return _api_route(state, request, parts[1:])
    if parts[0] == "lfs-put" and len(parts) == 2:
        return lambda: uploads.lfs_put(state, request, parts[1])
    if parts[0] == "cdn" and len(parts) == 5:
        return lambda: files.cdn(state, request, parts[1], f"{parts[2]}/{parts[3]}", parts[4])
    kind = _KINDS.get(parts[0]) if parts[0] != "models" else None
    parts = parts[1:] if kind else parts
    kind = kind or "model"
    if len(parts) >= 5 and parts[2] == "resolve":
        return lambda: files.resolve(state, request, kind, f"{parts[0]}/{parts[1]}", parts[3], "/".join(parts[4:]))
    if len(parts) >= 5 and parts[1].endswith(".git") and parts[2:4] == ["info", "lfs"]:
        handler = uploads.lfs_verify if parts[4] == "verify" else uploads.lfs_batch
        return lambda: handler(state, request, kind, f"{parts[0]}/{parts[1].removesuffix('.git')}")
    return None


class LoopbackHub:
    """A Hub on a free port of 127.0.0.1. ``with LoopbackHub() as hub: hub.url``."""

    def __init__(self, port: int = 0) -> None:
        self.state = State()
        self.faults = FaultTable()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            log_level="error",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    async def _app(self, scope, receive, send) -> None:
        request = Request(scope, receive)
        path = scope["raw_path"].decode().split("?")[0]
        body = await request.body()
        fault = self.faults.take(request.method, path)
        handler = _route(self.state, request, path)

        async def answer() -> Response:
            try:
                if handler is None:
                    raise Refusal(404, f"{request.method} {path} is not part of this Hub")
                return await handler()
            except Refusal as refusal:
                return refusal.response()

        response = await strike(fault, answer) if fault else await answer()
        self.faults.record(request, path, response.status_code, body)
        await response(scope, receive, send)

    def start(self) -> LoopbackHub:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=5)

    def __enter__(self) -> LoopbackHub:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def reset(self) -> None:
        """Forget everything: accounts, repositories, planned failures, the log."""
        self.state.users.clear()
        self.state.repos.clear()
        self.state.large.clear()
        self.faults.clear()

    def add_user(self, name: str, role: str = "write", orgs: tuple[str, ...] = (), token: str | None = None) -> User:
        user = User(name, token or f"hf_{name}_{role}", role, orgs)
        self.state.users[user.token] = user
        return user

    def add_repo(self, repo_id: str, kind: str = "dataset", private: bool = False) -> Repo:
        self.state.repos[kind, repo_id] = Repo(kind, repo_id, private)
        return self.state.repos[kind, repo_id]

    def repo(self, repo_id: str, kind: str = "dataset") -> Repo:
        return self.state.repos[kind, repo_id]

    def fail(self, method: str, path: str, **how) -> None:
        """Plan a failure; the keywords are those of :class:`Fault`."""
        self.faults.add(Fault(method, path, **how))
