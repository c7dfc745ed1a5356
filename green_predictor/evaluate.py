"""The evaluation behind `green-predictor evaluate`: protocols × domains, baselines and oracle in the same run.

Model selection is nested: every fold fits from nothing, choosing family and smoothness inside its own training
records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import islice
from multiprocessing import get_context
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS
from green_predictor import baselines, domain_model, metrics
from green_predictor.fit_domain import fit_domain
from green_predictor.fitting import refuse_incomplete
from green_predictor.judge import Task, among_half, guess, judge, measured_task, outcome
from green_predictor.one_machine import by_machine, comparable
from green_predictor.preferences import Preference
from green_predictor.probes import SHORTLIST, probed
from green_predictor.processors import Paces
from green_predictor.protocols import PROTOCOLS
from green_predictor.run_once import run_once
from green_predictor.targets import usable

Record = dict[str, Any]
Figures = dict[str, float | None]
MAIN = "leave_one_dataset_out"
LOSSES = (0.0, 0.004, 0.008, 0.015, 0.02, 0.03, 0.05, 0.08, 0.12)
"""Shares of the best quality somebody may be ready to give up: what the picks then save and keep."""

RUN_ONCE = ("told_one_run", "predicted")
"""Two ways of choosing among the recipes that were repeated (see `run_once`)."""

SEEN = ("random_recipes", "leave_one_family_out", "leave_one_hardware_out")
"""Protocols in which other runs of the same task may be known."""


def evaluate(
    records: Sequence[Record],
    *,
    protocols: Iterable[str] | None = None,
    domain: str | None = None,
    energy: str = "all",
    families: list[str] | None = None,
    seed: int = 0,
    jobs: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run protocols on run records and aggregate.

    `jobs` folds at a time, in processes of their own if several; a script then needs an `if __name__ == "__main__"`.

    Returns:
        `{"protocols": {name: figures}, "among_half": figures, "with_one_probe": figures, "with_shortlist": figures,
        "trade_off": [figures by `max_quality_loss`], "baselines": {name: figures}, "each_recipe_run_once": {protocol:
        {"told_one_run": figures, "predicted": figures}}}` (see `judge.among_half`, `run_once`); figures have means over
        tasks, `per_task`, 90 % bootstrap intervals, `by_domain`; shares are 0..1.

    Raises:
        UsageError: an unknown protocol, or nothing to evaluate on.
    """
    refuse_incomplete(records)
    wanted = list(protocols or PROTOCOLS)
    for name in wanted:
        if name not in PROTOCOLS:
            raise unknown_name("protocol", name, PROTOCOLS)
    by_domain = {
        name: [r for r in records if r.get("domain") == name and usable(r, energy)]
        for name in (DOMAINS if domain is None else (domain,))
    }
    work = [
        (protocol, name, number, energy, families, seed)
        for name, mine in by_domain.items()
        for protocol in wanted
        for number, _ in enumerate(PROTOCOLS[protocol](mine))
    ]
    collected: dict[str, list[tuple[str, str, Figures]]] = {}
    for sentence, found in _folds(work, by_domain, jobs):
        say(sentence)
        for key, *row in found:
            collected.setdefault(key, []).append(tuple(row))
    if not collected:
        raise UsageError("there is nothing to evaluate on", hint="runs of at least two data sets are needed")
    done = {key: summarise(rows) for key, rows in collected.items()}
    return {
        "protocols": {k: v for k, v in done.items() if k in PROTOCOLS},
        "among_half": done.get("among_half"),
        "with_one_probe": done.get("with_one_probe"),
        "with_shortlist": done.get("with_shortlist"),
        "trade_off": [{"max_quality_loss": loss, **done[f"loss:{loss}"]} for loss in LOSSES if f"loss:{loss}" in done],
        "baselines": {k[9:]: v for k, v in done.items() if k.startswith("baseline:")},
        "each_recipe_run_once": {
            protocol: {how: done[f"{how}:{protocol}"] for how in RUN_ONCE}
            for protocol in wanted
            if f"{RUN_ONCE[0]}:{protocol}" in done
        },
    }


def _folds(work: list[tuple], by_domain: dict[str, list[Record]], jobs: int) -> Iterator[tuple[str, list[tuple]]]:
    """What `_fold` says of each piece of work, in order."""
    if jobs == 1 or len(work) < 2:
        _remember(by_domain)
        yield from (_fold(*one) for one in work)
        return
    # not forked: an OpenMP pool that is alive here would be dead in the child, which then waits for it for ever
    fresh = get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(work)), fresh, initializer=_remember, initargs=(by_domain,)) as pool:
        yield from pool.map(_fold, *zip(*work, strict=True))


_records: dict[str, list[Record]] = {}
"""The records of each domain, known to a process once rather than sent with every fold."""


def _remember(by_domain: dict[str, list[Record]]) -> None:
    _paces.cache_clear()
    _records.clear()
    _records.update(by_domain)


@cache
def _paces(domain: str, energy: str) -> Paces:
    return comparable(_records[domain], energy)


def _fold(protocol, domain, number, energy, families, seed) -> tuple[str, list[tuple[str, str, str, Figures]]]:
    """A sentence on one fold, and its rows: (key, domain, label, figures)."""
    fold, inside, outside = next(islice(PROTOCOLS[protocol](_records[domain]), number, None))
    try:
        model = fit_domain(domain, inside, energy=energy, families=families, seed=seed)
    except UsageError as error:
        return f"{protocol} · {domain} · {fold}: skipped, {error.message}", []
    rows = []
    for name, machine, mine in _tasks(outside, _paces(domain, energy)):
        task = measured_task(name, mine, energy)
        if task is not None:
            label = " · ".join([name, *([machine] if machine else []), *([] if protocol == MAIN else [fold])])
            rows += [(key, domain, label, f) for key, f in _figures(protocol, model, task, inside, energy)]
    return f"{protocol} · {domain} · {fold}: {model.family}, learned from {len(model.runs)} runs", rows


def _tasks(records: Sequence[Record], paces: Paces) -> Iterator[tuple[str, str, list[Record]]]:
    """Data set, machine and runs of each choice that is judged (see `one_machine.by_machine`)."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(str(record["dataset"]), []).append(record)
    for name, mine in sorted(found.items()):
        yield from ((name, machine, runs) for machine, runs in by_machine(mine, paces).items())


def _figures(protocol, model, task: Task, inside, energy) -> Iterable[tuple[str, Figures]]:
    dataset = task.name if protocol in SEEN else None
    made = guess(model, task, domain_model.evidence(model, dataset), energy)
    yield protocol, _with_default(task, judge(task, made))
    for how, figures in zip(RUN_ONCE, run_once(task, made, energy) or (), strict=False):
        yield f"{how}:{protocol}", dict(figures)
    if protocol != MAIN:
        return
    drawn = among_half(task, made)
    yield "among_half", {key: _mean([d[key] for d in drawn]) for key in drawn[0]}
    for loss in LOSSES:
        pick = made.choice(Preference(rule="cheapest", max_quality_loss=loss))
        yield f"loss:{loss}", dict(outcome(task, pick))
    for key, count in (("with_one_probe", 1), ("with_shortlist", SHORTLIST)):
        after = probed(model, task, made, count, energy)
        if after is not None:
            yield key, _with_default(task, judge(task, *after))
    for name, rule in baselines.RULES.items():
        yield f"baseline:{name}", _with_default(task, judge(task, rule(task)))
    for name, learned in baselines.LEARNED.items():
        yield f"baseline:{name}", _with_default(task, judge(task, learned(inside, task, energy)))
    drawn = [judge(task, one) for one in baselines.random_guesses(task)]
    yield "baseline:random", {key: _mean([d[key] for d in drawn]) for key in drawn[0]}


def _with_default(task: Task, figures: Figures) -> Figures:
    """Also against the practitioner's default (declared in `baselines.DEFAULTS`)."""
    default = outcome(task, baselines.default_recipe(task))
    left = 1 - (figures["energy_saved"] or 0.0)
    figures["energy_saved_vs_default"] = 1 - left / (1 - default["energy_saved"])
    figures["quality_kept_vs_default"] = figures["quality_kept"] / max(default["quality_kept"], 1e-9)
    return figures


_RENAMED = {"energy_saved": "energy_saved_mean", "quality_kept": "quality_kept_mean",
            "oracle_energy_saved": "oracle_energy_saved_mean",
            "oracle_quality_kept": "oracle_quality_kept_mean"}  # fmt: skip


def summarise(rows: Sequence[tuple[str, str, Figures]], *, nested: bool = True) -> dict[str, Any]:
    """Means over tasks, worst cases, bootstrap over tasks, and the tasks themselves."""
    names = list(dict.fromkeys(key for _, _, figures in rows for key in figures))
    found: dict[str, Any] = {_RENAMED.get(n, n): _mean([f.get(n) for _, _, f in rows]) for n in names}
    found["energy_saved_worst"] = min(f["energy_saved"] for _, _, f in rows)
    found["quality_kept_worst"] = min(f["quality_kept"] for _, _, f in rows)
    # a pick that costs forty times as much outweighs a hundred good ones in a mean of differences, not in one of ratios
    for name in ("energy_saved", "oracle_energy_saved"):
        found[f"{name}_geometric"] = 1 - float(np.exp(np.mean([np.log(1 - f[name]) for _, _, f in rows])))
    covered = [f["coverage_90"] for _, _, f in rows if f.get("coverage_90") is not None]
    found["coverage_90_worst_task"] = min(covered) if covered else None
    for name in ("energy_saved", "quality_kept"):
        found[f"{name}_interval"] = metrics.bootstrap(np.array([f[name] for _, _, f in rows]))
    found["n_tasks"] = len(rows)
    for required in ("energy_error_median", "quality_mae", "coverage_90"):
        found.setdefault(required, None)
    if nested:
        domains = sorted({d for d, _, _ in rows})
        found["by_domain"] = {d: summarise([r for r in rows if r[0] == d], nested=False) for d in domains}
        found["per_task"] = {f"{d}/{label}": figures for d, label, figures in rows}
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None
