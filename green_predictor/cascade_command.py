"""`green-predictor cascade`: the tables and the waterfall of one task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecotaskset.console import Output
from ecotaskset.errors import unknown_name
from ecotaskset.knobs import DOMAINS
from green_predictor.cascade import cascade
from green_predictor.show import aligned

SHOWN = 12
Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Heading, titles, rows."""


def cascade_command(
    out: Output, domain: str, dataset: str, model: str | None, data: str | None, plot: Path | None
) -> None:
    """Analyse, show, draw."""
    if domain not in DOMAINS:
        raise unknown_name("domain", domain, DOMAINS)
    analysis = cascade(domain, dataset, model, data=data)
    if plot is not None:
        _draw(analysis, plot)
        out.say(f"picture written to {plot}")
    found = analysis.to_dict()
    out.result(found, _human(found), [found["best"]["stack"]])


def _draw(analysis: Any, plot: Path) -> None:
    if plot.suffix == ".html":
        from green_predictor.cascade_page import cascade_page

        cascade_page(analysis, plot)
    else:
        from green_predictor.cascade_figure import waterfall_figure

        waterfall_figure(analysis, plot)


def tables(found: dict[str, Any]) -> list[Table]:
    """What there is to show, complete, in reading order."""
    made: list[Table] = [
        ("knob alone", ("knob alone", "phase", "saving", "90 %", "quality", "runs"), [
            (e["knob"], e["phase"], f"{e['saving']:.0%}", _range(e),
             f"{e['quality_change']:+.3f} ± {e['quality_change_wide']:.3f}", str(e["runs"]))
            for e in found["effects"]
        ]),
        ("together", ("together", "measured", "product rule", "verdict", "quality kept"), [
            (c["stack"], f"{c['saving']:.0%}", f"{c['product_rule']:.0%}", c["verdict"], f"{c['quality_kept']:.1%}")
            for c in found["combinations"]
        ]),
        ("share of the best stack's saving", ("knob of the best stack", "share of its saving"), [
            (s["knob"], f"{s['share']:.0%}") for s in found["best"]["shapley"]
        ]),
        ("inference", ("inference knob", "saving a prediction", "90 %", "latency", "quality", "trainings"), [
            (e["knob"], f"{e['saving']:.0%}", _range(e), f"× {e['latency_ratio']:.2f}",
             "unknown" if e["quality_change"] is None else f"{e['quality_change']:+.3f}", str(e["trainings"]))
            for e in found["inference"]
        ]),
        ("worth trying", ("worth trying", "expected saving", "quality kept"), [
            (u["stack"], f"{u['saving']:.0%}", f"{u['quality_kept']:.1%}") for u in found["untried"]
        ]),
    ]  # fmt: skip
    return [table for table in made if table[2]]


def _range(effect: dict[str, Any]) -> str:
    low, high = effect["saving_low"], effect["saving_high"]
    return "unknown" if low is None else f"{low:.0%} to {high:.0%}"


def _human(found: dict[str, Any]) -> list[Any]:
    best, error = found["best"], found["held_out"]
    lines: list[Any] = [
        f"{found['domain']} · {found['dataset']} · {found['model']}: the best stack saves {best['saving']:.0%} of the "
        f"baseline's energy and keeps {best['quality_kept']:.1%} of its quality: {best['stack']}",
    ]
    if fresh := best["on_fresh_seeds"]:
        lines.append(
            f"chosen without a seed and measured on it: {fresh['saving']:.0%} saved, {fresh['quality_kept']:.1%} kept "
            f"(mean of {fresh['seeds']} seeds)"
        )
    for heading, titles, rows in tables(found):
        if heading == "together" and len(rows) > SHOWN:  # what helps most and what collides most
            rows = rows[: SHOWN // 2] + rows[-SHOWN // 2 :]
        lines += ["", aligned(titles, rows)]
    if error["combinations"]:
        by_rule, by_model = 100 * error["product_rule"], 100 * error["predicted"]
        lines += [
            "",
            f"held-out combinations ({error['combinations']}): product rule off by {by_rule:.1f} points, "
            f"prediction by {by_model:.1f}",
        ]
    if not found["noise_is_measured"]:
        lines += ["", "[dim]too few repeats to measure the noise: intervals assume 5 % from run to run[/]"]
    return lines
