"""Reports of the processes of one distributed run become one.

Energy is summed, time is the longest, never an average. What is summed depends on whose energy a figure is:
a card counts once, even where two ranks read it; what belongs to a node (RAPL, memory) is read by the node's first rank
alone; a modelled processor is each rank's own process tree, and trees are disjoint, so they add up to the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from collectors.metering.contention_of_ranks import contention_of_ranks
from collectors.metering.energy import COMPONENTS, ComponentEnergy, EpochEnergy, WindowEnergy, missing
from collectors.metering.report import EnergyReport

Parts = list[tuple[int, ComponentEnergy]]
"""One component as the ranks saw it, each with the number of its node."""


def aggregate(reports: Sequence[EnergyReport]) -> EnergyReport:
    """One report for all ranks of a run.

    Args:
        reports: one a rank, in any order, for instance from `accelerate.utils.gather_object([meter.report()])`.

    Raises:
        UsageError: no reports, or two of the same rank.
    """
    from ecotaskset.errors import UsageError

    ranks = [r.rank.get("rank", 0) for r in reports]
    if not reports or len(set(ranks)) != len(ranks):
        raise UsageError(f"cannot add up reports of ranks {ranks}", hint="give one report of every rank")
    if len(reports) == 1:
        return reports[0]
    reports = sorted(reports, key=lambda r: r.rank.get("rank", 0))
    first = reports[0]
    return replace(
        first,
        duration_s=max(r.duration_s for r in reports),
        components=_components([(_node(r), r.components) for r in reports]),
        windows=_windows(reports, lambda r: r.windows),
        parts=_windows(reports, lambda r: r.parts),
        epochs=_epochs(reports),
        cpu_time_s=_sum(r.cpu_time_s for r in reports),
        **contention_of_ranks(reports).to_report(),
        rank={**first.rank, "world_size": len(reports)},
        cards=tuple(dict.fromkeys(uuid for r in reports for uuid in r.cards)),
    )


def _components(seen: list[tuple[int, dict[str, ComponentEnergy]]]) -> dict[str, ComponentEnergy]:
    merge: dict[str, Callable[[Parts], ComponentEnergy]] = {"gpu": _cards, "cpu": _processors, "ram": _once_a_node}
    return {name: merge[name]([(node, parts[name]) for node, parts in seen if name in parts]) for name in COMPONENTS}


def _processors(parts: Parts) -> ComponentEnergy:
    """A node's own reading where there is one; else the sum of its ranks' process trees."""
    machines = {node for node, c in parts if c.scope == "machine"}
    return _once_a_node([(node, c) for node, c in parts if node not in machines or c.scope == "machine"])


def _once_a_node(parts: Parts) -> ComponentEnergy:
    """What belongs to a whole node counts once, however many ranks were started so that each believed to be alone."""
    whole: dict[int, ComponentEnergy] = {}
    for node, c in parts:
        if c.scope == "machine":
            whole.setdefault(node, c)
    return _added([*whole.items(), *[(node, c) for node, c in parts if c.scope != "machine"]])


def _cards(parts: Parts) -> ComponentEnergy:
    """Sum over distinct cards: of a card that several ranks read, the longest reading counts."""
    counted: dict[str, float] = {}
    for _, c in parts:
        for uuid, kwh in c.domains.items():
            counted[uuid] = max(kwh, counted.get(uuid, 0.0))
    whole = _added(parts)
    if whole.energy_kwh is None or not whole.energy_kwh:
        return whole
    once = sum(counted.values())
    scale = once / whole.energy_kwh
    low, high = whole.interval or (whole.energy_kwh, whole.energy_kwh)
    return replace(whole, energy_kwh=once, interval=(low * scale, high * scale), domains=counted)


def _added(parts: Parts) -> ComponentEnergy:
    lost = [c for _, c in parts if c.energy_kwh is None and c.constants.get("present")]
    if lost:
        return lost[0]
    known = [c for _, c in parts if c.energy_kwh is not None]
    if not known:
        return parts[0][1] if parts else missing("no rank reported it")
    ends = [c.interval for c in known if c.interval]
    weakest = next((c for c in known if c.quality == "modelled"), known[0])
    idle = [c.idle_power_w for c in known if c.idle_power_w is not None]
    domains = {f"{d}@{i}": kwh for i, c in enumerate(known) for d, kwh in c.domains.items()}
    return replace(
        weakest,
        energy_kwh=sum(c.energy_kwh or 0.0 for c in known),
        interval=(sum(low for low, _ in ends), sum(high for _, high in ends)) if ends else None,
        low_confidence=any(c.low_confidence for c in known),
        scope="device" if weakest.scope == "device" else "node",
        constants={**weakest.constants, "readings_added": len(known)},
        domains=domains,
        idle_power_w=sum(idle) if idle else None,
    )


def _windows(
    reports: Sequence[EnergyReport], of: Callable[[EnergyReport], dict[str, WindowEnergy]]
) -> dict[str, WindowEnergy]:
    names = dict.fromkeys(name for r in reports for name in of(r))
    merged = {}
    for name in names:
        seen = [(_node(r), of(r)[name]) for r in reports if name in of(r)]
        merged[name] = WindowEnergy(
            name,
            max(w.duration_s for _, w in seen),
            _components([(node, w.components) for node, w in seen]),
            max(w.count for _, w in seen),
            _sum(w.cpu_time_s for _, w in seen),
        )
    return merged


def _epochs(reports: Sequence[EnergyReport]) -> list[EpochEnergy]:
    merged = []
    for index in range(min(len(r.epochs) for r in reports)):
        seen = [(_node(r), r.epochs[index]) for r in reports]
        components = _components([(node, e.components) for node, e in seen])
        lost = any(c.lost for c in components.values())
        merged.append(
            EpochEnergy(
                index=index,
                duration_s=max(e.duration_s for _, e in seen),
                components=components,
                split="by_time" if any(e.split == "by_time" for _, e in seen) else "measured",
                cumulative_kwh=None if lost else _sum(e.cumulative_kwh for _, e in seen),
                cumulative_s=max(e.cumulative_s for _, e in seen),
            )
        )
    return merged


def _node(report: EnergyReport) -> int:
    return report.rank.get("node", 0)


def _sum(values: Any) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) if known else None
