"""green-collect --list: what can be trained here, and every knob."""

from __future__ import annotations

from typing import Any

from ecotaskset.console import Output
from ecotaskset.knobs import KNOBS, Knob


def show_list(out: Output) -> None:
    """Print architectures, data sets and knobs; with `--json` one object with these three keys."""
    found = what_there_is()
    names = [entry["name"] for kind in ("architectures", "datasets", "knobs") for entry in found[kind]]
    out.result(found, None if out.json or out.quiet else list_tables(found), names)


def what_there_is() -> dict[str, list[dict[str, Any]]]:
    """`architectures` (name, domain, family, params), `datasets` (name, domain, source, needs_hub), `knobs` (name,
    phase, values), each with further keys. `params` counts the weights at width 1 for the domain's usual inputs."""
    from collectors.tasks import listing

    return {**listing(), "knobs": [_knob(knob) for knob in KNOBS.values()]}


def _knob(knob: Knob) -> dict[str, Any]:
    return {
        "name": knob.name,
        "phase": knob.phase,
        "values": list(knob.values),
        "default": knob.default,
        "low": knob.low,
        "high": knob.high,
        "domains": list(knob.domains),
        "excludes": list(knob.excludes),
        "needs": list(knob.needs),
        "description": knob.description,
    }


def list_tables(found: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """The same as three rich tables."""
    from rich.markup import escape
    from rich.table import Table

    architectures = Table("architecture", "domain", "family", "parameters", title="Architectures", title_justify="left")
    architectures.columns[3].justify = "right"
    for entry in found["architectures"]:
        architectures.add_row(entry["name"], entry["domain"], entry["family"], _count(entry["params"]))
    datasets = Table("data set", "domain", "comes from", "needs a hub", title="Data sets", title_justify="left")
    for entry in found["datasets"]:
        datasets.add_row(entry["name"], entry["domain"], escape(entry["source"]), "yes" if entry["needs_hub"] else "no")
    knobs = Table("knob", "phase", "values", "default", "what it does", title="Knobs", title_justify="left")
    for entry in found["knobs"]:
        default = "as the task" if entry["default"] is None else str(entry["default"]).lower()
        values = KNOBS[entry["name"]].shown_values
        knobs.add_row(entry["name"], entry["phase"], values, default, escape(entry["description"]))
    for table in (architectures, datasets, knobs):
        table.columns[0].no_wrap = table.columns[1].no_wrap = True  # names are for copying
    return [architectures, datasets, knobs]


def _count(n: int | None) -> str:
    return "not known" if n is None else f"{n / 1e6:.2f} M" if n >= 1e5 else f"{n:,}"
