"""The card of a published model: written from the model itself and from its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecotaskset import __version__
from green_predictor.domain_model import DomainModel

_ROWS = (
    ("energy saved, mean", "energy_saved_mean", "{:.0%}"),
    ("energy saved, worst task", "energy_saved_worst", "{:.0%}"),
    ("energy an oracle saves", "oracle_energy_saved_mean", "{:.0%}"),
    ("share of that reached", "headroom_reached", "{:.0%}"),
    ("quality kept, mean", "quality_kept_mean", "{:.1%}"),
    ("quality kept, worst task", "quality_kept_worst", "{:.1%}"),
    ("on the empirical front", "on_front", "{:.0%}"),
    ("coverage of 90 % intervals", "coverage_90", "{:.0%}"),
    ("energy error, median", "energy_error_median", "{:.0%}"),
    ("quality error, mean", "quality_mae", "{:.3f}"),
)


def model_card(
    domains: Mapping[str, DomainModel],
    facts: Mapping[str, Any],
    *,
    repo: str,
    evaluation: Mapping[str, Any] | None = None,
    dataset: str | None = None,
) -> str:
    """Markdown with the front matter the Hub reads."""
    lines = ["---", "license: apache-2.0", "library_name: ecotaskset", "pipeline_tag: tabular-regression"]
    lines += ["tags:", "- green-ai", "- energy", "- hyperparameter-recommendation"]
    lines += ["datasets:", f"- {dataset}"] if dataset else []
    lines += ["---", "", "# GREEN predictor", ""]
    lines += [
        "Says before a training what it will cost in energy and time and how good the model will be, epoch by epoch, "
        "with 90 % intervals.",
        "",
        "```python",
        "from green_predictor import GreenPredictor",
        "",
        f'green = GreenPredictor.from_pretrained("{repo}")',
        'green.recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}).command',
        "```",
        "",
        "## What it was fitted on",
        "",
        f"Snapshot `{facts.get('snapshot', 'unknown')}`, energy `{facts.get('energy', 'all')}`, "
        f"ecotaskset {__version__}, model format {facts.get('format')}.",
        "",
        "| domain | runs | tasks | family chosen | by regret on held-out |",
        "|---|---|---|---|---|",
    ]
    for name, model in domains.items():
        summary = model.summary
        held = summary.get("comparison", {}).get("held_out", "tasks")
        lines.append(f"| {name} | {summary['runs']} | {len(summary['tasks'])} | {model.family} | {held}s |")
    lines += ["", "## Evaluation", ""]
    lines += _evaluation(evaluation) if evaluation else ["Not evaluated: publish with `--evaluation FILE`."]
    lines += ["", "## Limits", "", _LIMITS, ""]
    return "\n".join(lines)


_LIMITS = (
    "Energy of runs on machines without counters is modelled from processor time, not measured. Tasks, architectures "
    "and machines unlike those in the data are extrapolations; `r.support` says so. The files hold arrays and JSON "
    "only; nothing in them is executed."
)


def _evaluation(evaluation: Mapping[str, Any]) -> list[str]:
    shown: dict[str, Mapping[str, Any]] = {k.replace("_", " "): v for k, v in evaluation["protocols"].items()}
    for key in ("with_one_probe", "with_shortlist"):
        if evaluation.get(key):
            shown[key.replace("_", " ")] = evaluation[key]
    lines = ["| | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for title, key, form in _ROWS:
        lines.append(f"| {title} | " + " | ".join(_cell(v.get(key), form) for v in shown.values()) + " |")
    tasks = ", ".join(f"{name}: {figures['n_tasks']}" for name, figures in shown.items())
    return [*lines, "", f"Savings are against the most accurate configuration of each task. Tasks: {tasks}."]


def _cell(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
