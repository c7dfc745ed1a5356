"""A recommendation for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from green_predictor.verdict import duration, energy, mass

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick, Recommendation


def recommendation_table(answer: Recommendation) -> list[Any]:
    """Verdict, a table of the pick and its neighbours, what it stands on, and the command to type next."""
    from rich.table import Table

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    titles = ["", f"{answer.metric} (90 %)", "energy (90 %)", "time"] + ["CO₂"] * (answer.intensity is not None)
    for title in titles:
        table.add_column(title, no_wrap=True)
    table.add_column("recipe", overflow="fold", min_width=12)
    rows: list[tuple[str, Pick | None, str]] = [
        ("cheaper", answer.alternatives["cheaper"], ""),
        ("best", answer.best, "bold green"),
        ("better", answer.alternatives["better"], ""),
        ("most accurate", answer.most_accurate, "dim"),
    ]
    for label, pick, style in rows:
        if pick is not None:
            table.add_row(label, *_cells(pick, answer.intensity is not None), style=style)
    lines: list[Any] = [answer.verdict, "", table, ""]
    lines.append(f"[dim]basis[/]     {answer.support.sentence}")
    machine = answer.hardware.get("gpu_model") or answer.hardware.get("cpu_model") or "unknown machine"
    lines.append(f"[dim]machine[/]   {machine} ({answer.hardware_basis})")
    if answer.intensity:
        lines.append(f"[dim]grid[/]      {answer.intensity[0]:g} g/kWh ({answer.intensity[1]})")
    lines.append(f"[dim]chosen[/]    among {answer.n_candidates:,} candidates, {len(answer.on_front)} on the front")
    lines.append("[dim]next[/]")
    lines.append(answer.command)
    return lines


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
