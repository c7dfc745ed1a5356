"""A report for people: tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 8


def render(data: dict[str, Any]) -> list[Any]:
    """The renderables of a report, in the order they are read."""
    others = ", ".join(f"{count} {name}" for name, count in data["statuses"].items() if name != "completed")
    origins = ", ".join(f"{count} {name}" for name, count in data["origins"].items())
    parts: list[Any] = [f"[bold]{data['runs']:,} runs[/] of {data['recipes']:,} recipes ({escape(origins)})"]
    parts += [escape(f"not completed: {others}")] if others else []
    parts += [_coverage(data["domains"]), _energy(data["energy"])]
    parts += [_repeats(data["repeatability"])] if any(data["repeatability"].values()) else []
    parts += _doubts(data)
    return parts


def _coverage(domains: dict[str, Any]) -> Table:
    table = _table("Coverage", "domain", "runs", "recipes", "with 3 seeds", "data sets", "models", "knobs", "energy")
    for domain, of in domains.items():
        sizes = [len(of[name]) for name in ("datasets", "models", "knobs")]
        energy = f"{of['total_energy_kwh']:.3g} kWh"
        table.add_row(domain, *map(str, (of["runs"], of["recipes"], of["recipes_with_seeds"], *sizes)), energy)
    return table


def _energy(energy: dict[str, Any]) -> Table:
    table = _table("Where the energy figures come from", "component", "source (quality)", "runs")
    for part, sources in energy["components"].items():
        for source, count in sources.items():
            table.add_row(part, escape(source), str(count))
    share = energy["measured_share"]
    table.caption = "no energy known" if share is None else f"{share:.0%} of all energy was measured by a counter"
    return table


def _repeats(repeatability: dict[str, Any]) -> Table:
    columns = ("over", "source", "groups", "runs", "median", "90 %", "largest", "an epoch", "above 15 %")
    table = _table("Spread of energy at a fixed recipe and machine (coefficient of variation)", *columns)
    for kind, sources in repeatability.items():
        for source, of in sources.items():
            cv = of["energy_cv"]
            spreads = [_percent(value) for value in (cv["median"], cv["p90"], cv["max"])]
            counts = str(of["groups"]), str(of["runs"])
            per_epoch = _percent(of["energy_per_epoch_cv_median"])
            table.add_row(kind, escape(source), *counts, *spreads, per_epoch, str(len(of["unsteady"])))
    return table


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
    bad = len(leaks["recipes"])
    near, equal = len(leaks["near_duplicates"]), len(leaks["equal_curves"])
    mark = "[red]" if bad else "[green]"
    lines.append(
        f"leaks: {mark}{bad} recipes in two splits[/]; {near} near-duplicates, {equal} equal curves across them"
    )
    return lines


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 or name.startswith("source") else "right")
    return table
