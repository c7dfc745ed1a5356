"""Which runs of a local store were already offered, and where: small marker files beside the runs.

    <store>/pushed/<hub>--<owner>--<name>/<submission>.json    {"state": "sending" | "sent", "runs": […], "url": …}

A marker says `sending` before anything leaves. A process that dies in between leaves it behind, and the next push asks
the Hub whether that submission arrived before it sends anything.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ecotaskset.errors import UsageError
from ecotaskset.hub.failures import endpoint
from ecotaskset.store import Store, write_atomically

LOCK_WAIT_S = 600


@dataclass(frozen=True)
class Marker:
    """One submission that left, or was about to leave, this store."""

    submission: str
    runs: tuple[str, ...]
    state: str
    url: str | None = None


def folder(store: Store, repo: str) -> Path:
    """Where the markers for one repository on one Hub live."""
    host = re.sub(r"[^\w.-]+", "-", endpoint().split("://")[-1])
    return store.path / "pushed" / f"{host}--{repo.replace('/', '--')}"


def markers(store: Store, repo: str) -> list[Marker]:
    """All readable markers; a damaged one counts as not pushed, and the Hub will know better."""
    found = []
    for path in sorted(folder(store, repo).glob("*.json")):
        try:
            content = json.loads(path.read_bytes())
            found.append(Marker(path.stem, tuple(content["runs"]), content["state"], content.get("url")))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def mark(store: Store, repo: str, marker: Marker) -> None:
    """Write a marker, atomically."""
    path = folder(store, repo) / f"{marker.submission}.json"
    write_atomically(path, json.dumps(asdict(marker), indent=1).encode())


def unmark(store: Store, repo: str, submission: str) -> None:
    """Forget a submission that never arrived."""
    (folder(store, repo) / f"{submission}.json").unlink(missing_ok=True)


def pushed_ids(store: Store, repo: str) -> set[str]:
    """Runs whose submission is known to have arrived."""
    return {run for marker in markers(store, repo) if marker.state == "sent" for run in marker.runs}


@contextlib.contextmanager
def one_at_a_time(store: Store, repo: str) -> Iterator[None]:
    """Let one process push from this store at a time; the others wait.

    Raises:
        UsageError: the other one takes more than ten minutes, or the store cannot be written.
    """
    from filelock import FileLock, Timeout

    place = folder(store, repo)
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".lock", timeout=LOCK_WAIT_S):
            yield
    except Timeout:
        raise UsageError("another process is pushing from this store", hint="wait until it is done") from None
    except PermissionError as error:
        raise UsageError(f"cannot write {place}: {error.strerror}", hint="push needs to note what it sent") from None
