"""Is the advice good? On every task GREEN, having seen no run of it, recommends; what it recommends is really trained.

    python tests/benchmarks/bench_advice.py --store advice/ [--known] [--domain cv] [--seeds 2] [--jobs 1] [--json]

The evaluation judges picks among configurations that were run before; people choose among ten thousand that were not.
Here the task is described as a stranger would describe it, the model is fitted without it, and the picks are trained by
a campaign into the store; what is there already is not trained again, while the data stay the same (seeds are such as
no run of theirs has). A pick is compared with what GREEN takes for the
most accurate of the same ten thousand, trained as well, and its quality also with the most accurate configuration
EcoTaskSet knows of the task (by validation; of large data sets it knows small shares only). Qualities are on the test
split. With `--known` it is the shipped model that is asked, which has learned from the task's runs too.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset import Recipe, Store
from ecotaskset.console import Output
from ecotaskset.errors import RunsFailedError
from green_predictor import GreenPredictor, recommend
from green_predictor.alone import as_if_alone
from green_predictor.judge import measured_task
from green_predictor.rows import knobs_of
from green_predictor.source import records
from green_predictor.targets import usable
from green_predictor.tasks import task_record

RULES = {"keeps 99.2 %": {"max_quality_loss": 0.008}, "keeps 97 %": {"max_quality_loss": 0.03}}
BEST = "most accurate"
ASKED = "asked.json"
COMPARED = ("energy_saved", "quality_kept", "quality_of_known")


def ask(domain: str, dataset: str, mine: list[dict[str, Any]], known: bool) -> dict[str, Any]:
    """What GREEN recommends for a task, having learned from runs of it or not: by rule, the recipe and its promises."""
    task, model = dataset, None
    if not known:
        own = [{**run, "knobs": knobs_of(run)} for run in mine if run["dataset"] == dataset]
        task = task_record(own, domain, dataset)
        task["name"] = task.pop("dataset")
        model = GreenPredictor().fit([run for run in mine if run["dataset"] != dataset])
    found: dict[str, Any] = {}
    for name, rule in RULES.items():
        r = recommend(domain=domain, dataset=task, data=model, **rule)
        for label, pick in ((name, r.best), (BEST, r.most_accurate)):
            found.setdefault(label, {"recipe": pick.recipe.model_dump(exclude={"seed"}), **promised(pick)})
    return found


def promised(pick: Any) -> dict[str, Any]:
    """The figures of a pick with their intervals."""
    return {"quality": pick.quality, "quality_interval": [pick.quality_low, pick.quality_high],
            "energy_kwh": pick.energy_kwh, "energy_interval": [pick.energy_low_kwh, pick.energy_high_kwh]}  # fmt: skip


def outcomes(asked: dict[str, Any], mine: list[dict[str, Any]], trained: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a task and rule: promised beside measured, and measured beside the most accurate."""
    found = []
    for dataset, picks in asked.items():
        task = measured_task(dataset, [run for run in mine if run["dataset"] == dataset])
        made = {rule: measured(pick, trained) for rule, pick in picks.items()}
        if task is None or None in made.values():
            continue
        known, best = float(task.test[int(np.argmax(task.quality))]), made[BEST]
        for rule, pick in picks.items():
            kwh, quality, test = made[rule]
            low, high = pick["quality_interval"]
            least, most = pick["energy_interval"]
            found.append(
                {
                    "domain": pick["recipe"]["domain"],
                    "dataset": dataset,
                    "rule": rule,
                    "energy_saved": 1 - kwh / best[0],
                    "quality_kept": test / best[2],
                    "quality_of_known": test / known,
                    "energy_ratio": kwh / pick["energy_kwh"],
                    "quality_error": quality - pick["quality"],
                    "quality_inside": low <= quality <= high,
                    "energy_inside": least <= kwh <= most,
                    "recipe": Recipe.create(**pick["recipe"]).command(),
                }
            )
    return found


def measured(pick: dict[str, Any], trained: list[dict[str, Any]]) -> tuple[float, float, float] | None:
    """kWh, validation and test quality of a pick as trained, means over seeds; None where it was not."""
    recipe = Recipe.create(**pick["recipe"]).recipe_id
    runs = [as_if_alone(run) for run in trained if run["recipe_id"] == recipe and run["quality_test"] is not None]
    if not runs:
        return None
    kwh = float(np.exp(np.mean(np.log([run["energy_kwh"] for run in runs]))))
    return kwh, *(float(np.mean([run[c] for run in runs])) for c in ("quality_last", "quality_test"))


def summary(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Means over tasks, by rule: of all domains and of each."""
    found = {}
    for rule in dict.fromkeys(row["rule"] for row in rows):
        mine = [row for row in rows if row["rule"] == rule]
        domains = {d: figures([r for r in mine if r["domain"] == d]) for d in sorted({r["domain"] for r in mine})}
        found[rule] = {**figures(mine), "by_domain": domains}
    return found


def figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Means and worst cases over tasks."""
    return {
        "tasks": len(rows),
        **{k: float(np.mean([row[k] for row in rows])) for k in COMPARED},
        **{f"{k}_worst": min(row[k] for row in rows) for k in COMPARED},
        "energy_error_median": float(np.median(np.exp(np.abs(np.log([row["energy_ratio"] for row in rows]))))) - 1,
        "quality_error_mean": float(np.mean([abs(row["quality_error"]) for row in rows])),
        "inside": float(np.mean([row[k] for row in rows for k in ("quality_inside", "energy_inside")])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--known", action="store_true", help="ask the shipped model, about tasks it has runs of")
    parser.add_argument("--domain", choices=["cv", "nlp", "recsys"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="more than 1 refuses advice for more than one thread")
    parser.add_argument("--ask-only", action="store_true", help="ask and keep the answers; train nothing")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    chosen.store.mkdir(parents=True, exist_ok=True)
    everything = [run for run in records() if usable(run)]
    place = chosen.store / ASKED
    asked = json.loads(place.read_text()) if place.exists() else {}
    for domain, dataset in sorted({(run["domain"], run["dataset"]) for run in everything}):
        if dataset not in asked and chosen.domain in (None, domain):
            mine = [run for run in everything if run["domain"] == domain]
            asked[dataset] = ask(domain, dataset, mine, chosen.known)
            place.write_text(json.dumps(asked, indent=1))
            print(f"asked {domain}/{dataset}", file=sys.stderr)
    if not chosen.ask_only:
        train(asked, chosen, 1 + max(run["seed"] for run in everything))
    trained = [run.model_dump() for run in Store(chosen.store).runs()]
    rows = outcomes(asked, everything, trained)
    if chosen.json:
        print(json.dumps({"summary": summary(rows), "rows": rows}, indent=1))
        return
    for row in rows:
        line = f"{row['domain']}/{row['dataset']:<24} {row['rule']:<14} saved {row['energy_saved']:6.1%}"
        line += f"  kept {row['quality_kept']:6.1%}  of known {row['quality_of_known']:6.1%}"
        print(f"{line}  energy ×{row['energy_ratio']:.2f} of what was said")
    print(json.dumps(summary(rows), indent=1))


def train(asked: dict[str, Any], chosen: argparse.Namespace, first_seed: int) -> None:
    """A campaign of everything that was recommended, with seeds that no run has that was learned from; what the store
    has is skipped."""
    from collectors.campaign.design import Campaign
    from collectors.campaign.run import run_campaign

    picks = {Recipe.create(**p["recipe"]).recipe_id: p["recipe"] for picks in asked.values() for p in picks.values()}
    seeds = range(first_seed, first_seed + chosen.seeds)
    recipes = [Recipe.create(**{**recipe, "seed": seed}) for recipe in picks.values() for seed in seeds]
    try:
        run_campaign(Campaign("advice", tuple(recipes)), chosen.store, Output(), jobs=chosen.jobs)
    except RunsFailedError as error:
        print(f"{error.message}; the others count", file=sys.stderr)


if __name__ == "__main__":
    main()
