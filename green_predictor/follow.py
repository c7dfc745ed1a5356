"""Follow the advice: train what is recommended, and let its own first epochs say whether it is still the best choice.

They are a probe that costs nothing where the choice stays: the training goes on. Otherwise it is stopped, kept in the
store, and the better choice is trained in its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from ecotaskset.amounts import energy as energy_text
from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store
from green_predictor import probing
from green_predictor.probes import better_to_switch, first_epochs
from green_predictor.recommendation import Pick, Recommendation
from green_predictor.recommender import recommend


@dataclass(frozen=True)
class Followed:
    """The advice that held in the end, and the runs that were made for it, the stopped one first."""

    answer: Recommendation
    runs: list[Run]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "run_ids": [run.run_id for run in self.runs],
            "switched": len(self.runs) > 1,
            "quality_validation": self.runs[-1].quality_validation,
            "energy_kwh": probing.energy_kwh(self.runs),
        }


def disturbed(run: Run) -> str | None:
    """What somebody who compares the energy of a run has to know of it; None where nothing."""
    return "other work ran beside it, so this is more than it takes alone" if "contended" in run.flags else None


def follow(
    asked: Mapping[str, Any], answer: Recommendation, store: Store, say: Callable[[str], None] = lambda _: None
) -> Followed:
    """Train the pick of `answer`, the reply to `recommend(**asked)`, and switch once if its first epochs say so.

    Raises:
        UsageError: the collectors are not installed, or cannot train such a data set.
        RunsFailedError: the training failed; MeasurementError: nothing could be metered.
    """
    probing.require_collectors()
    recipe, switched = answer.best.recipe, None
    after = first_epochs(recipe.epochs)
    if after >= recipe.epochs:
        return Followed(answer, [_train(recipe, store)])
    with probing.collecting(recipe, store.path, "--json", "--ask-after", str(after)) as process:
        line = process.stdout.readline()
        if "curve_energy_kwh" in line:  # else it is the result already, of a run that ended early or was there before
            switched = _reconsider(asked, answer, json.loads(line), say)
            _reply(process.stdin, "go" if switched is None else "no")
            line = ""
        first = json.loads(line + process.stdout.read() or "{}")
    probing.raise_for(process, recipe)
    runs = [run for run in store.runs() if run.run_id == first["run_id"]]
    if switched is None:
        return Followed(answer, runs)
    return Followed(switched, [*runs, _train(switched.best.recipe, store)])


def _train(recipe: Recipe, store: Store) -> Run:
    with probing.collecting(recipe, store.path, "--json") as process:
        made = json.loads(process.stdout.read() or "{}")
    probing.raise_for(process, recipe)
    return next(run for run in store.runs() if run.run_id == made["run_id"])


def _reply(stdin: IO[str], word: str) -> None:
    stdin.write(word + "\n")
    stdin.flush()


def _reconsider(
    asked: Mapping[str, Any], answer: Recommendation, shown: Mapping[str, Any], say: Callable[[str], None]
) -> Recommendation | None:
    """The better advice, now that a training has shown its first epochs; None where it should go on."""
    pick = answer.best.recipe
    begun = {**pick.model_dump(), **{k: v for k, v in shown.items() if k.startswith("curve_")}}
    begun |= {"status": "interrupted", "epochs_run": shown["epoch"]}
    spent = shown["curve_energy_kwh"][-1]
    if spent is None:  # without its energy nothing can be weighed
        return None
    begun["energy_kwh"] = spent
    known = [*probing.records_with(asked.get("observed"), []), begun]
    now = recommend(**{**asked, "observed": known})
    stay, go = _both(asked, known, pick, now.best.recipe)
    say(f"after {shown['epoch']} epochs: expected {answer.metric} {stay.quality:.3f}, {energy_text(stay.energy_kwh)}")
    if go is None or not _better(now, stay, go, spent):
        return None
    say(f"stopped: {go.name} is now expected to reach {go.quality:.3f} for {energy_text(go.energy_kwh)}")
    return now


def _both(
    asked: Mapping[str, Any], known: list[dict[str, Any]], pick: Recipe, other: Recipe
) -> tuple[Pick, Pick | None]:
    """What is now expected of the training that has begun, and of the other recipe if it is another."""
    names = ("domain", "dataset", "hardware", "data", "energy")
    question = {name: asked[name] for name in names if name in asked} | {"observed": known}

    def expected(recipe: Recipe) -> Pick:
        return recommend(**question, candidates=[recipe]).best

    return expected(pick), None if other == pick else expected(other)


def _better(now: Recommendation, stay: Pick, go: Pick, spent_kwh: float) -> bool:
    try:
        return better_to_switch(now.preference, (stay.quality, go.quality), (stay.energy_kwh, go.energy_kwh), spent_kwh)
    except UsageError:  # a limit that neither keeps to is no reason to switch
        return False
