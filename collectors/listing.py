"""green-collect --list: what can be trained here, every knob, and how many runs the shipped data has of each."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from ecotaskset.knobs import DOMAINS, KNOBS, PHASES, Knob

Found = dict[str, list[dict[str, Any]]]

NOT_YET = "–"


def show_list(out: Output) -> None:
    """Print architectures, data sets and knobs; with `--json` one object with these three keys."""
    found = what_there_is(sizes=out.json)
    names = [entry["name"] for kind in ("architectures", "datasets", "knobs") for entry in found[kind]]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    out.result(found, None if out.json or out.quiet else list_lines(found, width), names)


def what_there_is(*, sizes: bool = True) -> Found:
    """`architectures` (name, domain, family, params), `datasets` (name, domain, source, needs_hub), `knobs` (name,
    phase, values), each with `runs`, the number of shipped runs, and further keys.

    `params` counts the weights at width 1 for the domain's usual inputs; the first time that takes some ten seconds,
    and with `sizes=False` it is None. `params_of_runs` is the median over the shipped runs, None where there is none.
    """
    from collectors.tasks import listing

    runs = _shipped_runs()
    found = {**listing(sizes=sizes), "knobs": [_knob(knob) for knob in KNOBS.values()]}
    for kind, column in (("architectures", "model"), ("datasets", "dataset"), ("knobs", "knob")):
        for entry in found[kind]:
            entry["runs"] = len(runs[column].get(entry["name"], []))
    for entry in found["architectures"]:
        known = [size for size in runs["model"].get(entry["name"], []) if size is not None]
        entry["params_of_runs"] = statistics.median_low(known) if known else None
    return found


def missing_domain(*names: str | None) -> UsageError:
    """The error for a recipe without a domain: says to which one its data set or architecture belongs."""
    from collectors.tasks.architectures import all_architectures
    from collectors.tasks.catalogue import all_datasets

    known = {entry.name: entry.domain for entry in (*all_architectures(), *all_datasets())}
    hints = [f"'{name}' belongs to {known[name]}: add --domain {known[name]}" for name in names if name in known]
    return UsageError("--domain is missing", hint=hints[0] if hints else f"choose from: {', '.join(DOMAINS)}")


def _shipped_runs() -> dict[str, dict[str, list[int | None]]]:
    """By `model`, `dataset` and `knob`: the numbers of parameters of the shipped runs, one for each run."""
    import pyarrow.parquet as pq

    from ecotaskset.load import SNAPSHOT

    sizes: dict[str, dict[str, list[int | None]]] = {"model": {}, "dataset": {}, "knob": {}}
    for path in (path for domain in DOMAINS for path in (SNAPSHOT / domain).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            rows = file.read(columns=["model", "dataset", "knobs", "n_parameters"]).to_pylist()
        for row in rows:
            for kind, name in [(k, row[k]) for k in ("model", "dataset")] + [("knob", k["name"]) for k in row["knobs"]]:
                sizes[kind].setdefault(name, []).append(row["n_parameters"])
    return sizes


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


def list_lines(found: Found, width: int | None = None) -> list[str]:
    """The same for people, a line each: dim what has no runs yet, and cut where it would not fit into `width`."""
    return [
        "[bold]Architectures[/] [dim](runs: how many the shipped data has; parameters: median of those)[/]",
        *_table(
            ("architecture", "domain", "runs", "parameters", "family"),
            [
                (e["name"], e["domain"], _count(e["runs"]), _size(e["params_of_runs"]), e["family"])
                for e in found["architectures"]
            ],
            width,
        ),
        "",
        "[bold]Data sets[/]",
        *_table(
            ("data set", "domain", "runs", "needs", "comes from"),
            [
                (e["name"], e["domain"], _count(e["runs"]), "hub" if e["needs_hub"] else "", e["source"])
                for e in found["datasets"]
            ],
            width,
        ),
        *(line for phase in PHASES for line in ["", *_knobs(found, phase, width)]),
    ]


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    from rich.markup import escape

    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    lines = []
    for row in (titles, *rows):
        cells = [
            cell.rjust(w) if title in ("runs", "parameters") else cell.ljust(w)
            for title, cell, w in zip(titles, row, widths, strict=True)
        ]
        line = escape(_cut("  ".join(cells).rstrip(), width))
        lines.append(f"[dim]{line}[/]" if row is titles or NOT_YET in row else line)
    return lines


def _knobs(found: Found, phase: str, width: int | None) -> list[str]:
    """The knobs of a phase: name, runs, what it does, and dim what it does by default and can do instead."""
    from rich.markup import escape

    longest = max(map(len, KNOBS))
    lines = [f"[bold]Knobs, phase {phase}[/] [dim](default → other values to try)[/]"]
    for entry in (entry for entry in found["knobs"] if entry["phase"] == phase):
        others = ", ".join(_value(value) for value in entry["values"] if value != entry["default"])
        values = f"{_value(entry['default'])} → {others}"
        start = f"{entry['name']:<{longest}}  {_count(entry['runs']):>5}  "
        room = None if width is None else width - len(start) - len(values) - 2
        lines.append(f"{start}{escape(_cut(entry['description'], room))}  [dim]{escape(values)}[/]")
    return lines


def _value(value: Any) -> str:
    return "the task's" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _cut(text: str, width: int | None) -> str:
    return text if width is None or len(text) <= width else text[: max(width - 1, 0)] + "…"


def _count(runs: int) -> str:
    return f"{runs:,}" if runs else NOT_YET


def _size(n: int | None) -> str:
    return NOT_YET if n is None else f"{n / 1e6:.2f} M" if n >= 1e5 else f"{n:,}"
