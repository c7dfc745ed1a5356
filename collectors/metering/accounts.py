"""From tallies of joules to the figures of a report: one component may have several sources (cards, packages)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.metering.discover import Absent
from collectors.metering.energy import COMPONENTS, ComponentEnergy, missing
from collectors.metering.intervals import LOW_CONFIDENCE_EDGE, edge_share, interval_j
from collectors.metering.reading import JOULES_PER_KWH, Tally
from collectors.metering.sources.source import Source


def component_energies(
    sources: Sequence[Source],
    absent: Mapping[str, Absent],
    tally: Tally,
    notes: Mapping[str, str] | None = None,
    idle_w: Mapping[str, float] | None = None,
) -> dict[str, ComponentEnergy]:
    """Energy of each component over a tally.

    Args:
        sources: in the order of `tally.joules`.
        absent: components without any source, with the reason.
        notes: why a component is not read from a better source.
        idle_w: idle draw by component, W.
    """
    found: dict[str, ComponentEnergy] = {}
    for component in COMPONENTS:
        ours = [(s, j) for s, j in zip(sources, tally.joules, strict=True) if s.component == component]
        if not ours:
            found[component] = missing(*absent.get(component, ("nothing here can read it", True)))
            continue
        note = (notes or {}).get(component)
        found[component] = _combined(ours, tally, note, (idle_w or {}).get(component))
    return found


def _combined(
    ours: list[tuple[Source, float | None]], tally: Tally, note: str | None, idle_w: float | None
) -> ComponentEnergy:
    first = ours[0][0]
    doubts = [s.doubt for s, _ in ours if s.doubt]
    constants = first.constants() if len(ours) == 1 else {"domains": {s.domain: s.constants() for s, _ in ours}}
    if any(j is None for _, j in ours):
        reason = "; ".join(doubts) or "its source could no longer be read"
        constants = {"present": True, **constants}
        return ComponentEnergy(
            None, None, "missing", low_confidence=True, reason=reason, scope=first.scope, constants=constants
        )
    known = [(s, j) for s, j in ours if j is not None]
    ends = [interval_j(s, j, tally.seconds, tally.spans) for s, j in known]
    too_short = max(edge_share(s.update_s, tally.seconds, tally.spans) for s, _ in known) > LOW_CONFIDENCE_EDGE
    if too_short:
        doubts.append(f"{tally.seconds:.3g} s is short for a source that steps every {first.update_s:g} s")
    names = {s.name for s, _ in known}
    return ComponentEnergy(
        energy_kwh=sum(j for _, j in known) / JOULES_PER_KWH,
        source=first.name if len(names) == 1 else "nvml_poll",  # cards of one run read in two ways: the weaker name
        quality="measured" if all(s.quality == "measured" for s, _ in known) else "modelled",
        interval=(sum(low for low, _ in ends) / JOULES_PER_KWH, sum(high for _, high in ends) / JOULES_PER_KWH),
        low_confidence=bool(doubts),
        reason="; ".join([*doubts, *([note] if note else [])]) or None,
        scope=first.scope,
        constants=constants,
        domains={s.domain: j / JOULES_PER_KWH for s, j in known},
        idle_power_w=idle_w,
    )
