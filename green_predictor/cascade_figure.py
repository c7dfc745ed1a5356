"""The waterfall: how the energy of a training falls from the baseline to the best stack, phase by phase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from green_predictor.plot import DARK, GREEN, GREY, ORANGE, new_figure, write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from green_predictor.cascade import Cascade


def waterfall_figure(analysis: Cascade, path: str | Path | None = None) -> Figure:
    """Bars from the baseline (100 %) down to what is left; steps that were not run in this order are hatched."""
    steps = analysis.waterfall()
    figure, axes = new_figure(1.6 * (len(steps) + 2) + 2, 4.5)
    axes.bar(0, 100, color=DARK, width=0.6)
    labels = ["baseline"]
    for position, step in enumerate(steps, start=1):
        before, left = 100 * step["left_before"], 100 * step["left"]
        axes.bar(
            position, before - left, bottom=left, width=0.6, color=GREEN if left <= before else ORANGE,
            hatch=None if step["measured"] else "///", edgecolor="white",
        )  # fmt: skip
        axes.plot([position - 0.7, position + 0.3], [before, before], color=GREY, lw=0.8)
        axes.annotate(f"{left - before:+.0f} %", (position, max(before, left)), ha="center", va="bottom", fontsize=8)
        labels.append(f"{step['phase']}\n{step['knobs'].replace(' + ', chr(10))}")
    left = 100 * steps[-1]["left"] if steps else 100.0
    axes.bar(len(steps) + 1, left, color=GREEN, width=0.6)
    axes.annotate(f"{left:.0f} %", (len(steps) + 1, left), ha="center", va="bottom", fontsize=9)
    labels.append("best stack")
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylabel("energy of the training, % of the baseline")
    runs = analysis.runs
    kept = runs.stacks[analysis.best()].quality / max(runs.baseline.quality, 1e-9)
    title = f"{runs.domain} · {runs.dataset} · {runs.model}: {100 - left:.0f} % saved, {kept:.1%} of the quality kept"
    axes.set_title(title, loc="left", fontsize=10)
    if any(not step["measured"] for step in steps):
        axes.text(0.99, 0.97, "hatched: step predicted, not run", transform=axes.transAxes, ha="right", fontsize=8)
    if path is not None:
        write_figure(figure, path)
    return figure
