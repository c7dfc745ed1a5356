"""Calls to the Hub that may fail halfway: bounded retries, and never the same thing twice.

The Hub can do what it was asked and still answer with an error, or with nothing. So before something is sent again, a
`landed` check asks whether the first attempt arrived. The client library itself retries uploads of file content, but
not commits, tags, discussions or lookups; those go through here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from ecotaskset.errors import HubError
from ecotaskset.hub.failures import explain, hub_failures, status_of

Result = TypeVar("Result")

TRIES = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
CONFLICTS = (409, 412)


def attempt(
    action: Callable[[], Result],
    what: str,
    *,
    landed: Callable[[], Result | None] | None = None,
    look_first: bool = False,
    conflicts: bool = False,
    tries: int = TRIES,
    sleep: Callable[[float], None] | None = None,
) -> Result:
    """Do something at the Hub; on passing trouble wait and do it again, at most `tries` times.

    Args:
        action: the call.
        what: what it does, for the error message: "push 3 runs to org/data".
        landed: returns the result if an earlier attempt arrived, None if it did not. Asked before every repetition;
            while it cannot be answered, nothing is sent.
        look_first: ask `landed` before the first attempt too.
        conflicts: whether 409 and 412 are passing trouble (somebody else was faster) or final.
        tries: attempts in all.
        sleep: stands in for `time.sleep`.

    Raises:
        HubError: final trouble, or passing trouble that did not pass; names the cause and the remedy.
    """
    wait = sleep or time.sleep
    uncertain, last = look_first, None
    for number in range(tries):
        if last is not None:
            wait(_wait_s(last, number))
        try:
            if uncertain and landed is not None and (found := landed()) is not None:
                return found
            uncertain = True
            return action()
        except hub_failures() as error:
            if not passing(error, conflicts=conflicts):
                raise explain(error, what) from error
            last = error
    try:
        if landed is not None and (found := landed()) is not None:
            return found
    except hub_failures():
        pass
    assert last is not None
    raise HubError(
        f"cannot {what}: {explain(last, what).message.removeprefix(f'cannot {what}: ')} (tried {tries} times)",
        hint="nothing is lost; run the same command again later",
    ) from last


def passing(error: BaseException, *, conflicts: bool = False) -> bool:
    """Whether this trouble may pass by itself: too many requests, a broken server or connection, or a conflict."""
    status = status_of(error)
    if status is None:
        from huggingface_hub.errors import EntryNotFoundError, LocalTokenNotFoundError, OfflineModeIsEnabled

        return not isinstance(error, (OfflineModeIsEnabled, LocalTokenNotFoundError, EntryNotFoundError, ValueError))
    return status in (408, 425, 429) or status >= 500 or (conflicts and status in CONFLICTS)


def _wait_s(error: BaseException, number: int) -> float:
    headers = getattr(getattr(error, "response", None), "headers", {})
    asked = str(headers.get("Retry-After", ""))
    if asked.isdigit():
        return min(float(asked) + 0.1, 4 * LONGEST_WAIT_S)
    longest = min(FIRST_WAIT_S * 2**number, LONGEST_WAIT_S)
    return longest * random.uniform(0.5, 1.0)  # so that many clients do not come back together
