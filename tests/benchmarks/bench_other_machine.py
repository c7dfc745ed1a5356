"""What predictions are worth on a processor that no run was made on: one is left out, then asked about.

python tests/benchmarks/bench_other_machine.py --json

With nothing known of it, with the time of its matrix products, and with a few of its runs, as `recommend` uses them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

import numpy as np

from ecotaskset.load import load_runs
from green_predictor import GreenPredictor, domain_model, targets
from green_predictor.hardware import COMPARED, STRANGE, TRIED
from green_predictor.machines import hardware_columns, machines
from green_predictor.protocols import machine_of

DRAWS = 400


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", help="part of the processor's name [default: the second commonest]")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    records = [r for r in load_runs().to_pylist() if targets.usable(r)]
    counted = Counter(machine_of(r) for r in records).most_common()
    fitting = [name for name, _ in counted if words.machine in name] if words.machine else [counted[1][0]]
    found = compared(records, fitting[0])
    if words.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()))


def compared(records: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Figures of the runs of one machine, of recipes that others ran too, said by a predictor that was fitted without
    them: what is left is the machine's part."""
    others = [r for r in records if machine_of(r) != name]
    models = GreenPredictor().fit(others).domains_
    ran = {targets.recipe_key(r) for r in others}
    mine = [r for r in records if machine_of(r) == name and targets.recipe_key(r) in ran]
    strange = [r for r in records if machine_of(r) == name and targets.recipe_key(r) not in ran]
    stands = machines(next(iter(models.values())).runs)[0]
    domain, ratio, down, up, missed, inside = said(models, mine, stands)
    rate = stands["matmul_gflops"] / float(np.median([r["matmul_gflops"] for r in mine if r.get("matmul_gflops")]))
    middle = np.median(ratio, axis=0)
    figures: dict[str, Any] = {
        "machine": name,
        "stands for it": machine_of(stands),
        "runs": len(ratio),
        "quality error, median": float(np.median(missed)),
        "qualities inside 90 % intervals": float(np.mean(inside)),
        "energy came out times what was said, median": float(np.exp(middle[0])),
        "time came out times what was said, median": float(np.exp(middle[1])),
        "energy by domain": {d: float(np.exp(np.median(ratio[domain == d, 0]))) for d in models},
        "energy error beyond one factor, median": beyond(ratio, middle[0]),
        "– of recipes that only this machine ran": beyond(said(models, strange, stands)[1], middle[0])
        if strange
        else None,
        "a matrix product takes times as long": rate,
        "energies inside 90 % intervals, as if it were in the data": within(ratio[:, 0], down, up, 1.0),
        "– widened, nothing known": within(ratio[:, 0], down, up, STRANGE),
        "– widened, by matrix products": within(ratio[:, 0] - np.log(rate), down, up, COMPARED),
    }
    drawn = np.random.default_rng(0)
    for count in (1, 3, 10):
        error, inside_paced = [], []
        for _ in range(DRAWS):
            known = drawn.choice(len(ratio), count, replace=False)
            rest = np.setdiff1d(np.arange(len(ratio)), known)
            left = ratio[rest, 0] - np.median(ratio[known, 0])
            error.append(np.median(np.abs(left)))
            inside_paced.append(within(left, down[rest], up[rest], TRIED ** (1 / np.sqrt(count))))
        figures[f"energy error, median, paced by {count} runs"] = float(np.exp(np.mean(error)))
        figures[f"– energies inside 90 % intervals, paced by {count} runs"] = float(np.mean(inside_paced))
    return figures


def beyond(ratio: np.ndarray, factor: float) -> float:
    """Typical energy error, either way, that one factor for the machine leaves."""
    return float(np.exp(np.median(np.abs(ratio[:, 0] - factor))))


def said(models, records, stands) -> tuple[np.ndarray, ...]:
    """Of each run: domain, logarithm of energy and time over what is said for the machine that stands for its own, ends
    of the interval of the former, error in quality, and whether that is inside its interval."""
    columns = {**dict.fromkeys(hardware_columns()), **stands}
    found: list[list[Any]] = [[] for _ in range(6)]
    for domain, model in models.items():
        for task in sorted({r["dataset"] for r in records if r["domain"] == domain} & set(model.correction)):
            mine = [{**r, **columns} for r in records if r["domain"] == domain and r["dataset"] == task]
            data = targets.prepare(mine, "all", model.reference)
            final = data.subset(data.last)
            made = domain_model.predict_rows(model, final.rows, domain_model.evidence(model, task))
            quality, kwh, seconds = targets.restore(final.y, final.rows, model.reference)
            for column, values in zip(found, (
                [domain] * len(kwh),
                np.log(np.column_stack([kwh / made.energy_kwh, seconds / made.duration_s])),
                np.log(made.energy_low_kwh / made.energy_kwh), np.log(made.energy_high_kwh / made.energy_kwh),
                np.abs(quality - made.quality), (quality >= made.quality_low) & (quality <= made.quality_high),
            ), strict=True):  # fmt: skip
                column += list(values)
    return tuple(np.array(column) for column in found)


def within(left: np.ndarray, down: np.ndarray, up: np.ndarray, typical: float) -> float:
    """The share of errors inside intervals that are widened by a typical factor (see `with_intervals`)."""
    off = domain_model.Z90 / domain_model.TYPICAL * np.log(typical)
    return float(np.mean((left >= -np.hypot(down, off)) & (left <= np.hypot(up, off))))


if __name__ == "__main__":
    main()
