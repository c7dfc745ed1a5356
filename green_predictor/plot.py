"""The picture of a recommendation: quality against energy, the front, the pick and what is not known about it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from green_predictor.recommendation import Pick, Recommendation

GREEN, GREY, DARK, ORANGE = "#2a7f4f", "#c9ced3", "#1f2933", "#c8641b"
MOST_DOTS = 4000


def new_figure(width: float = 8.0, height: float = 5.0) -> tuple[Figure, Axes]:
    """A figure that needs no display and leaves pyplot's state alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def write_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure atomically; the format follows the file's ending.

    Raises:
        UsageError: an unknown format or a directory that cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(suffix=path.suffix, dir=path.parent, delete=False) as file:
            temporary = Path(file.name)
        try:
            figure.savefig(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot write the figure {path}: {error}", hint="for example front.png or front.svg"
        ) from None
    return path


def front_figure(answer: Recommendation, path: str | Path | None = None) -> Figure:
    """All candidates, their front, the best with its 90 % intervals, the most accurate, one step to either side."""
    figure, axes = new_figure()
    quality, energy = answer.cloud
    some = np.random.default_rng(0).permutation(len(quality))[:MOST_DOTS]
    axes.scatter(energy[some], quality[some], s=5, color=GREY, linewidths=0, label=f"{len(quality):,} candidates")
    line = answer.front
    axes.plot(
        [p.energy_kwh for p in line], [p.quality for p in line], color=GREEN, lw=1.4, marker="o", ms=3, label="front"
    )
    for name, pick in answer.alternatives.items():
        if pick:
            axes.plot(pick.energy_kwh, pick.quality, "o", ms=8, mfc="white", mec=GREEN, mew=1.5)
            axes.annotate(name, (pick.energy_kwh, pick.quality), xytext=(0, -14), textcoords="offset points",
                          ha="center", fontsize=8, color=GREEN)  # fmt: skip
    _mark(axes, answer.most_accurate, DARK, "D", "most accurate")
    _mark(axes, answer.best, ORANGE, "*", "recommended, 90 % interval", size=16)
    axes.set_xscale("log")
    axes.set_xlabel("energy of the training (kWh, log scale)")
    axes.set_ylabel(f"quality ({answer.metric})")
    dataset = answer.best.recipe.dataset
    axes.set_title(f"{answer.domain} · {dataset}: {answer.best.name}", loc="left", fontsize=10)
    _limits(axes, answer)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    if path is not None:
        write_figure(figure, path)
    return figure


def _mark(axes: Axes, pick: Pick, color: str, marker: str, label: str, size: int = 7) -> None:
    axes.errorbar(
        pick.energy_kwh,
        pick.quality,
        xerr=[[pick.energy_kwh - pick.energy_low_kwh], [pick.energy_high_kwh - pick.energy_kwh]],
        yerr=[[pick.quality - pick.quality_low], [pick.quality_high - pick.quality]],
        fmt=marker, ms=size, color=color, ecolor=color, elinewidth=0.8, capsize=2, label=label, zorder=5,
    )  # fmt: skip


def _limits(axes: Axes, answer: Recommendation) -> None:
    """The front and the intervals fill the picture; candidates far worse than any choice stay outside it."""
    shown = [*answer.front, answer.most_accurate]
    low = min(answer.best.quality_low, *(pick.quality for pick in shown))
    high = min(1.0, max(answer.best.quality_high, answer.most_accurate.quality_high))
    room = 0.04 * (high - low)
    axes.set_ylim(max(-0.01, low - room), high + room)
    axes.set_xlim(min(p.energy_low_kwh for p in shown) / 2, max(p.energy_high_kwh for p in shown) * 2)
