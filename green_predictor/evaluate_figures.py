"""The evaluation as pictures: what each way of choosing saves and keeps, and what GREEN does on every held-out task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from green_predictor.plot import DARK, GREEN, GREY, ORANGE, new_figure, write_figure

MAIN = "leave_one_dataset_out"
SHOWN_FROM = -150.0
"""Per cent of energy saved below which a rule stands at the edge of the picture, its figure beside it."""
CLOSE = 60.0, 4.0
"""Points nearer to each other than this, in per cent of energy and of quality, would have their labels overlap."""


def write_figures(found: dict[str, Any], folder: Path) -> list[Path]:
    """`rules.png` and `tasks.png` where the main protocol was run; the files written.

    Raises:
        UsageError: the folder cannot be written.
    """
    main = found["protocols"].get(MAIN)
    if main is None:
        return []
    return [_rules(found, main, folder / "rules.png"), _tasks(main, folder / "tasks.png")]


def _rules(found: dict[str, Any], main: dict[str, Any], path: Path) -> Path:
    """Mean energy saved against mean quality kept, a dot a way of choosing."""
    figure, axes = new_figure(8.0, 5.0)
    line = [(100 * f["energy_saved_mean"], 100 * f["quality_kept_mean"]) for f in found.get("trade_off") or []]
    if line:
        axes.plot(
            *zip(*line, strict=True), color=GREEN, lw=1.5, marker=".", zorder=2, label="GREEN, by quality given up"
        )
        axes.legend(fontsize=8, frameon=False, loc="lower left")
    points = [("GREEN", main["energy_saved_mean"], main["quality_kept_mean"], GREEN)]
    points += [("oracle", main["oracle_energy_saved_mean"], main["oracle_quality_kept_mean"], ORANGE)]
    for name, figures in found["baselines"].items():
        if figures:
            points.append((name.replace("_", " "), figures["energy_saved_mean"], figures["quality_kept_mean"], GREY))
    placed = {name: (max(100 * saved, SHOWN_FROM), 100 * kept) for name, saved, kept, _ in points}
    for name, saved, _, colour in points:
        (x, y), words = placed[name], name
        if 100 * saved < x:  # one rule that costs four times as much would press all others into a corner
            words = f"← {name}: {100 * saved:.0f} %".replace("-", "−")
        axes.scatter(x, y, s=80 if colour == GREEN else 40, color=colour, edgecolor=DARK, linewidth=0.5, zorder=3)
        beside = ((v, u) for u, v in placed.values() if abs(u - x) < CLOSE[0] and abs(v - y) < CLOSE[1])
        under = min(beside) == (y, x)  # of neighbours the lowest is labelled below, the others above
        axes.annotate(
            words, (x, y), xytext=(5, -11 if under else 5), textcoords="offset points", fontsize=8, color=DARK
        )
    axes.set_xlabel("energy saved against the most accurate recipe, mean over tasks, %")
    axes.set_ylabel("quality kept, mean over tasks, %")
    axes.set_title(f"{main['n_tasks']} tasks, each predicted from the others", loc="left", fontsize=10)
    return write_figure(figure, path)


def _tasks(main: dict[str, Any], path: Path) -> Path:
    """Saved and kept on every task, the oracle's saving beside."""
    tasks = sorted(main["per_task"].items())
    figure, (left, right) = _two(0.28 * len(tasks) + 1.5)
    places = range(len(tasks))
    left.barh(places, [100 * f["energy_saved"] for _, f in tasks], color=GREEN, height=0.6)
    oracle = [100 * f["oracle_energy_saved"] for _, f in tasks]
    left.scatter(oracle, places, marker="|", s=80, color=ORANGE, zorder=3, label="oracle")
    left.set_yticks(places, [name for name, _ in tasks], fontsize=7)
    left.axvline(0, color=DARK, lw=0.8)
    left.set_xlabel("energy saved, %")
    left.legend(fontsize=7, frameon=False, loc="lower left")
    right.barh(places, [100 * f["quality_kept"] for _, f in tasks], color=GREY, height=0.6)
    right.axvline(99.2, color=ORANGE, lw=1, ls="--")
    right.set_yticks(places, [""] * len(tasks))
    right.set_xlim(min(80.0, 100 * main["quality_kept_worst"] - 2), 101)
    right.set_xlabel("quality kept, % (line: 99.2 %)")
    return write_figure(figure, path)


def _two(height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=False)
    for one in axes:
        for side in ("top", "right"):
            one.spines[side].set_visible(False)
        one.invert_yaxis()
    return figure, axes
