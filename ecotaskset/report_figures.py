"""A report as pictures: coverage, energy against quality, repeatability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecotaskset.knobs import DOMAINS
from ecotaskset.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MODELS = 30
COLOURS = {"cv": "#1b7f4d", "nlp": "#2f5fa8", "recsys": "#b8621b"}


def write_figures(runs: Sequence[Run], data: dict[str, Any], folder: str | Path) -> list[Path]:
    """Write the figures of a report as PNG files and return their paths.

    Args:
        runs: what the report is about.
        data: the report.

    Raises:
        UsageError: the folder cannot be written.
    """
    figures = {"coverage": _coverage(runs), "energy_quality": _energy_quality(runs), "repeatability": _repeats(data)}
    return [_save(figure, Path(folder) / f"{name}.png") for name, figure in figures.items() if figure is not None]


def _coverage(runs: Sequence[Run]) -> Figure:
    counts = Counter((run.dataset, run.model) for run in runs)
    datasets = sorted({dataset for dataset, _ in counts})
    models = [model for model, _ in Counter(run.model for run in runs).most_common(MOST_MODELS)]
    figure = _figure(2 + 0.3 * len(models), 1.5 + 0.3 * len(datasets))
    axes = figure.subplots()
    image = axes.imshow([[counts[d, m] or float("nan") for m in models] for d in datasets], cmap="YlGn", aspect="auto")
    axes.set_xticks(range(len(models)), models, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(datasets)), datasets, fontsize=7)
    axes.set_title(f"{len(runs):,} runs by data set and model", loc="left")
    figure.colorbar(image, label="runs")
    return figure


def _energy_quality(runs: Sequence[Run]) -> Figure | None:
    by_domain = {
        domain: points
        for domain in DOMAINS
        if (points := [r for r in runs if r.domain == domain and r.energy_kwh and r.quality_validation is not None])
    }
    if not by_domain:
        return None
    figure = _figure(4.5 * len(by_domain), 4)
    for axes, (domain, points) in zip(
        figure.subplots(1, len(by_domain), squeeze=False)[0], by_domain.items(), strict=True
    ):
        for origin, marker in (("collected", "o"), ("imported", "x")):
            chosen = [run for run in points if run.origin.startswith(origin)]
            energies, qualities = [r.energy_kwh for r in chosen], [r.quality_validation for r in chosen]
            if chosen:
                axes.scatter(energies, qualities, s=8, alpha=0.5, marker=marker, color=COLOURS[domain], label=origin)
        metrics = ", ".join(sorted({run.quality_metric or "?" for run in points}))
        axes.set(xscale="log", xlabel="energy of a training (kWh)", ylabel=f"best validation quality ({metrics})")
        axes.set_title(f"{domain}: {len(points):,} runs", loc="left")
        axes.legend(fontsize=7)
    return figure


def _repeats(data: dict[str, Any]) -> Figure | None:
    spreads = {
        f"{source}, over {kind} ({of['groups']})": of["energy_cv"]
        for kind, sources in data["repeatability"].items()
        for source, of in sources.items()
    }
    if not spreads:
        return None
    figure = _figure(8, 1.5 + 0.4 * len(spreads))
    axes = figure.subplots()
    for place, cv in enumerate(spreads.values()):
        axes.plot([cv["median"], cv["p90"]], [place, place], color="#555555", lw=2)
        axes.plot(cv["median"], place, "o", color="#1b7f4d")
        axes.plot(cv["max"], place, "|", color="#555555")
    axes.axvline(0.05, ls=":", color="#1b7f4d")
    axes.axvline(0.15, ls=":", color="#b03030")
    axes.set_yticks(range(len(spreads)), list(spreads), fontsize=7)
    axes.set(xlabel="variation of energy: median (dot), 90 % (line), largest (tick)", xlim=(0, None))
    axes.set_title("Repeatability at a fixed recipe and machine", loc="left")
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # not pyplot: no window, no global state

    return Figure(figsize=(min(width, 20), min(height, 20)), layout="constrained", dpi=120)


def _save(figure: Figure, path: Path) -> Path:
    import io

    from ecotaskset.store import write_atomically

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_atomically(path, buffer.getvalue())
    return path
