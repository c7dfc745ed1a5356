"""The picture of a recommendation: quality against energy, the front, the pick and what is not known about it."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecotaskset.errors import UsageError
from ecotaskset.store import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from green_predictor.recommendation import Pick, Recommendation

GREEN, GREY, PALE, DARK, ORANGE = "#2a7f4f", "#9aa3ac", "#e6e9ec", "#1f2933", "#c8641b"
MOST_DOTS = 4000
WIDEST_TITLE = 95
"""Characters in a line; more would be cut off."""
ENDINGS = (".png", ".svg", ".pdf")


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


def check_ending(path: str | Path, *others: str) -> None:
    """Can a picture be written under this name? To be asked before there is a picture. `others`: endings of other kinds
    of files that would do as well.

    Raises:
        UsageError: its ending names no format, or another one.
    """
    legal = (*ENDINGS, *others)
    if Path(path).suffix.lower() not in legal:
        named = f"{', '.join(legal[:-1])} or {legal[-1]}"
        raise UsageError(f"cannot write the figure {path}: its name must end in {named}", hint="for example front.png")


def write_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure atomically; the format follows the file's ending.

    Raises:
        UsageError: an unknown format, a name that cannot be drawn, or a directory that cannot be written.
    """
    path = Path(path)
    check_ending(path)
    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format=path.suffix[1:].lower())
    except ValueError as error:  # a name with two dollar signs is read as a formula
        raise UsageError(f"cannot draw the figure {path}: {error}") from None
    write_atomically(path, drawn.getvalue(), hint="choose a place that can be written")
    return path


def front_figure(answer: Recommendation, path: str | Path | None = None) -> Figure:
    """All candidates, their front, the best with its 90 % intervals, the most accurate, one step to either side.

    What is predicted of candidates unlike any run is pale: they are not chosen from.
    """
    figure, axes = new_figure()
    quality, energy = answer.cloud
    near = answer.choosable
    for which, color, size, label in (
        (~near, PALE, 4, f"{(~near).sum():,} candidates unlike any run: not trusted"),
        (near, GREY, 9, f"{near.sum():,} candidates near a run"),
    ):
        some = np.random.default_rng(0).permutation(np.flatnonzero(which))[:MOST_DOTS]
        axes.scatter(energy[some], quality[some], s=size, color=color, linewidths=0, label=label)
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
    axes.set_xlabel("predicted energy of the training (kWh, log scale)")
    axes.set_ylabel(f"predicted quality ({answer.metric})")
    dataset = answer.best.recipe.dataset
    title = textwrap.fill(f"{answer.domain} · {dataset}: {answer.best.name}", WIDEST_TITLE)
    axes.set_title(title, loc="left", fontsize=10)
    _limits(axes, answer)
    axes.legend(loc="lower right", fontsize=8, frameon=False, markerscale=1.5)
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
