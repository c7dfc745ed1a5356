"""A recommendation for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ecotaskset.amounts import duration, energy, mass
from ecotaskset.recipe import is_own
from green_predictor.own_data import FORMS

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick, Recommendation


def recommendation_table(answer: Recommendation) -> list[Any]:
    """Verdict, a table of the pick and its neighbours, what it stands on, and the command to type next.

    Names of metrics, architectures and machines come with the model, which may be a stranger's: none is read as markup.
    """
    from rich.markup import escape
    from rich.text import Text

    titles = ["", f"{answer.metric} (90 %)", "energy (90 %)", "time"] + ["CO₂"] * (answer.intensity is not None)
    rows: list[tuple[str, Pick | None]] = [
        ("cheaper", answer.alternatives["cheaper"]),
        ("best", answer.best),
        ("better", answer.alternatives["better"]),
        ("most accurate", answer.most_accurate),
    ]
    cells = [[label, *_cells(pick, answer.intensity is not None)] for label, pick in rows if pick is not None]
    header, *body = map(escape, aligned([*titles, "recipe"], cells, left=len(titles) + 1).splitlines())
    body = [f"[bold green]{line}[/]" if line.startswith("best") else line for line in body]
    lines: list[Any] = [Text(answer.verdict), "", f"[dim]{header}[/]", *body, ""]
    machine = answer.hardware.get("gpu_model") or answer.hardware.get("cpu_model") or "unknown machine"
    facts = {"basis": answer.support.sentence, "machine": f"{machine} ({answer.hardware_basis})"}
    if answer.intensity:
        facts["grid"] = f"{answer.intensity[0]:g} g/kWh ({answer.intensity[1]})"
    near = f"{int(answer.choosable.sum()):,} of {answer.n_candidates:,} candidates"
    facts["chosen"] = f"among {near}, the others being unlike any run; {len(answer.on_front)} on the front"
    dataset = answer.best.recipe.dataset
    if not is_own(dataset) and not any(run["dataset"] == dataset for run in answer.model.runs):
        facts["data"] = f"in place of {dataset} say where yours are: --dataset {FORMS[answer.domain]}"
    lines += [f"[dim]{name:<9}[/] {escape(words)}" for name, words in facts.items()]
    return [*lines, "[dim]next[/]", escape(answer.command)]


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
    cells = [
        f"{pick.quality:.3f} ({pick.quality_low:.2f}–{pick.quality_high:.2f})",
        f"{energy(pick.energy_kwh)} ({energy(pick.energy_low_kwh)}–{energy(pick.energy_high_kwh)})",
        duration(pick.duration_s),
    ]
    if with_emissions:
        cells.append(mass(pick.emissions_kg or 0))
    return [*cells, f"{pick.name} · lr {pick.recipe.learning_rate:g}"]
