"""From a question to a measured answer in about a minute: `make demo`.

1. GREEN recommends a configuration for an image task, from the runs shipped with the package.
2. The recommended configuration is really trained here, on real images, with its energy metered.
3. Predicted stands beside what came out, and beside the most accurate configuration.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from ecotaskset.console import guarded
from ecotaskset.run import Run
from green_predictor import Recommendation, recommend
from green_predictor.follow import disturbed

DATASET = "digits"
BALANCED = {"energy": 0.5}
MAX_QUALITY_LOSS = 0.04
"""Chosen so that there is a trade-off to see, and a pick that was run before."""
console = Console(highlight=False)


def main() -> int:
    """Recommend, train, compare, plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("demo"), help="where the plot and the run are kept")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)

    step(1, f"What should I train on [bold]{DATASET}[/], caring equally about quality and energy?")
    with console.status("asking GREEN"):
        answer = recommend(domain="cv", dataset=DATASET, prefer=BALANCED, max_quality_loss=MAX_QUALITY_LOSS)
    console.print(Panel(answer.verdict, title="GREEN recommends", title_align="left", border_style="green"))
    console.print(f"   [dim]{answer.command}[/]", soft_wrap=True)

    step(2, "Train exactly that here and now, metered")
    run = train_here(answer, folder)

    step(3, "Predicted beside what came out")
    console.print(comparison(answer, run))
    console.print(savings(answer, run))
    picture = draw(answer, run, folder / "front.png")
    console.print(f"   picture  [bold]{picture}[/]\n   run      [bold]{folder / 'store'}[/]")
    console.print("\nNext: [bold].venv/bin/green-recommend --help[/] · [bold].venv/bin/green-collect --list[/]")
    return 0


def step(number: int, title: str) -> None:
    """A heading."""
    console.print(f"\n[bold green]{number}[/]  {title}")


def train_here(answer: Recommendation, folder: Path) -> Run:
    """Train the recommended recipe and keep the run."""
    with console.status("loading PyTorch"):
        from collectors.tasks import load_task
        from collectors.train import train
    from ecotaskset.store import Store

    def tell(event: dict[str, Any]) -> None:
        if event["event"] == "epoch":
            console.print(
                f"   epoch {event['epoch']}/{event['epochs']}  loss {event['train_loss']:.3f}  "
                f"{event['metric']} {event['quality']:.3f}  {mwh(event['energy_kwh'])}  {event['duration_s']:.1f} s"
            )

    with console.status("preparing the images, once"):  # which is not what training costs
        load_task(answer.best.recipe)
    run = train(answer.best.recipe, on_event=tell)
    Store(folder / "store").append(run)
    return run


def comparison(answer: Recommendation, run: Run) -> Table:
    """What was said against what came out."""
    best = answer.best
    table = Table(box=None, padding=(0, 2, 0, 3))
    for title in ("", "predicted", "90 % interval", "came out", ""):
        table.add_column(title, justify="left" if title in ("", "90 % interval") else "right", no_wrap=True)
    table.add_row(
        run.quality_metric,
        f"{best.quality:.3f}",
        f"{best.quality_low:.3f} to {best.quality_high:.3f}",
        f"[bold]{run.quality_validation:.3f}[/]",
        inside(run.quality_validation, best.quality_low, best.quality_high),
    )
    table.add_row(
        "energy",
        mwh(best.energy_kwh),
        f"{mwh(best.energy_low_kwh)} to {mwh(best.energy_high_kwh)}",
        f"[bold]{mwh(run.energy_kwh)}[/]",
        inside(run.energy_kwh, best.energy_low_kwh, best.energy_high_kwh),
    )
    table.add_row("time", f"{best.duration_s:.1f} s", "", f"[bold]{run.duration_s:.1f} s[/]", "")
    return table


def savings(answer: Recommendation, run: Run) -> str:
    """How the run compares with the most accurate configuration, and how its energy was read."""
    top = answer.most_accurate
    parts = [
        f"{name} {getattr(run, f'{name}_energy_quality')} ({getattr(run, f'{name}_energy_source')})"
        for name in ("gpu", "cpu", "ram")
        if getattr(run, f"{name}_energy_kwh") is not None
    ]
    saved, doubt = 1 - run.energy_kwh / top.energy_kwh, disturbed(run)
    return (
        f"\n   [bold green]{abs(saved):.0%} {'less' if saved >= 0 else 'more'} energy[/] than the most accurate "
        f"configuration\n   ({top.recipe.model}, {top.recipe.epochs} epochs: predicted {mwh(top.energy_kwh)}, "
        f"{answer.metric} {top.quality:.3f}), with {run.quality_validation / top.quality:.1%} of its "
        f"quality.\n   [dim]Energy here: {', '.join(parts)}{f'; {doubt}' if doubt else ''}.[/]\n"
    )


def draw(answer: Recommendation, run: Run, path: Path) -> Path:
    """The front as predicted, with the run that was made."""
    figure = answer.plot()
    (axes,) = figure.axes
    axes.plot(run.energy_kwh, run.quality_validation, "X", ms=11, color="#1b4965", label="trained here just now")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    figure.savefig(path)
    return path


def inside(value: float, low: float, high: float) -> str:
    """Did the interval hold?"""
    return "[green]inside[/]" if low <= value <= high else "[yellow]outside[/]"


def mwh(kwh: float) -> str:
    """Energy in milliwatt-hours."""
    return f"{kwh * 1e6:.2f} mWh"


if __name__ == "__main__":
    sys.exit(guarded(main))
