"""The doctor's diagnosis for a person, as a rich renderable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group

_COLOURS = {"measured": "green", "modelled": "yellow", "missing": "dim"}


def render(diagnosis: dict[str, Any]) -> Group:
    """What `doctor` returned, as a table and a few lines below it."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What will be metered here", title_justify="left", show_lines=True)
    for heading in ("component", "quality", "source", "true energy / figure", "spread", "why, and how to get better"):
        table.add_column(heading, overflow="fold")
    spread = diagnosis["self_test"]["spread_percent"]
    for row in diagnosis["components"]:
        colour = _COLOURS[row["quality"]]
        factor = "" if row["factor"] is None else "{:.2f} to {:.2f}".format(*row["factor"])
        noise = spread.get(row["component"])
        why = "\n".join(x for x in (row["reason"], row["better"] and f"better: {row['better']}") if x)
        table.add_row(
            row["component"],
            f"[{colour}]{row['quality']}[/]",
            row["source"] or "none",
            factor,
            "" if noise is None else f"{noise:.1f} %",
            escape(why),
        )
    return Group(table, *[Text(line) for line in _lines(diagnosis)])


def _lines(diagnosis: dict[str, Any]) -> list[str]:
    known = {k: v for k, v in diagnosis["hardware"].items() if v is not None}
    lines = ["machine: " + ", ".join(f"{key} {value}" for key, value in known.items())]
    test = diagnosis["self_test"]
    power = diagnosis["power_w"]
    drew = "" if power is None else f", {power:.1f} W on average"
    lines.append(f"self-test: {test['windows']} equal pieces of work ({test['work']}){drew}; spread as above")
    if diagnosis["contended"]:
        lines.append("the machine is shared right now: " + "; ".join(diagnosis["contention"]))
    return lines
