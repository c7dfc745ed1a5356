"""What can be recommended: recipes that were run on any task, and every architecture × a design over hyper-parameters
and knobs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS, check_knobs
from ecotaskset.recipe import Recipe
from green_predictor import threads
from green_predictor.architectures import SHAPE_KNOBS, architectures, reshape_task, shape_of, size_table
from green_predictor.kept import kept
from green_predictor.rows import Rows, joined, knobs_of, settings

DEFAULT_COUNT = 10_000
MOST_COUNT = 5_000_000
MOST_KNOB_SETS = 400
LEVELS = {"epochs": 6, "batch_size": 6, "learning_rate": 6, "weight_decay": 2}


def design(
    runs: Sequence[Mapping[str, Any]],
    domain: str,
    task: Mapping[str, Any],
    machine: Mapping[str, Any],
    count: int = DEFAULT_COUNT,
) -> Rows:
    """`count` candidates (fewer where levels cannot be finer) for a task on a machine: up to half of them recipes that
    were run on whatever task, the rest a design over levels.

    Levels stay inside what was run, and knobs are those that some run turned: about the others nothing was learned.
    Inference knobs are left out, as they change nothing about a training.

    Raises:
        UsageError: a count that is not 1 to `MOST_COUNT`.
    """
    if not 1 <= count <= MOST_COUNT:
        raise UsageError(f"candidates={count} is not legal", hint=f"it must be 1 to {MOST_COUNT}")
    models, on_gpu = architectures(runs), machine.get("device") == "cuda"
    levels = {name: _levels(runs, name, most) for name, most in LEVELS.items()}
    per_knobs = len(models) * math.prod(len(v) for v in levels.values())
    knob_sets = _knob_sets(runs, domain, on_gpu, max(1, math.ceil(count / per_knobs)))
    patience = np.array([knobs.get("early_stopping", 0) for knobs in knob_sets])

    def wanted() -> int:  # enough also without those that were tried, or have an idle knob
        idle = np.mean((patience > 0) & ~acts(patience, levels["epochs"][:, None]))
        return math.ceil(count / (1 - idle))

    while len(models) * math.prod(len(v) for v in levels.values()) * len(knob_sets) < wanted():
        for name in sorted(("learning_rate", "epochs", "batch_size"), key=lambda n: (len(levels[n]), n)):
            finer = _finer(levels[name], whole=name != "learning_rate")
            if len(finer) > len(levels[name]):
                levels[name] = finer
                break
        else:
            break  # everything is as fine as it makes sense: fewer than asked for
    rng = np.random.default_rng(0)
    per_knobs = len(models) * math.prod(len(v) for v in levels.values())
    drawn = _drawn(per_knobs, per_knobs * len(knob_sets), math.ceil(1.01 * wanted()), rng)
    designed = _rows(runs, domain, task, machine, models, levels, knob_sets, drawn)
    waits = patience[designed.knob_set]
    designed = designed.take(np.flatnonzero((waits == 0) | acts(waits, designed.epochs)))
    tried = _tried(runs, on_gpu, models, knob_sets, designed)
    if len(tried) > count // 2:
        tried = tried.take(np.sort(rng.choice(len(tried), count // 2, replace=False)))
    new = designed.take(np.flatnonzero(~np.isin(_key(designed), _key(tried))))
    plain = int(np.count_nonzero(new.knob_set == 0))
    return joined(tried, new.take(_drawn(plain, len(new), count - len(tried), rng)))


def _tried(runs, on_gpu: bool, models, knob_sets, designed: Rows) -> Rows:
    """The recipes of the runs, each once, over the settings and knob sets of the design."""
    of_model = {model: i for i, model in enumerate(models)}
    of_knobs = {tuple(sorted(knobs.items())): i for i, knobs in enumerate(knob_sets)}
    shapes, shape_of_set = _shapes(knob_sets)
    numbers: dict[tuple, None] = {}
    for run in runs:
        knobs = of_knobs.get(tuple(sorted(_trainable(run, on_gpu).items())))
        values = tuple(run.get(name) for name in LEVELS)
        if knobs is not None and None not in values[:-1]:
            model = of_model[str(run["model"]), bool(run.get("pretrained"))]
            numbers.setdefault((model * len(shapes) + int(shape_of_set[knobs]), knobs, *values[:-1], values[-1] or 0.0))
    columns = np.array(list(numbers), np.float64).reshape(len(numbers), 2 + len(LEVELS)).T
    varied = dict(zip(LEVELS, columns[2:].astype(np.float32), strict=True))
    setting, knob_set = columns[:2].astype(np.int32)
    return replace(designed, setting=setting, knob_set=knob_set, epoch=varied["epochs"], **varied)


def _key(rows: Rows) -> np.ndarray:
    """A number that rows share only if they are the same candidate, but for chance: (n,)."""
    key = rows.setting.astype(np.uint64) * np.uint64(len(rows.knob_sets)) + rows.knob_set.astype(np.uint64)
    for name in LEVELS:
        key = key * np.uint64(0x9E3779B97F4A7C15) + getattr(rows, name).view(np.uint32)
    return key


def _drawn(plain: int, total: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of at most `count` of `total` candidates, of which the first `plain` have no knob: up to half without
    any, the rest drawn at random, always the same ones."""
    if total <= count:
        return np.arange(total)
    without = min(plain, max((count + 1) // 2, count - (total - plain)))
    some = rng.choice(plain, without, replace=False, shuffle=False)
    others = plain + rng.choice(total - plain, count - without, replace=False, shuffle=False)
    return np.sort(np.concatenate([some, others]))


def _levels(runs: Sequence[Mapping[str, Any]], name: str, most: int) -> np.ndarray:
    values = sorted({float(r[name]) for r in runs if r.get(name) is not None})
    if name == "weight_decay" and not values:
        return np.zeros(1)
    if not values:
        raise UsageError(f"no run says its {name}")
    if len(values) > most:
        values = [values[round(i)] for i in np.linspace(0, len(values) - 1, most)]
    return np.array(values)


def _finer(levels: np.ndarray, *, whole: bool) -> np.ndarray:
    """The levels with their geometric middles; one level alone is opened a little to both sides."""
    if len(levels) == 1:
        levels = np.array([levels[0] / 1.25, levels[0], levels[0] * 1.25])
    middle = np.sqrt(levels[:-1] * levels[1:])
    both = np.sort(np.concatenate([levels, middle]))
    return np.unique(np.maximum(np.rint(both), 1)) if whole else np.unique([float(f"{v:.3g}") for v in both])


@kept(8)
def _knob_sets(runs: Sequence[Mapping[str, Any]], domain: str, on_gpu: bool, wanted: int) -> list[dict[str, Any]]:
    found: dict[tuple, dict[str, Any]] = {}
    settings_seen: set[tuple[str, Any]] = set()

    def add(knobs: dict[str, Any]) -> None:
        try:
            knobs = check_knobs({**base, **knobs}, domain=domain)
        except UsageError:  # two knobs that exclude each other: simply not a candidate
            return
        found.setdefault(tuple(sorted(knobs.items())), knobs)

    turned = [_trainable(run, on_gpu) for run in runs]
    base = _always(turned)
    add({})
    for knobs in turned:
        settings_seen |= set(knobs.items())
        add(knobs)
    wanted = min(max(wanted, len(found)), MOST_KNOB_SETS)
    singles = sorted(settings_seen, key=str)
    for single in singles:
        add(dict([single]))
    stacks = itertools.chain(itertools.combinations(singles, 2), itertools.combinations(singles, 3))
    for stack in itertools.islice(stacks, 50 * MOST_KNOB_SETS):
        if len(found) >= wanted:
            break
        if len({name for name, _ in stack}) == len(stack):
            add(dict(stack))
    return list(found.values())


def _trainable(run: Mapping[str, Any], on_gpu: bool) -> dict[str, Any]:
    """The knobs of a run that changed its training, on a machine such as is asked about."""
    knobs = {n: v for n, v in knobs_of(run).items() if KNOBS[n].phase != "inference" and (on_gpu or not KNOBS[n].needs)}
    knobs.pop(threads.KNOB, None)  # chosen for each candidate afterwards
    if "early_stopping" in knobs and not acts(knobs["early_stopping"], run.get("epochs") or 0):
        del knobs["early_stopping"]
    return knobs


def acts(patience: Any, epochs: Any) -> Any:
    """Can early stopping end a training of so many epochs? Not the first epoch, nor as late as the last one."""
    return epochs >= patience + 2


def _always(turned: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Knobs that every run turned the same way: without them nothing was ever seen, so every candidate has them."""
    common = set(turned[0].items()) if turned else set()
    for knobs in turned:
        common &= set(knobs.items())
    return dict(common)


def _shapes(knob_sets: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The distinct shapes that knob sets give a task, as their knobs, and which of them each knob set has, (k,)."""
    found = {shape_of(knobs): {n: knobs[n] for n in SHAPE_KNOBS if n in knobs} for knobs in knob_sets}
    order = {shape: i for i, shape in enumerate(found)}
    return list(found.values()), np.array([order[shape_of(knobs)] for knobs in knob_sets], np.int32)


def _rows(runs, domain, task, machine, models, levels, knob_sets, chosen: np.ndarray) -> Rows:
    """The chosen members of the grid knob sets × models × levels, in which those without a knob come first."""
    shapes, shape_of_set = _shapes(knob_sets)
    numbers, texts = _settings(runs, domain, task, machine, [(m, k) for m in models for k in shapes])
    sizes = (len(knob_sets), len(models), *(len(v) for v in levels.values()))
    knob_set, model, *places = (i.astype(np.int32) for i in np.unravel_index(chosen, sizes))
    picked = {name: values[i].astype(np.float32) for (name, values), i in zip(levels.items(), places, strict=True)}
    return Rows(
        numbers=numbers,
        texts=texts,
        knob_sets=tuple(knob_sets),
        setting=model * len(shapes) + shape_of_set[knob_set],
        knob_set=knob_set,
        epoch=picked["epochs"],
        **picked,
    )


def _settings(runs, domain, task, machine, pairs):
    table = size_table(runs)
    records = []
    for architecture, knobs in pairs:
        reshaped = reshape_task(task, knobs, domain)
        there = threads.on_count(machine, reshaped.get(threads.KNOB))
        records.append({**there, **reshaped, **table.columns(architecture, reshaped, knobs), "origin": "collected"})
    return settings(records)


def from_recipes(
    runs: Sequence[Mapping[str, Any]],
    domain: str,
    task: Mapping[str, Any],
    machine: Mapping[str, Any],
    recipes: Sequence[Recipe | Mapping[str, Any]],
) -> Rows:
    """A person's own list of candidates: recipes, or dicts of recipe fields (domain and data set are filled in).

    Raises:
        UsageError: an illegal recipe, an architecture no run is of, or an empty list.
    """
    if not recipes:
        raise UsageError("the list of candidates is empty")
    from ecotaskset.errors import unknown_name

    known = {m for m, _ in architectures(runs)}
    made = []
    for given in recipes:
        fields = {"domain": domain, "dataset": task["dataset"], **(given if isinstance(given, Mapping) else {})}
        recipe = given if isinstance(given, Recipe) else Recipe.create(**fields)
        if recipe.domain != domain:
            raise UsageError(f"a candidate is of domain '{recipe.domain}', not '{domain}'")
        if recipe.model not in known:
            raise unknown_name("model", recipe.model, known)
        made.append(recipe)
    numbers, texts = _settings(runs, domain, task, machine, [((r.model, r.pretrained), r.knobs) for r in made])
    index = np.arange(len(made), dtype=np.int32)

    def column(name: str) -> np.ndarray:
        return np.array([getattr(r, name) for r in made], np.float32)

    return Rows(
        numbers, texts, tuple(dict(r.knobs) for r in made), index, index, column("epochs"), column("epochs"),
        column("batch_size"), column("learning_rate"), column("weight_decay"),
    )  # fmt: skip


def of_runs(
    runs: Sequence[Mapping[str, Any]], domain: str, task: Mapping[str, Any], machine: Mapping[str, Any]
) -> tuple[Rows, np.ndarray]:
    """The recipes of r runs, whatever task they were made on, each once, for a task on a machine; and which of the rows
    each run is of, (r,)."""
    shapes: dict[tuple, int] = {}
    knob_sets: dict[tuple, int] = {}
    recipes: dict[tuple, int] = {}
    which = []
    for run in runs:
        knobs = tuple((name, value) for name, value in knobs_of(run).items() if name != threads.KNOB)
        architecture = str(run["model"]), bool(run.get("pretrained"))
        shape = tuple((name, value) for name, value in knobs if name in SHAPE_KNOBS)
        setting = shapes.setdefault((architecture, shape), len(shapes))
        numbers = tuple(float(run.get(name) or np.nan) for name in LEVELS)
        which.append(recipes.setdefault((setting, knob_sets.setdefault(knobs, len(knob_sets)), *numbers), len(recipes)))
    columns = np.array(list(recipes), np.float64).T
    varied = dict(zip(LEVELS, columns[2:].astype(np.float32), strict=True))
    varied["weight_decay"] = np.nan_to_num(varied["weight_decay"])
    numbers, texts = _settings(runs, domain, task, machine, [(model, dict(shape)) for model, shape in shapes])
    setting, knob_set = columns[:2].astype(np.int32)
    sets = tuple(dict(knobs) for knobs in knob_sets)
    return Rows(numbers, texts, sets, setting, knob_set, epoch=varied["epochs"], **varied), np.array(which)


def recipe_of(rows: Rows, index: int, domain: str) -> Recipe:
    """The recipe of one candidate."""
    setting = rows.setting[index]
    return Recipe.create(
        domain=domain,
        dataset=str(rows.texts["dataset"][setting]),
        model=str(rows.texts["model"][setting]),
        pretrained=bool(np.nan_to_num(rows.numbers["pretrained"][setting])),
        epochs=round(float(rows.epochs[index])),
        batch_size=round(float(rows.batch_size[index])),
        learning_rate=float(f"{float(rows.learning_rate[index]):.4g}"),
        weight_decay=float(f"{float(rows.weight_decay[index]):.4g}"),
        knobs=rows.knob_sets[rows.knob_set[index]],
    )
