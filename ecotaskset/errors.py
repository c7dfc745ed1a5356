"""Errors a person can act on: one line that says what was wrong, a hint that says what to do, an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EcoTaskSetError(Exception):
    """An expected failure. Command lines print it as one line and exit with `exit_code`; never a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(EcoTaskSetError, ValueError):
    """What was asked for does not exist or makes no sense (exit 2)."""

    exit_code = 2


class RefusedError(EcoTaskSetError):
    """Data that the checks do not accept (exit 3)."""

    exit_code = 3


class MeasurementError(EcoTaskSetError):
    """A measurement that was required cannot be made on this machine (exit 4)."""

    exit_code = 4


class RunsFailedError(EcoTaskSetError):
    """A campaign went to its end, but some of its runs failed (exit 5)."""

    exit_code = 5


class HubError(EcoTaskSetError):
    """The network or the Hub said no (exit 6)."""

    exit_code = 6


def unknown_name(kind: str, name: object, known: Iterable[str], *, see: str | None = None) -> UsageError:
    """The error for a name that is not in a list: names the culprit, the nearest legal name, and where the list is."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    message = f"unknown {kind} '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
    shown = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
    return UsageError(message, hint=f"choose from: {shown}" + (f"; see `{see}`" if see else ""))
