"""The figures behind the answer: curves an epoch, energy by phase, and what each change does. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from space import palette, words
from space.figures import Figure, base_layout, log_axis

BAND = "rgba(0,121,92,.16)"

if TYPE_CHECKING:
    from green_predictor.curves import Curve
    from space.runs_table import MeasuredRun
    from space.steps import Step


def curves_figure(curve: Curve, metric: str) -> Figure:
    """Expected quality and energy after each epoch, with their 90 % bands, side by side."""
    found, epochs = curve.prediction, curve.epoch.tolist()
    factor, unit = words.energy_unit(float(found.energy_kwh[-1]))
    layout = base_layout(280, "Epoch", f"{metric} (%)")
    layout["xaxis"] |= {"domain": [0, 0.45], "dtick": max(1, len(epochs) // 8)}
    layout["xaxis2"] = layout["xaxis"] | {"domain": [0.55, 1]}
    layout["yaxis2"] = layout["yaxis"] | {
        "title": {"text": f"Energy so far ({unit})", "font": layout["yaxis"]["title"]["font"]},
        "anchor": "x2",
        "rangemode": "tozero",
    }
    layout["showlegend"] = False
    traces = [
        *_band(epochs, 100 * found.quality, 100 * found.quality_low, 100 * found.quality_high, "x", "y", "%"),
        *_band(
            epochs, found.energy_kwh * factor, found.energy_low_kwh * factor, found.energy_high_kwh * factor,
            "x2", "y2", unit,
        ),
    ]  # fmt: skip
    layout["meta"]["alt"] = (
        f"Predicted curves over {words.plural(len(epochs), 'epoch')}: {metric} ends at "
        f"{words.share(float(found.quality[-1]))}, energy at {words.energy(float(found.energy_kwh[-1]))}."
    )
    return {"data": traces, "layout": layout}


def _band(
    epochs: list[int], middle: np.ndarray, low: np.ndarray, high: np.ndarray, x: str, y: str, unit: str
) -> list[Figure]:
    axes = {"xaxis": x, "yaxis": y, "type": "scatter"}
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    digits = {"hovertemplate": f"epoch %{{x}}: %{{y:.3g}} {unit}<extra></extra>"}
    return [
        axes | edge | {"x": epochs, "y": np.asarray(low).tolist()},
        axes | edge | {"x": epochs, "y": np.asarray(high).tolist(), "fill": "tonexty", "fillcolor": BAND},
        axes | digits | {
            "x": epochs, "y": np.asarray(middle).tolist(), "mode": "lines+markers",
            "line": {"color": palette.PREDICTED, "width": 2},
            "marker": {"symbol": "circle-open", "size": 7, "line": {"width": 2}},
        },
    ]  # fmt: skip


def phase_shares(runs: Sequence[MeasuredRun], model: str) -> tuple[dict[str, float], int]:
    """Mean share of energy a phase over the runs of one architecture, and how many runs those are."""
    mine = [run for run in runs if run.model == model and sum(run.phases.values()) > 0]
    if not mine:
        return {}, 0
    names = [name for name in palette.PHASE_COLOURS if any(name in run.phases for run in mine)]
    totals = [sum(run.phases.values()) for run in mine]
    shares = {
        name: sum(run.phases.get(name, 0.0) / total for run, total in zip(mine, totals, strict=True)) / len(mine)
        for name in names
    }
    return shares, len(mine)


def phases_figure(shares: Mapping[str, float], energy_kwh: float) -> Figure:
    """One bar of the predicted energy, split as in the runs of the same architecture."""
    factor, unit = words.energy_unit(energy_kwh)
    layout = base_layout(170, f"Energy ({unit})", "")
    layout |= {"barmode": "stack", "bargap": 0.35}
    layout["yaxis"] |= {"showticklabels": False}
    layout["legend"] |= {"traceorder": "normal"}
    layout["meta"]["alt"] = "Energy by phase: " + ", ".join(f"{n} {words.share(s)}" for n, s in shares.items())
    traces = [
        {
            "type": "bar", "orientation": "h", "name": name, "x": [share * energy_kwh * factor], "y": [""],
            "marker": {"color": palette.PHASE_COLOURS[name]},
            "text": [words.share(share, 0) if share > 0.04 else ""], "textposition": "inside",
            "insidetextanchor": "middle",
            "textfont": {"color": "#0b100e"}, "textangle": 0,
            "hovertemplate": f"{name}: {words.energy(share * energy_kwh)}, {words.share(share)}<extra></extra>",
        }
        for name, share in shares.items()
    ]  # fmt: skip
    return {"data": traces, "layout": layout}


def steps_figure(steps: Sequence[Step]) -> Figure:
    """A waterfall on a logarithmic axis: each change from its energy before to its energy after."""
    factor, unit = words.energy_unit(steps[-1].energy_after_kwh)
    layout = base_layout(96 + 38 * len(steps), f"Energy of the whole training ({unit}, logarithmic)", "")
    ends = [kwh * factor for step in steps for kwh in (step.energy_before_kwh, step.energy_after_kwh)]
    layout["xaxis"] |= log_axis(min(ends), max(ends), room=0.25)
    layout["yaxis"] |= {"autorange": "reversed", "tickfont": {"color": palette.INK, "size": 12}, "showgrid": False}
    layout["meta"]["narrow"] |= {"height": 96 + 52 * len(steps)}
    layout["showlegend"] = False
    labels = [f"{step.label}" for step in steps]
    traces = [
        {
            "type": "scatter", "mode": "lines+markers+text",
            "x": [step.energy_before_kwh * factor, step.energy_after_kwh * factor], "y": [label, label],
            "line": {"width": 7, "color": palette.PREDICTED if step.energy_after_kwh <= step.energy_before_kwh
                     else palette.CHOSEN},
            "marker": {"size": [1, 13], "symbol": ["circle", "triangle-left" if
                       step.energy_after_kwh <= step.energy_before_kwh else "triangle-right"]},
            "text": ["", step_words(step)],
            "textposition": ["top center", "top center"], "textfont": {"size": 11, "color": palette.SOFT},
            "cliponaxis": False,
            "hovertemplate": f"{words.safe(label)}: {words.energy(step.energy_before_kwh)} → "
                             f"{words.energy(step.energy_after_kwh)}, {step_words(step)}<extra></extra>",
        }
        for step, label in zip(steps, labels, strict=True)
    ]  # fmt: skip
    layout["meta"]["alt"] = "Changes one by one: " + "; ".join(f"{s.label}: {step_words(s)}" for s in steps)
    return {"data": traces, "layout": layout}


def step_words(step: Step) -> str:
    """`−62 % energy, −1.2 points`."""
    change = step.energy_after_kwh / step.energy_before_kwh - 1
    points = 100 * (step.quality_after - step.quality_before)
    sign = "+" if change > 0 else "−"
    quality = (
        f", {'+' if points > 0 else '−'}{abs(points):.1f} points" if abs(points) >= 0.05 else ", quality unchanged"
    )
    return f"{sign}{abs(100 * change):.0f} % energy{quality}"
