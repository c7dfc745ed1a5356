"""EnergyMeter: windows over counters. Two reads a window, no thread, no file, no network, no child process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from collectors.metering.bench import Bench
from collectors.metering.discover import Found, Surroundings
from collectors.metering.ledger import Ledger
from collectors.metering.reading import Tally

if TYPE_CHECKING:
    from collectors.metering.energy import Snapshot
    from collectors.metering.report import EnergyReport

EPOCH = "epoch"
TICK_EVERY_S = 30.0
"""How long `tick` leaves the counters unread: well under the shortest wrap-around of a RAPL counter."""


class EnergyMeter:
    """Meters this process, what it starts, and the cards and counters of its machine.

    >>> with EnergyMeter() as meter:
    ...     with meter.window("training"):
    ...         total = sum(range(100_000))
    >>> report = meter.report()
    >>> report.components["cpu"].source in ("rapl_package", "cpu_time_model")
    True

    Args:
        country: ISO 3166 code of the grid (`FRA`, `FR`), for the carbon view only. Never looked up.
        pue: power usage effectiveness of the site, at least 1; kept beside the energy, never inside.
        baseline_s: idle seconds measured before the start, reported as `idle_power_w`, never subtracted.
        devices: GPUs: `auto` (a rank of several takes its own, a single process every visible one) or a list of visible
            indices, UUIDs or torch devices; an empty list for none.
        node_share: part of the machine's constant draw (modelled memory) booked here: 1/N for N runs side by side.
        around: where to look at the machine; for tests.

    Raises:
        UsageError: a value above makes no sense, or a device is named that is not visible.
    """

    def __init__(
        self,
        country: str | None = None,
        pue: float = 1.0,
        baseline_s: float = 0,
        devices: Any = "auto",
        node_share: float = 1.0,
        around: Surroundings | None = None,
    ) -> None:
        _check(pue, baseline_s, node_share)
        self.country, self.pue, self.baseline_s = country, pue, baseline_s
        self._devices, self._node_share, self._around = devices, node_share, around
        self._lock = threading.Lock()
        self._bench: Bench | None = None
        self._ledger: Ledger | None = None
        self._idle_w: dict[str, float] = {}
        self._end: dict[str, Any] | None = None
        self._pid = os.getpid()

    # lifetime

    def start(self) -> EnergyMeter:
        """Opens the sources and begins to count; `with EnergyMeter()` does it. A meter starts once."""
        if self._bench is not None:
            raise _usage("this meter has already been started", "make a new EnergyMeter for every run")
        self._bench = self._open()
        first = self._bench.read()
        if self.baseline_s:
            self._sleep(self.baseline_s)
            second = self._bench.read()
            self._idle_w = _mean_power(self._bench, Tally.between(first, second))
            self._bench.restart_watch()
            first = second
        self._ledger = Ledger(first)
        return self

    def stop(self, at_last_read: bool = False) -> None:
        """Takes the last reading and gives back all handles. Safe to call twice; `report` works afterwards.

        Args:
            at_last_read: end with the newest reading of a window or a `tick` instead of one more, for work that broke
                off unnoticed: what this process did since is not billed. Who else was at work then is not known.
        """
        if self._bench is None or self._end is not None:
            return
        ledger = self._running()
        with self._lock:
            while ledger.open:
                self._bench.closing(ledger.open[-1].name)
                ledger.end(ledger.open[-1], ledger.last if at_last_read else self._bench.read())
            if at_last_read:
                self._end = {}
            else:
                ledger.last = self._bench.read()
                self._end = self._circumstances()
            self._bench.close()

    def __enter__(self) -> EnergyMeter:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    # windows

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        """Meters what happens inside, also when it raises. Windows nest; those of one name add up.

        Open windows in one thread only: nesting is by time, not by thread.
        """
        span = self._begin(name)
        try:
            yield
        finally:
            self._finish(span)

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """Meters one epoch. Epochs too short for a source share a window with their neighbours in the report."""
        span = self._begin(EPOCH)
        try:
            yield
        finally:
            self._finish(span, epoch=True)

    def snapshot(self) -> Snapshot:
        """Energy since the start, at the cost of one read."""
        from collectors.metering.energy import Snapshot

        ledger = self._running()
        with self._lock:
            now = self._bench.read() if self._end is None else ledger.last
        tally = Tally.between(ledger.first, now)
        return Snapshot(tally.seconds, self._energies(tally), tally.cpu_s)

    def tick(self, every_s: float = TICK_EVERY_S) -> None:
        """For every turn of a loop: a look at the clock, and a read if the last one is `every_s` ago.

        Windows of many minutes need it, or a counter may wrap unseen; `stop(at_last_read=True)` goes back to it.
        """
        ledger = self._ledger
        if ledger is None or self._end is not None or time.monotonic() - ledger.last.at_s < every_s:
            return
        with self._lock:
            ledger.last = self._bench.read()

    def report(self) -> EnergyReport:
        """What was metered so far; final once the meter has stopped. Windows still open are not in it yet."""
        from collectors.metering.report import EnergyReport

        ledger = self._running()
        bench = self._bench
        if self._end is None:
            with self._lock:
                ledger.last = bench.read()
                around = self._circumstances()
        else:
            around = self._end
        whole = Tally.between(ledger.first, ledger.last)
        return EnergyReport(
            duration_s=whole.seconds,
            components=self._energies(whole),
            windows=ledger.windows(self._energies),
            parts=ledger.parts(self._energies, whole),
            epochs=ledger.epochs(bench.found.sources, self._energies),
            cpu_time_s=whole.cpu_s,
            country=self.country,
            pue=self.pue,
            rank=bench.found.rank.to_dict(),
            cards=tuple(s.domain for s in bench.found.sources if s.component == "gpu"),
            **around,
        )

    def measures(self) -> bool:
        """Whether at least one component would be measured here, not modelled; starts nothing."""
        if self._bench is not None:
            return any(s.quality == "measured" for s in self._bench.found.sources)
        bench = self._open()
        try:
            return any(s.quality == "measured" for s in bench.found.sources)
        finally:
            bench.close()

    @property
    def found(self) -> Found:
        """The sources in use and why they are not better."""
        self._running()
        return self._bench.found

    # inside

    def _open(self) -> Bench:
        return Bench(self._devices, self._node_share, self._around)

    def _sleep(self, seconds: float) -> None:
        while seconds > 0:
            time.sleep(min(seconds, TICK_EVERY_S))
            seconds -= TICK_EVERY_S
            self._bench.read()

    def _begin(self, name: str) -> Any:
        ledger = self._running()
        if self._end is not None:
            raise _usage(f"window '{name}' opened after the meter stopped", "keep it inside `with EnergyMeter()`")
        with self._lock:
            self._bench.opened(name)
            return ledger.begin(name, self._bench.read())

    def _finish(self, span: Any, epoch: bool = False) -> None:
        if span.closed or os.getpid() != self._pid:  # stopped inside, or a forked child that leaves the block too
            return
        with self._lock:
            self._bench.closing(span.name)
            self._ledger.end(span, self._bench.read(), epoch)

    def _running(self) -> Ledger:
        if self._ledger is None:
            raise _usage("this meter has not been started", "use `with EnergyMeter() as meter:`, or call start()")
        if os.getpid() != self._pid:
            raise _usage("this meter belongs to the parent process", "make a new EnergyMeter in the child")
        return self._ledger

    def _energies(self, tally: Tally) -> dict[str, Any]:
        from collectors.metering.accounts import component_energies

        found = self._bench.found
        return component_energies(found.sources, found.absent, tally, found.notes, self._idle_w)

    def _circumstances(self) -> dict[str, Any]:
        tally = Tally.between(self._ledger.first, self._ledger.last)
        seen = self._bench.contention(tally.cpu_s or 0.0, tally.seconds)
        return {**seen.to_report(), "conditions": self._bench.conditions()}


def _mean_power(bench: Bench, tally: Tally) -> dict[str, float]:
    """Mean power of each component over a tally, W."""
    power: dict[str, float] = {}
    for source, joules in zip(bench.found.sources, tally.joules, strict=True):
        if joules is not None and tally.seconds > 0:
            power[source.component] = power.get(source.component, 0.0) + joules / tally.seconds
    return power


def _check(pue: float, baseline_s: float, node_share: float) -> None:
    if not pue >= 1:
        raise _usage(f"pue is {pue}, but a site cannot use less than its machines", "give 1.0 or more")
    if not baseline_s >= 0:
        raise _usage(f"baseline_s is {baseline_s}", "give seconds, 0 for none")
    if not 0 < node_share <= 1:
        raise _usage(f"node_share is {node_share}", "give a share above 0 and at most 1")


def _usage(message: str, hint: str) -> Exception:
    from ecotaskset.errors import UsageError  # here, so that metering alone stays quick to import

    return UsageError(message, hint=hint)
