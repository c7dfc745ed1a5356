"""The Markdown table of the side-by-side benchmark, from its raw results."""

from __future__ import annotations

import statistics
from typing import Any

Results = dict[str, list[dict[str, Any]]]


def markdown(tools: list[str], results: Results) -> str:
    """One row a question, one column a tool; a dash where the tool has no answer."""
    rows = [("", tools), ("---", ["---:"] * len(tools))]
    questions = {
        "construct and start, ms": lambda t: _scaled(_median(results, t, "start", "start_s"), 1e3),
        "cold import, ms": lambda t: _scaled(_best(results, t, "import", "import_s"), 1e3),
        "import, CPU time, ms": lambda t: _scaled(_median(results, t, "import", "import_cpu_s"), 1e3),
        "window begin or end, ms": lambda t: _scaled(_median(results, t, "windows", "window_s"), 1e3, 3),
        "threads while running": lambda t: _plain(_median(results, t, "start", "threads")),
        "own CPU while running, % of a core": lambda t: _scaled(_median(results, t, "asleep", "own_cpu_share"), 100, 3),
        "CPU part, two busy threads over one": lambda t: _ratio(results, t, "busy2", "busy1", 2),
        "spread of identical runs, CPU part, 1 thread, CV %": lambda t: _spread(results, t, "busy1", "cpu_kwh"),
        "spread of identical runs, CPU part, 2 threads, CV %": lambda t: _spread(results, t, "busy2", "cpu_kwh"),
        "spread of identical runs, total, 1 thread, CV %": lambda t: _spread(results, t, "busy1", "total_kwh"),
        "sleeping over one busy thread, CPU part, %": lambda t: _sleeping(results, t),
        "one busy thread, total, W": lambda t: _scaled(_watts(results, t, "busy1"), 1, 1),
        "two busy threads, total, W": lambda t: _scaled(_watts(results, t, "busy2"), 1, 1),
        "network black-holed": lambda t: _cut(results, t),
    }
    rows += [(name, [answer(tool) for tool in tools]) for name, answer in questions.items()]
    return "\n".join(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)


def _values(results: Results, tool: str, what: str, key: str) -> list[float]:
    return [r[key] for r in results.get(f"{tool}/{what}", []) if r.get(key) is not None]


def _median(results: Results, tool: str, what: str, key: str) -> float | None:
    values = _values(results, tool, what, key)
    return statistics.median(values) if values else None


def _best(results: Results, tool: str, what: str, key: str) -> float | None:
    return min(_values(results, tool, what, key), default=None)


def _scaled(value: float | None, factor: float, digits: int = 1) -> str:
    return "—" if value is None else f"{value * factor:.{digits}f}"


def _plain(value: float | None) -> str:
    return "—" if value is None else f"{value:.0f}"


def _power(results: Results, tool: str, what: str, key: str = "cpu_kwh") -> list[float]:
    runs = results.get(f"{tool}/{what}", [])
    return [r[key] * 3.6e6 / r["seconds"] for r in runs if r.get(key) is not None]


def _watts(results: Results, tool: str, what: str) -> float | None:
    values = _power(results, tool, what, "total_kwh")
    return statistics.median(values) if values else None


def _ratio(results: Results, tool: str, more: str, less: str, digits: int) -> str:
    """Energy of the CPU part over the same work a thread: what twice the work costs."""
    above, below = _values(results, tool, more, "cpu_kwh"), _values(results, tool, less, "cpu_kwh")
    if not above or not below or not statistics.median(below):
        return "—"
    return f"{statistics.median(above) / statistics.median(below):.{digits}f}"


def _spread(results: Results, tool: str, what: str, key: str) -> str:
    values = _values(results, tool, what, key)
    if len(values) < 2 or not statistics.mean(values):
        return "—"
    return f"{100 * statistics.stdev(values) / statistics.mean(values):.1f}"


def _sleeping(results: Results, tool: str) -> str:
    idle, busy = _power(results, tool, "asleep"), _power(results, tool, "busy1")
    if not idle or not busy or not statistics.median(busy):
        return "—"
    return f"{100 * statistics.median(idle) / statistics.median(busy):.2f}"


def _cut(results: Results, tool: str) -> str:
    runs = results.get(f"{tool}/online", [])
    if not runs:
        return "—"
    run = runs[0]
    if "error" in run:
        return f"{run['error']} after {run['seconds']:.0f} s" if "seconds" in run else run["error"]
    waited = run["open_s"] + run["close_s"]
    booked = f", books {run['region']}" if run.get("region") else ""
    return f"{waited:.1f} s waited{booked}" if waited > 3 or booked else "no effect"
