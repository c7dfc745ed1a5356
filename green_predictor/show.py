"""A recommendation for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from green_predictor.verdict import duration, energy, mass

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick, Recommendation


def recommendation_table(answer: Recommendation) -> list[Any]:
    """Verdict, a table of the pick and its neighbours, what it stands on, and the command to type next."""
    titles = ["", f"{answer.metric} (90 %)", "energy (90 %)", "time"] + ["CO₂"] * (answer.intensity is not None)
    rows: list[tuple[str, Pick | None]] = [
        ("cheaper", answer.alternatives["cheaper"]),
        ("best", answer.best),
        ("better", answer.alternatives["better"]),
        ("most accurate", answer.most_accurate),
    ]
    cells = [[label, *_cells(pick, answer.intensity is not None)] for label, pick in rows if pick is not None]
    header, *body = aligned([*titles, "recipe"], cells, left=len(titles) + 1).splitlines()
    body = [f"[bold green]{line}[/]" if line.startswith("best") else line for line in body]
    lines: list[Any] = [answer.verdict, "", f"[dim]{header}[/]", *body, ""]
    lines.append(f"[dim]basis[/]     {answer.support.sentence}")
    machine = answer.hardware.get("gpu_model") or answer.hardware.get("cpu_model") or "unknown machine"
    lines.append(f"[dim]machine[/]   {machine} ({answer.hardware_basis})")
    if answer.intensity:
        lines.append(f"[dim]grid[/]      {answer.intensity[0]:g} g/kWh ({answer.intensity[1]})")
    lines.append(f"[dim]chosen[/]    among {answer.n_candidates:,} candidates, {len(answer.on_front)} on the front")
    lines.append("[dim]next[/]")
    lines.append(answer.command)
    return lines


def aligned(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns in plain text, whatever the width of the terminal; the first `left` stand left, the others right."""
    table = [list(titles), *map(list, rows)]
    widths = [max(len(row[c]) for row in table) for c in range(len(titles))]
    lines = []
    for row in table:
        cells = [
            text.ljust(w) if c < left else text.rjust(w) for c, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _cells(pick: Pick, with_emissions: bool) -> list[str]:
    from rich.markup import escape

    cells = [
        f"{pick.quality:.3f} ({pick.quality_low:.2f}–{pick.quality_high:.2f})",
        f"{energy(pick.energy_kwh)} ({energy(pick.energy_low_kwh)}–{energy(pick.energy_high_kwh)})",
        duration(pick.duration_s),
    ]
    if with_emissions:
        cells.append(mass(pick.emissions_kg or 0))
    return [*cells, escape(f"{pick.name} · lr {pick.recipe.learning_rate:g}")]
