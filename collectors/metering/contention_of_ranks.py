"""Whether others disturbed a run of several processes. Its ranks are no strangers to each other."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.metering.contention import OTHERS, Contention, verdict
from collectors.metering.report import EnergyReport


def contention_of_ranks(reports: Sequence[EnergyReport]) -> Contention:
    """The verdict over all ranks: what machines and cards did beyond all ranks together is foreign."""
    host = list(dict.fromkeys(why for r in reports for why in r.contention if not why.startswith(OTHERS)))
    machine_wide = any(r.components["cpu"].scope == "machine" for r in reports if "cpu" in r.components)
    ours = busy = capacity = 0.0
    for node in {r.rank.get("node", 0) for r in reports}:
        ranks = [r for r in reports if r.rank.get("node", 0) == node]
        seen = [r for r in ranks if r.machine_cpu_s is not None and r.machine_capacity_s]
        used = [r.cpu_time_s for r in ranks if r.cpu_time_s is not None]
        if not seen or not used:
            return verdict(ours, None, None, _foreign_on_cards(reports), host=host)
        longest = max(seen, key=lambda r: r.duration_s)
        ours += sum(used)
        busy += max(longest.machine_cpu_s or 0.0, sum(used))
        capacity += longest.machine_capacity_s or 0.0
    return verdict(ours, busy, capacity, _foreign_on_cards(reports), machine_wide, host=host)


def _foreign_on_cards(reports: Sequence[EnergyReport]) -> int | None:
    """Processes on the ranks' cards that are of none of them; ranks on the same cards see each other there."""
    by_cards: dict[tuple[str, ...], list[int | None]] = {}
    for r in reports:
        if r.cards:
            by_cards.setdefault(r.cards, []).append(r.foreign_gpu_processes)
    strangers, blind = 0, not by_cards
    for seen in by_cards.values():
        known = [n for n in seen if n is not None]
        blind = blind or len(known) < len(seen)
        strangers += max(0, max(known) - (len(seen) - 1)) if known else 0
    return None if blind and not strangers else strangers
