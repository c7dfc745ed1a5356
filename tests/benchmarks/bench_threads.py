"""Two threads beside one: trainings of the data that ran both ways on the same processor.

    python tests/benchmarks/bench_threads.py [--json]

First the two figures of `green_predictor.threads` as these trainings have them (least squares of logarithms, outliers
damped). Then what a choice of threads is worth: energy as geometric means over that on one thread, with all trainings
on two, with those that physics chooses, with those that an oracle would, and with a choice by figures that were fitted
without the architecture's family. Energy on processors is modelled.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from green_predictor import threads
from green_predictor.alone import as_if_alone
from green_predictor.physics import quantities
from green_predictor.rows import recipe_rows
from green_predictor.source import models_for, records
from green_predictor.targets import recipe_key, usable

ODD = 2.2
"""A training that took so many times as long on one thread as on two, or twice as long on two, was disturbed."""


def pairs() -> tuple[list[dict[str, Any]], float, int]:
    """Each recipe that ran both ways: factors on time and energy, and what physics knows of it. And what a training
    takes alone over one with another beside it, and how many say so."""
    both: dict[tuple, dict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for run in records():
        if usable(run) and run.get("device") == "cpu" and "contended" not in (run.get("flags") or []):
            made = as_if_alone(run) | {"shared": "node_share=1.0" not in (run.get("ram_energy_method") or "")}
            both[recipe_key(run), run.get("cpu_model")][int(run.get("cpu_threads") or 1)].append(made)
    models, found = models_for(None), []
    beside, both_ways = _alone_beside_two_at_a_time(both)
    for runs in both.values():
        if not runs[1] or not runs[2]:
            continue
        longer, more = (_mean(runs[2], c) / (_one(runs[1], c, beside)) for c in ("duration_s", "energy_kwh"))
        if 1 / ODD < longer < 2:
            first = runs[2][0]
            used = quantities(recipe_rows([first], [(0, float(first["epochs"]))]))
            prices = models[first["domain"]].reference.prices
            found.append({"family": first["model_family"], "longer": longer, "more": more, "used": used[0],
                          "prices": prices, "said": threads.more(np.array([2.0]), used, prices)[0]})  # fmt: skip
    return found, beside, both_ways


def _alone_beside_two_at_a_time(both) -> tuple[float, int]:
    """What a training alone takes over one with another beside it, one thread each, on the processor of the pairs: the
    median of what ran both ways, and how many did."""
    processors = {cpu for (_, cpu), runs in both.items() if runs[1] and runs[2]}
    found = []
    for (_, cpu), runs in both.items():
        alone = [r for r in runs[1] if _is_alone(r)]
        if cpu in processors and alone and len(alone) < len(runs[1]):
            found.append(_mean(alone, "duration_s") / _mean([r for r in runs[1] if not _is_alone(r)], "duration_s"))
    return float(np.median(found)) if found else 1.0, len(found)


def _is_alone(run: dict[str, Any]) -> bool:
    return not run["shared"]


def _one(runs: list[dict[str, Any]], column: str, beside: float) -> float:
    alone = [r for r in runs if _is_alone(r)]
    return _mean(alone, column) if alone else beside * _mean(runs, column)


def _mean(runs: list[dict[str, Any]], column: str) -> float:
    return float(np.exp(np.mean([np.log(run[column]) for run in runs])))


def fitted(made: list[dict[str, Any]]) -> np.ndarray:
    """(`UNDIVIDED`, `WAITING`) that fit best, (2,)."""
    log_longer = np.log([p["longer"] for p in made])
    return least_squares(lambda v: log_longer_by(v, made) - log_longer, [0.3, 2e6], x_scale=[0.1, 1e6],
                         loss="soft_l1", f_scale=0.1).x  # fmt: skip


def log_longer_by(figures: np.ndarray, made: list[dict[str, Any]]) -> np.ndarray:
    """Logarithm of the time on two threads over that on one, with other figures than those of the package, (n,)."""
    kept = threads.UNDIVIDED, threads.WAITING
    threads.UNDIVIDED, threads.WAITING = figures
    try:
        return np.array([threads.more(np.array([2.0]), p["used"][None], p["prices"])[0, 1] for p in made])
    finally:
        threads.UNDIVIDED, threads.WAITING = kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    made, beside, both_ways = pairs()
    more, longer = (np.log([p[name] for p in made]) for name in ("more", "longer"))
    said = np.array([p["said"] for p in made])
    family, without = np.array([p["family"] for p in made]), np.empty(len(made))
    for name in np.unique(family):
        figures = fitted([p for p in made if p["family"] != name])
        without[family == name] = log_longer_by(figures, made)[family == name]
    power = np.log(threads.MEMORY + (1 - threads.MEMORY) * 2)

    def chosen(two: np.ndarray) -> dict[str, float]:
        return {"energy": float(np.exp(np.where(two, more, 0).mean())),
                "time": float(np.exp(np.where(two, longer, 0).mean())), "on_two": float(two.mean())}  # fmt: skip

    table = {
        "all on two": chosen(np.ones(len(made), bool)),
        "by physics": chosen(said[:, 0] < 0),
        "by physics, family held out": chosen(without + power < 0),
        "oracle": chosen(more < 0),
    }
    undivided, waiting = fitted(made)
    off = float(np.exp(np.median(np.abs(said[:, 1] - longer))))
    answer = {"recipes": len(made), "undivided": undivided, "waiting": waiting, "time_off": off,
              "alone_beside_two_at_a_time": beside, "choices": table}  # fmt: skip
    if as_json:
        print(json.dumps(answer, indent=1))
        return
    print(f"{len(made)} recipes ran on one thread and on two: UNDIVIDED {undivided:.2f}, WAITING {waiting:.2g}")
    print(f"on one thread, alone takes {beside:.2f} times as long as with another beside it ({both_ways} recipes)")
    print(f"time on two threads, by physics from that on one, is typically off by a factor of {off:.2f}")
    for name in np.unique(family):
        mine = np.exp(more[family == name])
        print(f"{name:<28} energy × {mine.min():.2f} to {mine.max():.2f} on two ({len(mine)})")
    for name, row in table.items():
        print(f"{name:<28} energy × {row['energy']:.3f}  time × {row['time']:.2f}  {row['on_two']:.0%} on two")


if __name__ == "__main__":
    main()
