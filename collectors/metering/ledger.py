"""The book of windows: what each name took, inner windows included and left out, and the epochs in order.

Sums are kept, not events, so ten thousand windows take no more memory than ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from collectors.metering.reading import EpochRecord, Reading, Span, Tally

if TYPE_CHECKING:  # figures are only needed when somebody asks; importing the meter stays quick without them
    from collectors.metering.energy import ComponentEnergy, EpochEnergy, WindowEnergy
    from collectors.metering.sources.source import Source

    Energies = Callable[[Tally], dict[str, ComponentEnergy]]

OUTSIDE = "outside"
"""Name of the part of a run that no window covered."""


class Ledger:
    """Windows since `first`. `last` is the newest reading a report may use."""

    def __init__(self, first: Reading) -> None:
        self.first = self.last = first
        self.open: list[Span] = []
        self._n = len(first.joules)
        self._whole: dict[str, Tally] = {}
        self._own: dict[str, Tally] = {}
        self._covered = Tally.empty(self._n)
        self._epochs: list[EpochRecord] = []

    def begin(self, name: str, now: Reading) -> Span:
        span = Span(name, now, Tally.empty(self._n), repeats_outer=any(s.name == name for s in self.open))
        self.open.append(span)
        self.last = now
        return span

    def end(self, span: Span, now: Reading, epoch: bool = False) -> None:
        self.open.remove(span)
        span.closed = True
        tally = Tally.between(span.begin, now)
        if not span.repeats_outer:
            self._whole.setdefault(span.name, Tally.empty(self._n)).add(tally)
        self._own.setdefault(span.name, Tally.empty(self._n)).add(tally.without(span.inner))
        outer = self.open[-1].inner if self.open else self._covered
        outer.add(tally)
        self.last = now
        if epoch:
            self._epochs.append(EpochRecord(tally, Tally.between(self.first, now)))

    def windows(self, energies: Energies) -> dict[str, WindowEnergy]:
        return {name: _window(name, tally, energies) for name, tally in self._whole.items()}

    def parts(self, energies: Energies, whole: Tally) -> dict[str, WindowEnergy]:
        """Closed windows without their inner ones, and the rest of `whole` as `outside`: together the whole."""
        parts = {name: _window(name, tally, energies) for name, tally in self._own.items()}
        parts[OUTSIDE] = _window(OUTSIDE, whole.without(self._covered), energies)
        return parts

    def epochs(self, sources: Sequence[Source], energies: Energies) -> list[EpochEnergy]:
        from collectors.metering.epochs import epoch_energies

        return epoch_energies(self._epochs, sources, energies)


def _window(name: str, tally: Tally, energies: Energies) -> WindowEnergy:
    from collectors.metering.energy import WindowEnergy

    return WindowEnergy(name, tally.seconds, energies(tally), tally.spans, tally.cpu_s)
