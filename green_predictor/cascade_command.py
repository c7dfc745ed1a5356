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


def cascade_command(
    out: Output, domain: str, dataset: str, model: str | None, data: str | None, plot: Path | None
) -> None:
    """Analyse, show, draw."""
    if domain not in DOMAINS:
        raise unknown_name("domain", domain, DOMAINS)
    analysis = cascade(domain, dataset, model, data=data)
    if plot is not None:
        from green_predictor.cascade_figure import waterfall_figure

        waterfall_figure(analysis, plot)
        out.say(f"picture written to {plot}")
    found = analysis.to_dict()
    out.result(found, _human(found), [found["best"]["stack"]])


def _human(found: dict[str, Any]) -> list[Any]:
    best, error = found["best"], found["held_out"]
    lines: list[Any] = [
        f"{found['domain']} · {found['dataset']} · {found['model']}: the best stack saves {best['saving']:.0%} of the "
        f"baseline's energy and keeps {best['quality_kept']:.1%} of its quality: {best['stack']}",
        "",
        aligned(("knob alone", "phase", "saving", "90 %", "quality", "runs"), [
            (e["knob"], e["phase"], f"{e['saving']:.0%}", f"{e['saving_low']:.0%} to {e['saving_high']:.0%}",
             f"{e['quality_change']:+.3f} ± {e['quality_change_wide']:.3f}", str(e["runs"]))
            for e in found["effects"]
        ]),
    ]  # fmt: skip
    shown = found["combinations"]
    if shown:
        ends = shown if len(shown) <= SHOWN else shown[: SHOWN // 2] + shown[-SHOWN // 2 :]
        lines += ["", aligned(("together", "measured", "product rule", "verdict", "quality kept"), [
            (c["stack"], f"{c['saving']:.0%}", f"{c['product_rule']:.0%}", c["verdict"], f"{c['quality_kept']:.1%}")
            for c in ends
        ])]  # fmt: skip
    if error["combinations"]:
        by_rule, by_model = 100 * error["product_rule"], 100 * error["predicted"]
        lines += [
            "",
            f"held-out combinations ({error['combinations']}): product rule off by {by_rule:.1f} points, "
            f"prediction by {by_model:.1f}",
        ]
    if found["untried"]:
        lines += ["", aligned(("worth trying", "expected saving", "quality kept"), [
            (u["stack"], f"{u['saving']:.0%}", f"{u['quality_kept']:.1%}") for u in found["untried"]
        ])]  # fmt: skip
    if not found["noise_is_measured"]:
        lines += ["", "[dim]too few repeats to measure the noise: intervals assume 5 % from run to run[/]"]
    return lines
