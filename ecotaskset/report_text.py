"""A report for people: tables that fit a narrow terminal, and lines that say what their numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from ecotaskset.amounts import energy as energy_text
from ecotaskset.report_repeats import UNSTEADY_CV

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 8
FEW_TWINS = 0.05
"""From this share of recipes on with a twin in another split, tests on the splits are clearly too easy."""


def render(data: dict[str, Any]) -> list[Any]:
    """The renderables of a report, in the order they are read."""
    others = ", ".join(f"{count} {name}" for name, count in data["statuses"].items() if name != "completed")
    origins = ", ".join(f"{count} {name}" for name, count in data["origins"].items())
    parts: list[Any] = [f"[bold]{data['runs']:,} runs[/] of {data['recipes']:,} recipes ({escape(origins)})"]
    parts += [escape(f"not completed: {others}")] if others else []
    parts += ["[italic]Coverage[/]", _coverage(data["domains"])]
    parts += ["[italic]Where the energy figures come from[/]", *_energy(data["energy"])]
    parts += _repeats(data["repeatability"])
    parts += _doubts(data)
    return parts


def _coverage(domains: dict[str, Any]) -> Table:
    table = _table("domain", "runs", "recipes", "3 seeds", "data sets", "models", "knobs", "energy")
    for domain, of in domains.items():
        sizes = [len(of[name]) for name in ("datasets", "models", "knobs")]
        counts = map(str, (of["runs"], of["recipes"], of["recipes_with_seeds"], *sizes))
        table.add_row(domain, *counts, energy_text(of["total_energy_kwh"]) if of["energy_kwh"] else "–")
    return table


def _energy(energy: dict[str, Any]) -> list[Any]:
    table = _table("component", "source (quality)", "runs")
    for part, sources in energy["components"].items():
        for source, count in sources.items():
            table.add_row(part, escape(source), str(count))
    share = energy["measured_share"]
    return [table, "no energy known" if share is None else f"{share:.0%} of all energy was measured by a counter"]


def _repeats(repeatability: dict[str, Any]) -> list[Any]:
    """A table for each source of the energy: sources are long, and runs of different ones are never compared."""
    parts: list[Any] = []
    for source in sorted({source for sources in repeatability.values() for source in sources}):
        table = _table("over", "n", "runs", "median", "p90", "max", "per epoch", f"> {UNSTEADY_CV:.0%}")
        for kind, of in ((kind, sources[source]) for kind, sources in repeatability.items() if source in sources):
            cv = of["energy_cv"]
            spreads = [cv["median"], cv["p90"], cv["max"], of["energy_per_epoch_cv_median"]]
            counts = str(of["groups"]), str(of["runs"])
            table.add_row(kind, *counts, *map(_percent, spreads), str(len(of["unsteady"])))
        parts += ["[italic]Spread of energy over seeds, or over repeats of one seed (coefficient of variation)[/]"]
        parts += [f"n recipes, each on one machine; energy from {escape(source)}", table]
        if lengths := repeatability["seeds"].get(source, {}).get("energy_cv_by_length"):
            parts += ["median over seeds, by the length of trainings: " + " · ".join(map(_at_length, lengths))]
        if len(machines := repeatability["seeds"].get(source, {}).get("energy_cv_by_processor", [])) > 1:
            parts += ["median over seeds, by processor: " + escape(" · ".join(map(_on_processor, machines)))]
    return parts


def _at_length(of: dict[str, Any]) -> str:
    return f"from {of['from_s']:g} s {_percent(of['energy_cv_median'])} (n {of['groups']})"


def _on_processor(of: dict[str, Any]) -> str:
    return f"{of['processor']} {_percent(of['energy_cv_median'])} (n {of['groups']})"


def _doubts(data: dict[str, Any]) -> list[str]:
    contention, leaks = data["contention"], data["leaks"]
    lines = []
    for source, hours in data["drift"].items():
        factors = [hour["factor"] for hour in hours]
        lines.append(
            f"drift: by the hour the same recipe used {min(factors):.2f} to {max(factors):.2f} times what it did on "
            f"average ({sum(hour['runs'] for hour in hours)} runs in {len(hours)} hours, {escape(source)})"
        )
    if contention["runs"]:
        share = _percent(contention["contended_share"])
        lines.append(f"contended: {contention['contended']} of {contention['runs']} runs ({share})")
    lines.append(f"outliers: {len(data['outliers'])}")
    for item in data["outliers"][:SHOWN]:
        lines.append(escape(f"  {item['run_id']}  {item['kind']}: {item['reason']}"))
    if len(data["outliers"]) > SHOWN:
        lines.append(f"  … {len(data['outliers']) - SHOWN} more with --json")
    for domain, gaps in data["missing"].items():
        partly = ", ".join(f"{name} {_percent(share)}" for name, share in list(gaps["partly"].items())[:SHOWN])
        lines.append(f"unknown in {domain}: {partly or 'nothing in part'}; {len(gaps['never'])} columns never filled")
    return lines + _leaks(leaks, data["recipes"])


def _leaks(leaks: dict[str, Any], recipes: int) -> list[str]:
    bad, mark = len(leaks["recipes"]), "[red]" if leaks["recipes"] else "[green]"
    near, equal = leaks["near_duplicates"], leaks["equal_curves"]
    return [
        f"leaks: {mark}{bad} recipes in two splits[/] (must be 0, or tests see what was learned from)",
        f"near-duplicates: {len(near)} across splits, alike but for system or inference knobs {_twins(near, recipes)}",
        f"equal curves: {len(equal)} across splits, unlike but of the same quality each epoch {_twins(equal, recipes)}",
    ]


def _twins(groups: list[dict[str, Any]], recipes: int) -> str:
    """Which share of recipes has a twin in another split, and whether that is too much."""
    share = sum(len(group["recipes"]) for group in groups) / max(recipes, 1)
    judged = "[green]few[/]" if share < FEW_TWINS else "[yellow]many, tests look too good[/]"
    return f"({_percent(share)} of recipes: {judged})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 or name.startswith("source") else "right")
    return table
