"""The doctor's diagnosis for a person, as a rich renderable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group

_COLOURS = {"measured": "green", "modelled": "yellow", "missing": "dim"}


def render(diagnosis: dict[str, Any]) -> Group:
    """What `doctor` returned, a block a component and a few lines below."""
    from rich.console import Group
    from rich.text import Text

    spread = diagnosis["self_test"]["spread_percent"]
    parts: list[Any] = [Text("What will be metered here", style="bold")]
    for row in diagnosis["components"]:
        facts = [row["source"] or "no source"]
        if row["factor"] is not None:
            facts.append("true energy {:.2f} to {:.2f} times the figure".format(*row["factor"]))
        if spread.get(row["component"]) is not None:
            facts.append(f"repeats within {spread[row['component']]:.1f} %")
        colour = _COLOURS[row["quality"]]
        head = Text.assemble((f"{row['component']:5}", "bold"), (f"{row['quality']:10}", colour), " · ".join(facts))
        parts.append(head)
        why = (row["reason"], row["better"] and f"better: {row['better']}")
        parts += [Text(f"     {line}", style="dim") for line in why if line]
    return Group(*parts, *[Text(line) for line in _lines(diagnosis)])


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
