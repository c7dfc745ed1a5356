"""EcoTaskSet itself: filter the runs, look at any two columns, read the rows, take them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from space import palette, words
from space.figures import Figure, base_layout
from space.runs_table import known_datasets, sources

MOST_POINTS = 2_000
MOST_ROWS = 400
TABLE_COLUMNS = (
    "dataset", "model", "epochs", "batch_size", "learning_rate", "knobs", "quality_validation", "quality_test",
    "energy_kwh", "energy", "duration_s", "gpu_model", "cpu_model", "status",
)  # fmt: skip
LOGARITHMIC = ("energy", "duration", "n_", "flops", "inference", "emissions", "learning_rate", "matmul")
ANY = ""


@cache
def axis_columns() -> list[tuple[str, str]]:
    """(label with unit, name) of the columns that can be an axis: the numbers that are no identity."""
    import pyarrow as pa

    from ecotaskset.run import columns

    return [
        (label(name), name)
        for name, info in columns().items()
        if info["group"] != "identity" and (pa.types.is_integer(info["type"]) or pa.types.is_floating(info["type"]))
    ]


def label(name: str) -> str:
    """A column's name for people, with its unit."""
    from ecotaskset.run import columns

    unit = columns()[name]["unit"]
    plain = name.replace("_", " ")
    for suffix in (" kwh", " s", " w", " ms", " gb", " kg"):
        plain = plain.removesuffix(suffix) if unit else plain
    return f"{plain} ({unit})" if unit and not plain.endswith(unit) else plain


def select_runs(
    records: Sequence[Mapping[str, Any]], domain: str = ANY, dataset: str = ANY, model: str = ANY, energy: str = ANY
) -> list[dict[str, Any]]:
    """The runs that match; an empty choice matches all. `energy`: `measured` or `estimated`."""
    wanted = {"domain": domain, "dataset": dataset, "model": model}
    found = [dict(r) for r in records if all(not value or r.get(name) == value for name, value in wanted.items())]
    return [r for r in found if sources(r)[0] == (energy == "measured")] if energy else found


def choices(records: Sequence[Mapping[str, Any]], domain: str, dataset: str = ANY) -> tuple[list, list]:
    """What the drop-downs offer: (data sets, models), each as (label, value) with "all" first."""
    datasets = [pair for d in ([domain] if domain else ("cv", "nlp", "recsys")) for pair in known_datasets(records, d)]
    models = sorted({str(r["model"]) for r in select_runs(records, domain, dataset)})
    return [("all", ANY), *datasets], [("all", ANY), *((m, m) for m in models)]


def scatter_figure(rows: Sequence[Mapping[str, Any]], x: str, y: str) -> Figure:
    """Any two columns, one point a run; filled where a counter measured the energy, open where it is estimated."""
    layout = base_layout(420, label(x), label(y))
    for axis, name in (("xaxis", x), ("yaxis", y)):
        values = [r[name] for r in rows if r.get(name) is not None]
        if name.startswith(LOGARITHMIC) and values and min(values) > 0:
            layout[axis] |= {"type": "log", "dtick": 1, "exponentformat": "power"}
            layout[axis]["title"]["text"] += ", logarithmic"
    known = [r for r in rows if r.get(x) is not None and r.get(y) is not None]
    shown = known[:: max(1, -(-len(known) // MOST_POINTS))]
    traces = []
    for counted, name, symbol, colour in (
        (True, "Energy measured", "circle", palette.RUN),
        (False, "Energy estimated", "square-open", palette.RUN_MODELLED),
    ):
        mine = [r for r in shown if sources(r)[0] == counted]
        if mine:
            traces.append({
                "type": "scatter", "mode": "markers", "name": name,
                "x": [r[x] for r in mine], "y": [r[y] for r in mine],
                "marker": {"size": 7, "symbol": symbol, "color": colour, "opacity": 0.75},
                "text": [f"<b>{words.safe(r['model'])}</b> on {words.safe(r['dataset'])}<br>"
                         f"{label(x)}: {words.number(r[x])}<br>{label(y)}: {words.number(r[y])}" for r in mine],
                "hovertemplate": "%{text}<extra></extra>",
            })  # fmt: skip
    layout["meta"]["alt"] = f"{label(y)} against {label(x)} of {words.plural(len(shown), 'run')}."
    return {"data": traces, "layout": layout}


def table(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """(headers with units, cells) of the first `MOST_ROWS` runs."""
    from ecotaskset.run import columns

    headers = ["energy known from" if name == "energy" else label(name) for name in TABLE_COLUMNS]
    assert all(name in columns() or name == "energy" for name in TABLE_COLUMNS)
    return headers, [[_cell(row, name) for name in TABLE_COLUMNS] for row in rows[:MOST_ROWS]]


def _cell(row: Mapping[str, Any], name: str) -> Any:
    if name == "energy":
        counted, source = sources(row)
        return f"{'measured' if counted else 'estimated'}: {source}"
    if name == "knobs":
        return " ".join(f"{k['name']}={k['value']}" for k in row.get("knobs") or [])
    value = row.get(name)
    return float(f"{value:.4g}") if isinstance(value, float) else value


def summary(rows: Sequence[Mapping[str, Any]], total: int) -> str:
    """One sentence on what is shown."""
    spent = sum(r.get("energy_kwh") or 0 for r in rows)
    tasks = len({r["dataset"] for r in rows})
    counted = sum(sources(r)[0] for r in rows)
    return (
        f"{len(rows):,} of {total:,} runs, {words.plural(tasks, 'data set')}, {words.energy(spent)} in all. "
        f"Energy measured by counters in {counted:,}, estimated from use in {len(rows) - counted:,}."
    )
