"""What a meter reads at one moment, and how differences of readings add up.

A source counts joules upwards from the moment it was opened. Everything the meter reports is a difference of two
readings, so a window costs two reads and parts add up to their whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

JOULES_PER_KWH = 3.6e6


class Reading(NamedTuple):
    """One moment: monotonic seconds, the joules of each source so far (None once a source is lost), CPU seconds."""

    at_s: float
    joules: tuple[float | None, ...]
    cpu_s: float | None = None


@dataclass
class Tally:
    """A sum of spans between readings: seconds, joules a source, CPU seconds, and how many spans it is made of.

    A source that was unknown at either end of any span stays unknown in the sum.
    """

    joules: list[float | None]
    seconds: float = 0.0
    cpu_s: float | None = 0.0
    spans: int = 0

    @classmethod
    def empty(cls, n_sources: int) -> Tally:
        return cls(joules=[0.0] * n_sources)

    @classmethod
    def between(cls, begin: Reading, end: Reading) -> Tally:
        joules = [_minus(late, early) for late, early in zip(end.joules, begin.joules, strict=True)]
        return cls(joules, end.at_s - begin.at_s, _minus(end.cpu_s, begin.cpu_s), spans=1)

    def add(self, other: Tally) -> None:
        self.joules = [_plus(a, b) for a, b in zip(self.joules, other.joules, strict=True)]
        self.seconds += other.seconds
        self.cpu_s = _plus(self.cpu_s, other.cpu_s)
        self.spans += other.spans

    def without(self, other: Tally) -> Tally:
        """This tally less what `other`, a part of it, already accounts for (never below zero through rounding)."""
        return Tally(
            [_above_zero(_minus(a, b)) for a, b in zip(self.joules, other.joules, strict=True)],
            max(0.0, self.seconds - other.seconds),
            _above_zero(_minus(self.cpu_s, other.cpu_s)),
            max(1, self.spans),
        )


@dataclass(eq=False)
class Span:
    """An open window: where it began and what its inner windows have taken so far. No two are ever the same one."""

    name: str
    begin: Reading
    inner: Tally
    repeats_outer: bool = False
    """A window of the same name is already open, which will count this one's energy too."""
    closed: bool = field(default=False)


class EpochRecord(NamedTuple):
    """One epoch as read: its own tally, and everything from the meter's start to its end."""

    tally: Tally
    since_start: Tally


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _plus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def _above_zero(a: float | None) -> float | None:
    return None if a is None else max(0.0, a)
