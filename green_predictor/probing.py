"""Probing for real: a few recipes of the shortlist are trained here for two epochs, metered, and then known.

The collectors do the training, in a process of their own; what they measured is kept in the store like any run.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecotaskset.errors import MeasurementError, RunsFailedError, UsageError
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store
from green_predictor import probes
from green_predictor.candidates import recipe_of
from green_predictor.source import records
from green_predictor.this_machine import threads
from green_predictor.threads import KNOB

if TYPE_CHECKING:
    from green_predictor.recommendation import Recommendation

EPOCHS = 2
MOST = 8


def shortlist(answer: Recommendation, count: int) -> list[Recipe]:
    """What to try: the pick, then the picks among other architectures, `count` in all, each in full length.

    Raises:
        UsageError: a count that makes no sense.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"{count} probes", hint=f"1 to {MOST}; one corrects the level, some let you compare")
    quality, kwh = answer.cloud
    architecture = answer.rows.text("model").astype(str)
    wanted = replace(answer.preference, budget_kwh=None, max_hours=None, max_emissions_kg=None)
    others = probes.shortlist(quality, kwh, architecture, count + 1, wanted, left=answer.choosable)
    found = [answer.best.recipe, *(recipe_of(answer.rows, i, answer.domain) for i in others)]
    by_model: dict[str, Recipe] = {}
    for recipe in found:  # the pick is among the others too
        by_model.setdefault(recipe.model, recipe)
    return list(by_model.values())[:count]


def train_probes(recipes: Sequence[Recipe], store: Store, say: Callable[[str], None] = lambda _: None) -> list[Run]:
    """Train the beginning of each recipe with `green-collect` and return the runs; what is in the store already is not
    repeated.

    Raises:
        UsageError: the collectors are not installed, or cannot train such a data set.
        RunsFailedError: a probe failed; MeasurementError: nothing could be metered.
    """
    require_collectors()
    found = []
    for number, recipe in enumerate(recipes, start=1):
        say(f"probe {number}/{len(recipes)}  {recipe.model} · {min(EPOCHS, recipe.epochs)} epochs")
        run_id = _collect(_cut(recipe), store.path)
        found += [run for run in store.runs() if run.run_id == run_id]
    return found


def require_collectors() -> None:
    """Can anything be trained here?

    Raises:
        UsageError: the collectors are not installed.
    """
    if find_spec("collectors") is None or find_spec("torch") is None:
        raise UsageError(
            "training is done by green-collect, which is not installed", hint='pip install "ecotaskset[collect]"'
        )


def green_collect(*words: str) -> list[str]:
    """The command that runs `green-collect` with these words in a process of its own. Python files in the current
    folder are not imported, as `-m` would, where data lie beside somebody's `random.py`."""
    home = str(Path(__file__).parent.parent)
    start = f"import sys; sys.path.pop(0); sys.path.append({home!r}); from collectors.cli import main; main()"
    return [sys.executable, "-c", start, *words]


def records_with(observed: Any, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Runs the user has already made on the task, and the probes."""
    before = [dict(record) for record in records(observed)] if observed is not None else []
    return [*before, *(run.model_dump() for run in runs)]


def energy_kwh(runs: Sequence[Run]) -> float | None:
    """What the probes used together; None where one of them is not known."""
    used = [run.energy_kwh for run in runs]
    return None if None in used else float(sum(used))  # type: ignore[arg-type]


def _cut(recipe: Recipe) -> Recipe:
    return Recipe.create(**{**recipe.model_dump(), "epochs": min(EPOCHS, recipe.epochs)})


def _collect(recipe: Recipe, store: Path) -> str:
    with collecting(recipe, store, "--quiet", stderr=subprocess.PIPE) as process:
        made, said = process.communicate()
    raise_for(process, recipe, said)
    return made.split()[0]


@contextmanager
def collecting(recipe: Recipe, store: Path, *words: str, stderr: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """`green-collect` training a recipe into a store, as a process with pipes for its answer and ours; on fewer threads
    where there are not as many here as on the machine it was recommended for. What is said of its energy is that of
    a training that finds its data prepared, so they are prepared first."""
    if recipe.knobs.get(KNOB, 0) > threads():
        recipe = recipe.model_copy(update={"knobs": {**recipe.knobs, KNOB: threads()}})
    command = green_collect(*shlex.split(recipe.command())[1:], "--store", str(store), "--prepare-first", *words)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, text=True) as process:
        try:
            yield process
        except KeyboardInterrupt:  # it has heard that too: it keeps the run, says so and ends
            process.communicate()
            raise


def raise_for(process: subprocess.Popen[str], recipe: Recipe, said: str | None = None) -> None:
    """The error that the exit code of a finished `green-collect` stands for, if any. `said`: its words, where they were
    not shown."""
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode:
        reason = ((said or "").strip().splitlines() or ["see above"])[0].removeprefix("error: ")
        kind = {2: UsageError, 4: MeasurementError}.get(process.returncode, RunsFailedError)
        raise kind(f"the training of {recipe.model} failed: {reason}", hint=f"try it alone: {recipe.command()}")
