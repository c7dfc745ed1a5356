"""`green-predictor evaluate`: run the protocols, show the table, write JSON and figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecotaskset.console import Output
from ecotaskset.errors import unknown_name
from ecotaskset.knobs import DOMAINS
from ecotaskset.store import write_atomically
from green_predictor import source
from green_predictor.evaluate import evaluate
from green_predictor.evaluate_figures import write_figures
from green_predictor.show import aligned

COLUMNS = (
    ("saved", "energy_saved_mean", "{:.0%}"), ("worst", "energy_saved_worst", "{:.0%}"),
    ("oracle", "oracle_energy_saved_mean", "{:.0%}"), ("headroom", "headroom_reached", "{:.0%}"),
    ("kept", "quality_kept_mean", "{:.1%}"), ("worst", "quality_kept_worst", "{:.1%}"),
    ("on front", "on_front", "{:.0%}"), ("cover", "coverage_90", "{:.0%}"), ("E err", "energy_error_median", "×{:.2f}"),
    ("Q err", "quality_mae", "{:.3f}"), ("tasks", "n_tasks", "{}"),
)  # fmt: skip


def evaluate_command(
    out: Output, data: str | None, protocols: Sequence[str] | None, domain: str | None, output: Path | None
) -> None:
    """Evaluate on a source of runs."""
    if domain is not None and domain not in DOMAINS:
        raise unknown_name("domain", domain, DOMAINS)
    jobs = os.cpu_count() or 1
    found = evaluate(source.records(data), protocols=protocols or None, domain=domain, jobs=jobs, say=out.say)
    if output is not None:
        text = json.dumps(found, indent=2, allow_nan=False)
        write_atomically(output / "evaluation.json", text.encode(), hint="choose another folder with --output")
        pictures = write_figures(found, output)
        out.say(f"written to {output}: {', '.join(['evaluation.json', *(path.name for path in pictures)])}")
    out.result(found, [table(found)], sorted(found["protocols"]))


def table(found: dict[str, Any]) -> str:
    """The headline table: protocols, probes, baselines."""
    sections = {
        **found["protocols"],
        "  with one probe": found["with_one_probe"],
        "  with a shortlist of five": found["with_shortlist"],
        **{f"  {name}": figures for name, figures in found["baselines"].items()},
        **{
            f"  {name}, repeated recipes, {how}": figures
            for name, both in found["each_recipe_run_once"].items()
            for how, figures in both.items()
        },
    }
    rows = [
        [name.replace("_", " "), *(_cell(figures.get(key), form) for _, key, form in COLUMNS)]
        for name, figures in sections.items()
        if figures
    ]
    return aligned(["", *(title for title, _, _ in COLUMNS)], rows)


def _cell(value: Any, form: str) -> str:
    if value is None:
        return "–"
    return form.format(1 + value if form.startswith("×") else value)
