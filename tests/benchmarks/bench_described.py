"""How much a description of a task is worth: GREEN is asked about each task with all, some and next to no facts told.

    python tests/benchmarks/bench_described.py [--domain cv] [--json]

The model is fitted without the task, as for somebody with data of their own. Nothing is trained: what a pick is worth
is known where its very recipe was run on the task, which is so for most of them. Saved and kept are against the recipe
that did best there in validation.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from green_predictor import GreenPredictor, recommend
from green_predictor.judge import measured_task
from green_predictor.one_machine import by_machine, comparable
from green_predictor.rows import knobs_of
from green_predictor.source import records
from green_predictor.targets import recipe_key, usable
from green_predictor.tasks import task_record

AT_HAND = {"name", "n_train", "n_classes", "image_size", "n_channels", "sequence_length", "n_users", "n_items"}
TOLD = {"everything": None, "what is at hand": AT_HAND, "the number of examples": {"name", "n_train"}}


def ask(domain: str, dataset: str) -> dict[str, dict[str, Any]]:
    """By how much is told: the pick for a task that no run is of, and what it is worth where that is known."""
    mine = [run for run in records() if run["domain"] == domain and usable(run)]
    own = [run for run in mine if run["dataset"] == dataset]
    task = measured_task(dataset, max(by_machine(own, comparable(mine)).values(), key=len))
    described = task_record([{**run, "knobs": knobs_of(run)} for run in own], domain, dataset)
    described["name"] = described.pop("dataset")
    model = GreenPredictor().fit([run for run in mine if run["dataset"] != dataset])
    recipes = [recipe_key(task.records[i]) for i in task.first]
    found = {}
    for told, names in TOLD.items():
        facts = {k: v for k, v in described.items() if names is None or k in names}
        answer = recommend(domain=domain, dataset=facts, data=model, max_quality_loss=0.008)
        pick = answer.best
        found[told] = {"choosable": int(answer.choosable.sum()), "level": answer.support.level, "measured": False}
        if pick.choice in recipes:
            i, best = recipes.index(pick.choice), int(np.argmax(task.quality))
            found[told] |= {
                "measured": True,
                "quality_kept": float(task.test[i] / task.test[best]),
                "energy_saved": float(1 - task.energy[i] / task.energy[best]),
                "quality_error": abs(float(task.quality[i]) - pick.quality),
                "quality_inside": bool(pick.quality_low - 1e-3 <= task.quality[i] <= pick.quality_high + 1e-3),
            }
    return found


def summary(answers: list[dict[str, Any]]) -> dict[str, float]:
    """Means over the picks that were run on their task."""
    known = [one for one in answers if one["measured"]]
    return {
        "tasks": len(answers),
        "picks measured": len(known),
        "extrapolated": sum(one["level"] == "far" for one in answers),
        "candidates near a run, median": float(np.median([one["choosable"] for one in answers])),
        "energy saved": float(np.mean([one["energy_saved"] for one in known])),
        "quality kept": float(np.mean([one["quality_kept"] for one in known])),
        "quality error, median": float(np.median([one["quality_error"] for one in known])),
        "qualities inside 90 % intervals": float(np.mean([one["quality_inside"] for one in known])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", choices=["cv", "nlp", "recsys"])
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    tasks = sorted({(r["domain"], r["dataset"]) for r in records() if chosen.domain in (None, r["domain"])})
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        answers = list(pool.map(ask, *zip(*tasks, strict=True)))
    found = {told: summary([one[told] for one in answers]) for told in TOLD}
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    for told, figures in found.items():
        print(f"{told}: " + " · ".join(f"{name} {value:.3g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
