"""The front as a picture: what ran filled, what is predicted hollow, the choice ringed. Pure: values in, Plotly out.

Figures are plain dicts `{"data": [...], "layout": {...}}`. Clickable points carry a recipe id as `customdata`.
`layout.meta` holds the text for people who do not see the figure, and what changes on a narrow screen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from space import palette, words

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick
    from space.runs_table import MeasuredRun

MOST_BARS = 12
MOST_CLOUD = 700
MOST_RUNS = 900
HEIGHT = 370
LEAST_DECADES = 0.6
LEAST_TICKS = 4

Figure = dict[str, Any]


def as_json(figure: Figure | None) -> str:
    """What the page's figure box takes; an empty text draws nothing."""
    return "" if figure is None else json.dumps(figure, separators=(",", ":"), allow_nan=False)


def front_figure(
    front: Sequence[Pick],
    chosen: Pick,
    recommended: Pick,
    runs: Sequence[MeasuredRun],
    cloud: Sequence[tuple[float, float]],
    metric: str,
    versus: Pick | None = None,
) -> Figure:
    """Quality (linear, %) against energy (logarithmic) of everything there is to choose from.

    Args:
        front: the predicted front.
        chosen: what is ringed; `recommended`: what the answer names; `versus`: what it is compared with.
        runs: trainings of this task that really ran.
        cloud: (quality 0..1, kWh) of predicted candidates off the front.
    """
    front = sorted(front, key=lambda pick: pick.energy_kwh)
    factor, unit = words.energy_unit(math.sqrt(front[0].energy_kwh * front[-1].energy_kwh))
    shown = spread(front, MOST_BARS, always={chosen.choice, recommended.choice})
    own = None if chosen.recipe == recommended.recipe else "Chosen"
    traces = [
        _cloud(cloud, factor),
        *_runs(runs, factor, unit),
        _line(front, factor),
        _bars(shown, factor, unit),
        *([] if own is None else [_ring(recommended, factor, unit, "Recommended", palette.PREDICTED)]),
        *([_ring(versus, factor, unit, "Compared with", palette.OTHER)] if versus else []),
        _ring(chosen, factor, unit, own or "Recommended", palette.CHOSEN),
    ]
    low, high = _quality_range([*shown, *([versus] if versus else [])], chosen, runs)
    near = [x.energy_kwh for x in (*runs, *front) if low <= 100 * x.quality <= high]
    layout = base_layout(HEIGHT, f"Energy of the whole training ({unit}, logarithmic)", f"Quality: {metric} (%)")
    layout["xaxis"] |= log_axis(min(near) * factor, max(near) * factor)
    layout["yaxis"] |= {"range": [low, high]}
    layout["meta"]["alt"] = (
        f"Quality against energy. {words.plural(len(runs), 'training')} that ran, {len(front)} predicted choices. "
        f"Marked: {chosen.name}, {words.energy(chosen.energy_kwh)}, {metric} {words.share(chosen.quality)}."
    )
    return {"data": traces, "layout": layout}


def base_layout(height: int, x_title: str, y_title: str) -> Figure:
    """The look all figures share: no frame, faint lines, units on the axes, the theme's colours."""
    axis = {
        "gridcolor": palette.LINE, "zeroline": False, "linecolor": palette.LINE, "tickcolor": palette.LINE,
        "tickfont": {"color": palette.SOFT, "size": 12}, "automargin": True, "exponentformat": "none",
    }  # fmt: skip
    font = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "color": palette.INK, "size": 13}
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12, "color": palette.SOFT}}
    below = legend | {"y": -0.28, "yanchor": "top", "font": {"size": 11, "color": palette.SOFT}}
    return {
        "height": height, "font": font, "paper_bgcolor": palette.PAPER, "plot_bgcolor": palette.PAPER,
        "margin": {"l": 10, "r": 14, "t": 8, "b": 10}, "legend": legend, "hovermode": "closest", "dragmode": False,
        "xaxis": axis | {"title": {"text": x_title, "font": {"size": 12, "color": palette.SOFT}}},
        "yaxis": axis | {"title": {"text": y_title, "font": {"size": 12, "color": palette.SOFT}}},
        "hoverlabel": {"bgcolor": palette.PAPER, "bordercolor": palette.LINE, "align": "left",
                       "font": {"color": palette.INK, "size": 12}},
        "meta": {"alt": "", "narrow": {"height": height - 20, "legend": below}},
    }  # fmt: skip


def log_axis(low: float, high: float, room: float = 0.12) -> Figure:
    """A logarithmic axis over `low` to `high` with a little `room` (decades) and at least four labels."""
    first, last = math.log10(low) - room, math.log10(high) + room
    if last - first < LEAST_DECADES:
        middle = (first + last) / 2
        first, last = middle - LEAST_DECADES / 2, middle + LEAST_DECADES / 2
    shown: list[float] = []
    for digits in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7), (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [d * 10.0**e for e in range(math.floor(first), math.ceil(last) + 1) for d in digits]
        shown = [tick for tick in ticks if first <= math.log10(tick) <= last]
        if len(shown) >= LEAST_TICKS:
            break
    return {
        "type": "log",
        "range": [first, last],
        "tickvals": shown,
        "ticktext": [words.number(tick) for tick in shown],
    }


def spread(front: Sequence[Pick], most: int, always: set[str]) -> list[Pick]:
    """At most about `most` picks, evenly spread over the logarithm of energy, with those in `always` among them."""
    if len(front) <= most:
        return list(front)
    logs = [math.log(max(pick.energy_kwh, 1e-300)) for pick in front]
    step = (logs[-1] - logs[0]) / (most - 1) or 1.0
    kept, last = [], -math.inf
    for pick, position in zip(front, logs, strict=True):
        if position >= last + step * 0.98 or pick.choice in always or pick is front[-1]:
            kept.append(pick)
            last = position
    return kept


def _quality_range(front: Sequence[Pick], chosen: Pick, runs: Sequence[MeasuredRun]) -> tuple[float, float]:
    """The part of the quality axis (%) that matters: most of the front, the choice, and a little room.

    The cheapest few of a front are often as good as no model; they would flatten all the rest.
    """
    qualities = sorted(pick.quality for pick in front)
    top = max([*qualities, *(run.quality for run in runs)])
    bottom = min([chosen.quality, qualities[len(qualities) // 5], *([max(r.quality for r in runs)] if runs else [])])
    room = max(0.02, 0.3 * (top - bottom))
    return 100 * max(0.0, bottom - room), min(101.5, 100 * (top + 0.3 * room))


def _cloud(cloud: Sequence[tuple[float, float]], factor: float) -> Figure:
    step = max(1, math.ceil(len(cloud) / MOST_CLOUD))
    some = cloud[::step]
    return {
        "type": "scatter", "mode": "markers", "name": "Other candidates", "hoverinfo": "skip",
        "x": [kwh * factor for _, kwh in some], "y": [100 * quality for quality, _ in some],
        "marker": {"size": 3, "color": palette.CLOUD}, "showlegend": False,
    }  # fmt: skip


def _runs(runs: Sequence[MeasuredRun], factor: float, unit: str) -> list[Figure]:
    traces = []
    for counted, name, symbol, colour in (
        (True, "Ran, energy measured", "circle", palette.RUN),
        (False, "Ran, energy estimated", "square", palette.RUN_MODELLED),
    ):
        mine = [run for run in runs if run.counted == counted][:MOST_RUNS]
        if mine:
            traces.append({
                "type": "scatter", "mode": "markers", "name": name,
                "x": [run.energy_kwh * factor for run in mine], "y": [100 * run.quality for run in mine],
                "marker": {"size": 7, "symbol": symbol, "color": colour, "opacity": 0.85,
                           "line": {"width": 0.6, "color": palette.PAPER}},
                "text": [_run_hover(run) for run in mine], "hovertemplate": "%{text}<extra></extra>",
            })  # fmt: skip
    return traces


def _run_hover(run: MeasuredRun) -> str:
    how = f"counter: {run.source}" if run.counted else f"estimated by {run.source}, no counter there"
    return (
        f"<b>It ran</b>: {words.safe(run.name)}<br>{run.metric} {words.share(run.quality)} · "
        f"{words.energy(run.energy_kwh)} ({words.energy_range(run.energy_low_kwh, run.energy_high_kwh)})<br>{how}"
        f"<br>{words.safe(run.machine)}"
    )


def _line(front: Sequence[Pick], factor: float) -> Figure:
    """The staircase of the expected values. The front itself may hold a member that is only surely, not expectedly,
    as good: it is a point off the line."""
    line: list[Pick] = []
    for pick in sorted(front, key=lambda p: (p.energy_kwh, -p.quality)):
        if not line or pick.quality > line[-1].quality:
            line.append(pick)
    return {
        "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "x": [p.energy_kwh * factor for p in line], "y": [100 * p.quality for p in line],
        "line": {"shape": "hv", "width": 1.5, "color": palette.PREDICTED, "dash": "dot"},
    }  # fmt: skip


def _bars(picks: Sequence[Pick], factor: float, unit: str) -> Figure:
    return {
        "type": "scatter", "mode": "markers", "name": "Predicted, with 90 % interval",
        "x": [p.energy_kwh * factor for p in picks], "y": [100 * p.quality for p in picks],
        **_intervals(picks, factor, palette.PREDICTED_SOFT, 1),
        "marker": {"size": 10, "symbol": "circle-open", "color": palette.PREDICTED, "line": {"width": 2}},
        "customdata": [p.choice for p in picks],
        "text": [pick_hover(p) for p in picks], "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _intervals(picks: Sequence[Pick], factor: float, colour: str, width: float) -> Figure:
    shared = {"type": "data", "symmetric": False, "color": colour, "thickness": width, "width": 0}
    return {
        "error_x": shared | {
            "array": [(p.energy_high_kwh - p.energy_kwh) * factor for p in picks],
            "arrayminus": [(p.energy_kwh - p.energy_low_kwh) * factor for p in picks],
        },
        "error_y": shared | {
            "array": [100 * (p.quality_high - p.quality) for p in picks],
            "arrayminus": [100 * (p.quality - p.quality_low) for p in picks],
        },
    }  # fmt: skip


def _ring(pick: Pick, factor: float, unit: str, name: str, colour: str) -> Figure:
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": [pick.energy_kwh * factor], "y": [100 * pick.quality],
        **_intervals([pick], factor, colour, 2.2),
        "marker": {"size": 17, "symbol": "circle-open", "color": colour, "line": {"width": 3.2}},
        "customdata": [pick.choice],
        "text": [pick_hover(pick)], "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def pick_hover(pick: Pick) -> str:
    """A predicted choice in four short lines."""
    return (
        f"<b>Predicted</b>: {words.safe(pick.name)}<br>"
        f"quality {words.share(pick.quality)} ({words.share_range(pick.quality_low, pick.quality_high)})<br>"
        f"energy {words.energy(pick.energy_kwh)} ({words.energy_range(pick.energy_low_kwh, pick.energy_high_kwh)})<br>"
        f"time {words.duration(pick.duration_s)} · click to choose"
    )
