"""Energy epoch by epoch. An epoch shorter than a source resolves shares a window and gets its part by duration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from collectors.metering.energy import ComponentEnergy, EpochEnergy
from collectors.metering.intervals import shortest_confident_s
from collectors.metering.reading import JOULES_PER_KWH, EpochRecord, Tally
from collectors.metering.sources.source import Source


def epoch_energies(
    records: Sequence[EpochRecord], sources: Sequence[Source], energies: Callable[[Tally], dict[str, ComponentEnergy]]
) -> list[EpochEnergy]:
    """The epochs in order; their energies add up to what was read over all of them."""
    tallies = [Tally([None] * len(sources), r.tally.seconds, r.tally.cpu_s, 1) for r in records]
    shared = [False] * len(records)
    for column, source in enumerate(sources):
        for group in groups([r.tally.seconds for r in records], shortest_confident_s(source.update_s)):
            _share_out(group, column, records, tallies)
            if len(group) > 1:
                for index in group:
                    shared[index] = True
    epochs = []
    for index, (record, tally) in enumerate(zip(records, tallies, strict=True)):
        epochs.append(
            EpochEnergy(
                index=index,
                duration_s=tally.seconds,
                components=_marked(energies(tally), shared[index]),
                split="by_time" if shared[index] else "measured",
                cumulative_kwh=_cumulative_kwh(record.since_start.joules),
                cumulative_s=record.since_start.seconds,
            )
        )
    return epochs


def _cumulative_kwh(joules: Sequence[float | None]) -> float | None:
    return sum(joules) / JOULES_PER_KWH if joules and None not in joules else None  # type: ignore[arg-type]


def groups(seconds: Sequence[float], at_least_s: float) -> list[list[int]]:
    """Runs of neighbouring epochs that together last at least `at_least_s`; a short rest joins the run before it."""
    found: list[list[int]] = []
    current: list[int] = []
    for index, _ in enumerate(seconds):
        current.append(index)
        if sum(seconds[i] for i in current) >= at_least_s:
            found.append(current)
            current = []
    if current:
        if found:
            found[-1] = found[-1] + current
        else:
            found.append(current)
    return found


def _share_out(group: list[int], column: int, records: Sequence[EpochRecord], tallies: list[Tally]) -> None:
    read = [records[i].tally.joules[column] for i in group]
    if any(j is None for j in read):
        return
    total_j = sum(read)  # type: ignore[arg-type]
    total_s = sum(records[i].tally.seconds for i in group)
    for i in group:
        part = records[i].tally.seconds / total_s if total_s > 0 else 1 / len(group)
        tallies[i].joules[column] = total_j * part


def _marked(components: dict[str, ComponentEnergy], shared: bool) -> dict[str, ComponentEnergy]:
    if not shared:
        return components
    return {
        name: replace(c, reason=f"{c.reason}; split by time" if c.reason else "split by time")
        if c.energy_kwh is not None and c.low_confidence
        else c
        for name, c in components.items()
    }
