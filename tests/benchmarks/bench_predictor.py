"""Where the predictor's time goes: warm answers by number of candidates, a cold process, a fit, the model's size.

    python tests/benchmarks/bench_predictor.py [--json]

Times are the least of several tries; what else the machine does can only make them longer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

COUNTS = (1_000, 10_000, 100_000, 1_000_000)
LIBRARIES = "import sklearn.ensemble, pandas, pyarrow"
ANSWER = "from green_predictor import recommend; recommend(domain='cv', dataset='digits', prefer=0.7).command"


def least(call: Callable[[], Any], tries: int) -> float:
    """Seconds of the fastest of some tries."""
    times = []
    for _ in range(tries):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def process_seconds(code: str, tries: int = 5) -> float:
    """Seconds of a fresh process."""
    return least(lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True), tries)


def warm() -> dict[str, float]:
    """Seconds of `recommend` by number of candidates, and the exponent of its growth (1 is linear)."""
    from green_predictor import recommend

    def ask(count: int) -> Any:
        return recommend(domain="cv", dataset="digits", prefer=0.7, candidates=count)

    ask(100)
    found = {str(n): least(lambda n=n: ask(n), 7 if n <= 10_000 else 3) for n in COUNTS}
    odd = iter(range(9_990, 10_000))  # a count not asked for before: nothing is remembered
    found["10000 on a new task"] = least(lambda: ask(next(odd)), 7)
    big = [n for n in COUNTS if n > 10_000]  # made anew each time
    found["growth"] = float(np.polyfit(np.log(big), np.log([found[str(n)] for n in big]), 1)[0])
    return found


def parts(count: int = 100_000) -> dict[str, float]:
    """Seconds of the steps of one answer."""
    from green_predictor import domain_model, features, pareto, targets
    from green_predictor.candidates import design
    from green_predictor.families import FAMILIES
    from green_predictor.hardware import machine
    from green_predictor.recommender import model_of
    from green_predictor.tasks import task_record

    model = model_of("cv")
    task, target = task_record(model.runs, "cv", "digits"), machine(model.runs).columns
    rows = design(model.runs, "cv", task, target, count)
    planned = features.plan(rows, model.spec)
    x = planned.matrix(rows)
    y = domain_model.raw_predict(model, rows, domain_model.evidence(model, "digits"))
    quality, energy, _ = targets.restore(y, rows, model.reference)
    return {
        "candidates": least(lambda: design(model.runs, "cv", task, target, count), 3),
        "features": least(lambda: planned.matrix(rows), 3),
        f"model ({model.family})": least(lambda: FAMILIES[model.family].predict(model.arrays, x), 3),
        "units": least(lambda: targets.restore(y, rows, model.reference), 3),
        "front": least(lambda: pareto.front(quality, energy), 3),
        **{f"({name})": least(lambda f=f: f(x), 1) for name, f in _other_families(model, x).items()},
    }


def _other_families(model: Any, x: np.ndarray) -> dict[str, Callable[[np.ndarray], Any]]:
    """What the families that were not chosen would cost."""
    from green_predictor.families import FAMILIES

    y, weight = np.zeros((len(model.near), 3), np.float32), np.ones(len(model.near))
    y[:] = np.random.default_rng(0).normal(size=y.shape)
    found = {}
    for name, family in FAMILIES.items():
        arrays = family.fit(model.near, y, weight, 0, 10.0)
        found[name] = lambda some, family=family, arrays=arrays: family.predict(arrays, some)
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true")
    as_json = arguments.parse_args().json
    from green_predictor import source, storage

    size = sum((source.SHIPPED_MODEL / n).stat().st_size for n in (storage.JSON_NAME, storage.ARRAYS_NAME))
    found = {
        "warm_s": warm(),
        "parts_of_100000_s": parts(),
        "cold_answer_s": process_seconds(ANSWER),
        "libraries_s": process_seconds(LIBRARIES),
        "import_s": process_seconds("import green_predictor"),
        "model_bytes": size,
    }
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    print(
        "warm answer    " + " · ".join(f"{n} in {1000 * s:.0f} ms" for n, s in found["warm_s"].items() if n != "growth")
    )
    print(f"growth         time ~ candidates^{found['warm_s']['growth']:.2f}")
    print("of 100,000     " + " · ".join(f"{k} {1000 * v:.0f} ms" for k, v in found["parts_of_100000_s"].items()))
    ratio = found["cold_answer_s"] / found["libraries_s"]
    print(
        f"cold answer    {found['cold_answer_s']:.2f} s, {ratio:.2f}× of `{LIBRARIES}` ({found['libraries_s']:.2f} s)"
    )
    print(f"import alone   {found['import_s']:.2f} s · model {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
