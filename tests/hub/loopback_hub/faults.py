"""Things that go wrong on purpose, and a log of every request, so that tests can say what was really sent."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class Fault:
    """One planned failure.

    Attributes:
        method: HTTP method it applies to.
        path: regular expression searched in the (encoded) path.
        status: answer with this status; 0 leaves the answer alone.
        times: how often it strikes before it is used up.
        after: do the work first, then answer with the failure (the client cannot know that it was done).
        cut: break the connection in the middle of the answer.
        delay: seconds to wait before anything happens; with ``after``, between the work and the answer.
        headers: added to the failing answer, for example ``Retry-After``.
        skip: let this many matching requests through first.
    """

    method: str
    path: str
    status: int = 0
    times: int = 1
    after: bool = False
    cut: bool = False
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    skip: int = 0


@dataclass(frozen=True)
class Logged:
    method: str
    path: str
    query: str
    status: int
    authorized: bool
    body: bytes


class FaultTable:
    """Planned failures and the log. Filled by tests from their own thread, used up by the server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []
        self._log: list[Logged] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()
            self._log.clear()

    @property
    def waiting(self) -> int:
        """How many planned failures have not struck yet."""
        with self._lock:
            return len(self._planned)

    @property
    def log(self) -> list[Logged]:
        with self._lock:
            return list(self._log)

    def count(self, method: str, path: str) -> int:
        return sum(1 for entry in self.log if entry.method == method and re.search(path, entry.path))

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._planned:
                if fault.method == method and re.search(fault.path, path):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    if fault.times <= 0:
                        self._planned.remove(fault)
                    return fault
        return None

    def record(self, request: Request, path: str, status: int, body: bytes) -> None:
        authorized = "authorization" in request.headers
        with self._lock:
            self._log.append(Logged(request.method, path, request.url.query, status, authorized, body))


class CutResponse(Response):
    """Promises more bytes than it sends, so that the server has to break the connection."""

    async def __call__(self, scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


async def strike(fault: Fault, answer) -> Response:
    """Let a fault happen around ``answer``, a coroutine function that does the real work."""
    if not fault.after:
        await asyncio.sleep(fault.delay)
    response = await answer() if fault.after or not (fault.status or fault.cut) else None
    if fault.after:
        await asyncio.sleep(fault.delay)
    if response is not None and not (fault.status or fault.cut):
        return response
    if fault.cut:
        return CutResponse()
    return JSONResponse({"error": "planned failure"}, fault.status, fault.headers)
