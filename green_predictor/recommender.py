"""`recommend`: candidates → prediction → front → choice → Recommendation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS
from ecotaskset.recipe import Recipe
from green_predictor import candidates as candidates_
from green_predictor import domain_model, emissions, targets
from green_predictor.considered import Considered, consider, predicted
from green_predictor.hardware import Machine, machine, tried
from green_predictor.observed import OF_ASKED, observed_training
from green_predictor.pace import paced_by_runs
from green_predictor.preferences import Choice, Preference, choose, preference
from green_predictor.recipe_effect import cautious
from green_predictor.recommendation import Recommendation, picks
from green_predictor.source import models_for
from green_predictor.support import facts_missing, larger_than_any, support, threads_untried
from green_predictor.tasks import task_record
from green_predictor.threads import on_all
from green_predictor.verdict import alternatives, verdict, why_more_is_lost

MOST_ON_FRONT = 200
STRANGE = "no run in the data was made on this machine: one short training on it settles energy and time"
OF_ANOTHER_KIND = (
    "no run in the data was made on an accelerator: energy and time are typically off by a factor of {:g}; one short "
    "training on it settles them"
)
NO_BF16 = "bfloat16 is left out: it is not known that this machine multiplies it"


def recommend(
    *,
    domain: str,
    dataset: str | Mapping[str, Any],
    prefer: Mapping[str, float] | float | str | None = None,
    rule: str | None = None,
    max_quality_loss: float | None = None,
    min_quality: float | None = None,
    budget_kwh: float | None = None,
    max_hours: float | None = None,
    max_emissions_kg: float | None = None,
    country: str | float | None = None,
    hardware: str | Mapping[str, Any] = "auto",
    observed: Any = None,
    data: Any = None,
    candidates: int | Sequence[Recipe | Mapping[str, Any]] = candidates_.DEFAULT_COUNT,
    energy: str = "all",
) -> Recommendation:
    """Which recipe to train, given how much quality and energy matter. Nothing is trained.

    Args:
        domain: `cv`, `nlp` or `recsys`.
        dataset: a data set known from the runs, or a description: `{"n_train": 50000, "n_classes": 10, …}` with the
            task columns of a Run; a column that is left out counts as that of an average task.
        prefer: weight of energy against quality, 0 to 1 (`{"energy": 0.7}` or `0.7`), or `"knee"`. Without it: the
            cheapest that keeps to a limit on quality; within a limit on energy, time or emissions alone the most
            accurate; without any limit 0.5.
        rule: `chebyshev` (default with a weight), `weighted_sum` (the paper's), `knee`, `cheapest`.
        max_quality_loss: share of the best reachable quality that may be given up, 0 to 1, beyond what predictions can
            tell apart.
        min_quality: quality to be reached, 0 to 1. budget_kwh, max_hours, max_emissions_kg: limits, 0 or more.
        country: ISO code of the grid, or its intensity in g/kWh.
        hardware: `auto`, a name (`H200`, a processor in the data), or a dict of hardware columns.
        observed: runs already made on this very task (runs, dicts of Run columns, a table or a store), however short.
        data: where to learn from: None (shipped snapshot), a store, a Hub data set, a table or runs; or a fitted model:
            its folder, `model:owner/name@revision`, a GreenPredictor.
        candidates: how many to consider, or your own list of recipes.
        energy: `all`, or `measured` to leave modelled components out.

    Raises:
        UsageError: anything that does not exist or makes no sense, in one line.

    Example:
        >>> from green_predictor import recommend
        >>> r = recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}, max_quality_loss=0.01)
        >>> r.command.startswith("green-collect --domain cv --dataset digits")
        True
    """
    if domain not in DOMAINS:
        raise unknown_name("domain", domain, DOMAINS)
    wanted = preference(
        prefer, rule=rule, max_quality_loss=max_quality_loss, min_quality=min_quality, budget_kwh=budget_kwh,
        max_hours=max_hours, max_emissions_kg=max_emissions_kg,
    )  # fmt: skip
    grams = emissions.intensity(country)
    models = models_for(data, energy)
    model = _of_domain(models, domain)
    task = task_record(model.runs, domain, dataset)
    target = paced_by_runs(machine(model.runs, hardware), models, energy)
    found = _candidates(model, domain, task, target, candidates, in_time=wanted.max_hours is not None)
    seen = observed_training(observed, model, domain, task, target, energy)
    if seen is not None:
        on_it = sum(bool(record.get(OF_ASKED)) for record in seen.records)
        known = domain_model.evidence(model, str(task["dataset"]), seen, target.typical if on_it else 1.0)
        found = predicted(model, found.rows, known, seen, listed=found.near is None)
        if on_it:
            target = tried(target, on_it)
    if not target.in_data:
        found = _elsewhere(model, found, target)
    return _answer(model, found, wanted, grams, task, target, 0 if seen is None else len(np.unique(seen.run)))


def _elsewhere(model: domain_model.DomainModel, found: Considered, target: Machine) -> Considered:
    """The same candidates on a machine that no run in the data was made on."""
    known = replace(found.known, slowdown=target.slowdown, typical=target.typical, accelerator=target.accelerator)
    found = replace(found, y=found.y + domain_model.elsewhere(model, found.rows, known), known=known)
    if found.near is None or target.bf16:
        return found
    in_bf16 = np.array([knobs.get("precision") == "bf16" for knobs in found.rows.knob_sets])[found.rows.knob_set]
    left = found.near & ~in_bf16
    return replace(found, near=left if left.any() else found.near)


def model_of(domain: str, data: Any = None, energy: str = "all") -> domain_model.DomainModel:
    """The fitted model of a domain.

    Raises:
        UsageError: there are too few runs of that domain.
    """
    return _of_domain(models_for(data, energy), domain)


def _of_domain(models: Mapping[str, domain_model.DomainModel], domain: str) -> domain_model.DomainModel:
    if domain not in models:
        raise UsageError(f"there are too few runs of domain '{domain}'", hint=f"domains with runs: {', '.join(models)}")
    return models[domain]


def _candidates(model, domain, task, target, candidates, *, in_time: bool) -> Considered:
    if isinstance(candidates, int):
        return consider(model, domain, task, target.told, target.threads, candidates, in_time=in_time)
    if not isinstance(candidates, Iterable):
        raise UsageError(f"candidates={candidates!r} is neither a number nor a list of recipes")
    rows = candidates_.from_recipes(model.runs, domain, task, target.told, list(candidates))
    if target.threads is not None:
        rows = on_all(rows, target.threads)
    known = domain_model.evidence(model, str(task["dataset"]), None)
    return predicted(model, rows, known, listed=True)


def _answer(
    model, found: Considered, wanted: Preference, grams, task, target: Machine, observed: int
) -> Recommendation:
    rows, known, y = found.rows, found.known, found.y
    quality, kwh = targets.restore(y, rows, model.reference)[:2]
    sure = targets.restore(cautious(model, y, found.there, known.basis), rows, model.reference)
    if found.near is not None:  # among so many, some far from all data look best by chance: leave those out
        sure = (np.where(found.near, sure[0], np.nan), *sure[1:])
    doubt = domain_model.doubt_of(model, rows, known.basis)
    chosen = choose(wanted, *sure, grams[0] / 1000 if grams else None, doubt)
    most_within_limits = float(sure[0][chosen.front[-1]])
    chosen = _shortened(_as_shown(chosen, quality, kwh))
    top = int(np.argmax(np.where(np.isfinite(sure[0]), sure[0], -np.inf)))
    tied = np.flatnonzero(sure[0] >= sure[0][top] - 1e-6)
    top = int(tied[np.argmin(kwh[tied])])
    shown = np.append(chosen.front, top)
    best_at = int(np.flatnonzero(chosen.front == chosen.best)[0])
    expected = domain_model.with_intervals(model, rows.take(shown), y[shown], known)
    remark = OF_ANOTHER_KIND if target.is_of_another_kind else STRANGE
    strange = () if target.is_tried else (remark.format(target.typical),)
    without = (NO_BF16,) if found.near is not None and not target.bf16 else ()
    domain = model.domain
    best, most_accurate = (picks(rows, shown[[p]], _at(expected, [p]), domain, grams)[0] for p in (best_at, -1))
    spread = domain_model.variance_for(model, known.basis)
    steps = alternatives(y[chosen.front], quality[chosen.front], kwh[chosen.front], best_at, spread)
    others = {k: picks(rows, shown[[p]], _at(expected, [p]), domain, grams)[0] if p is not None else None
              for k, p in steps.items()}  # fmt: skip
    metric = next((r["quality_metric"] for r in model.runs if r.get("quality_metric")), "quality")
    based = support(
        model, rows, chosen.best, float(expected.leverage[best_at]), known.basis, best.recipe,
        observed=observed, larger=larger_than_any(model, task),
        elsewhere=target.is_of_another_kind,
        remarks=(*strange, *facts_missing(task, domain), *without, *threads_untried(rows, chosen.best)),
    )  # fmt: skip
    return Recommendation(
        best=best,
        most_accurate=most_accurate,
        alternatives=others,
        verdict=verdict(
            best,
            most_accurate,
            others,
            metric,
            based,
            y[chosen.best],
            y[top],
            spread,
            wanted.max_quality_loss,
            why_more_is_lost(
                wanted.max_quality_loss or 0.0,
                float(sure[0][chosen.best]),
                float(sure[0][top]),
                within_limits=most_within_limits >= float(sure[0][top]) - 1e-6,
            ),
        ),
        support=based,
        metric=metric,
        domain=domain,
        preference=wanted,
        machine=target,
        n_candidates=len(rows),
        intensity=grams,
        model=model,
        rows=rows,
        on_front=chosen.front,
        prediction=_at(expected, slice(0, len(chosen.front))),
        evidence=known,
        y=y,
        choosable=np.isfinite(sure[0]),
    )


def _as_shown(chosen: Choice, quality: np.ndarray, kwh: np.ndarray) -> Choice:
    """A front that was found on cautious values, (n,) each, as people see it, by what is expected: cheapest first, and
    nothing dearer that promises less, but for the choice itself and the surest of quality."""
    by_energy = chosen.front[np.argsort(kwh[chosen.front], kind="stable")]
    before = np.maximum.accumulate(np.append(-np.inf, quality[by_energy]))[:-1]
    kept = (quality[by_energy] > before) | np.isin(by_energy, (chosen.best, chosen.front[-1]))
    return Choice(chosen.best, by_energy[kept])


def _shortened(chosen: Choice) -> Choice:
    """A front of at most `MOST_ON_FRONT` members, the best among them."""
    if len(chosen.front) <= MOST_ON_FRONT:
        return chosen
    keep = np.unique(np.linspace(0, len(chosen.front) - 1, MOST_ON_FRONT - 1).round().astype(int))
    best = int(np.flatnonzero(chosen.front == chosen.best)[0])
    return Choice(chosen.best, chosen.front[np.unique(np.append(keep, best))])


def _at(prediction: domain_model.Prediction, index: Any) -> domain_model.Prediction:
    names = [n for n in prediction.__dataclass_fields__ if n != "basis"]
    return domain_model.Prediction(**{n: getattr(prediction, n)[index] for n in names}, basis=prediction.basis)
