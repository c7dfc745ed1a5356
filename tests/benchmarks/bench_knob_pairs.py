"""What one knob did by itself: pairs of recipes of the data that differ in nothing else, run on the same processor.

    python tests/benchmarks/bench_knob_pairs.py precision=bf16 [--by width batch_size] [--json]

Energy and validation quality with the knob over those without it, means over pairs (of logarithms), seeds averaged
before. Nothing is predicted here.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from typing import Any

import numpy as np

from ecotaskset.knobs import KNOBS
from green_predictor.alone import as_if_alone
from green_predictor.rows import knobs_of
from green_predictor.source import records
from green_predictor.targets import final_quality, usable

SAME = ("domain", "dataset", "model", "epochs", "batch_size", "learning_rate", "weight_decay", "cpu_model")


def pairs(name: str, value: str) -> list[tuple[dict[str, Any], float, float]]:
    """A run that turned the knob, and the factors on energy and quality, for each recipe that was run both ways."""
    both: dict[tuple, dict[bool, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for run in records():
        knobs = knobs_of(run)
        setting = str(knobs.pop(name, KNOBS[name].default))
        if usable(run) and final_quality(run) > 0 and setting in (value, str(KNOBS[name].default)):
            key = *(run.get(column) for column in SAME), tuple(sorted(knobs.items()))
            both[key][setting == value].append(run)
    found = []
    for runs in both.values():
        if len(runs) == 2:
            energy, quality = (
                np.mean([np.log(worth(r)) for r in runs[True]]) - np.mean([np.log(worth(r)) for r in runs[False]])
                for worth in (lambda r: as_if_alone(r)["energy_kwh"], final_quality)
            )
            found.append((runs[True][0], float(energy), float(quality)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("knob", help="name=value")
    parser.add_argument("--by", nargs="*", default=[], help="further columns or knobs that make a row of the table")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    name, _, value = chosen.knob.partition("=")
    if name not in KNOBS or not value:
        parser.error(f"'{chosen.knob}' is not a knob and its value, such as precision=bf16")
    rows = defaultdict(list)
    for run, energy, quality in pairs(name, value):
        knobs = knobs_of(run)
        others = (knobs.get(by, KNOBS[by].default) if by in KNOBS else run.get(by) for by in chosen.by)
        rows[(run["domain"], run["model"], *others)].append((energy, quality))
    table = [
        {**dict(zip(("domain", "model", *chosen.by), key, strict=True)), "pairs": len(made)}
        | dict(zip(("energy", "quality"), np.exp(np.mean(made, axis=0)).round(3).tolist(), strict=True))
        for key, made in sorted(rows.items(), key=str)
    ]
    if chosen.json:
        print(json.dumps(table, indent=2))
        return
    for row in table:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
