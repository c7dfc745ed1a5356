"""The runs of one task and architecture that differ in knobs only, gathered for the cascade."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import KNOBS, PHASES
from green_predictor.alone import as_if_alone
from green_predictor.rows import knobs_of
from green_predictor.targets import final_quality, usable

Stack = frozenset[tuple[str, Any]]
"""A combination of knob settings; the empty one is the baseline."""

NOISE_WITHOUT_REPEATS = 0.05
"""Assumed standard deviation of log energy where nothing was repeated; said so in the result."""


@dataclass(frozen=True)
class Measured:
    """What the runs of one stack show: log energy and quality, means over `n` runs."""

    log_energy: float
    quality: float
    n: int


@dataclass(frozen=True)
class CascadeRuns:
    """Stacks of one base recipe. `noise`: standard deviation of log energy and of quality from run to run.

    Inference knobs do not change the training's bill: runs that differ in them only are repeats here, and `records`
    keeps the runs as they were.
    """

    domain: str
    dataset: str
    model: str
    base: dict[str, Any]
    always: dict[str, Any]
    stacks: dict[Stack, Measured]
    noise: tuple[float, float]
    noise_is_measured: bool
    records: Sequence[dict[str, Any]] = ()

    @property
    def baseline(self) -> Measured:
        """The recipe without any knob."""
        return self.stacks[frozenset()]

    def saving(self, stack: Stack) -> float:
        """Share of the baseline's energy that a measured stack saves."""
        return 1 - float(np.exp(self.stacks[stack].log_energy - self.baseline.log_energy))

    def log_noise(self, stack: Stack) -> float:
        """Standard error of the log ratio of a stack's energy to the baseline's."""
        return self.noise[0] * float(np.sqrt(1 / self.stacks[stack].n + 1 / self.baseline.n))


def gather(records: Sequence[dict[str, Any]], domain: str, dataset: str, model: str | None = None) -> CascadeRuns:
    """The base recipe with most knob combinations, and its stacks. Energy is that of trainings alone on their machine,
    as everywhere else: runs side by side share the memory's draw, and not all stacks need have had company.

    Raises:
        UsageError: no such data set or architecture, or no recipe was run both with and without knobs.
    """
    mine = [as_if_alone(r) for r in records if r.get("domain") == domain and usable(r)]
    if not any(r["dataset"] == dataset for r in mine):
        raise unknown_name("data set", dataset, {r["dataset"] for r in mine})
    mine = [r for r in mine if r["dataset"] == dataset]
    if model is not None and not any(r["model"] == model for r in mine):
        raise unknown_name("model", model, {r["model"] for r in mine})
    groups: dict[tuple, list[dict[str, Any]]] = defaultdict(list)
    for record in mine:
        if model in (None, record["model"]):
            groups[_base(record)].append(record)
    best: tuple[int, Any, dict, dict] | None = None
    for key, found in groups.items():
        always = _always([_training_knobs(record) for record in found])
        stacks = _stacks(found, always)
        if frozenset() in stacks and len(stacks) > 1 and (best is None or len(stacks) > best[0]):
            best = (len(stacks), key, always, stacks)
    if best is None:
        raise UsageError(
            f"no recipe on {domain}/{dataset} was run both with and without knobs",
            hint="run some: green-collect --campaign cascade",
        )
    _, key, always, stacks = best
    noise, measured = _noise(stacks)
    fields = ("model", "epochs", "batch_size", "learning_rate", "weight_decay", "pretrained", "cpu_model", "gpu_model")
    base = dict(zip(fields, key, strict=True))
    return CascadeRuns(domain, dataset, base["model"], base, always, _means(stacks), noise, measured, groups[key])


def leave_one_seed_out(runs: CascadeRuns) -> Iterator[tuple[CascadeRuns, CascadeRuns]]:
    """For each seed the runs of all others, and its own; seeds without a baseline on both sides are passed over."""
    for seed in sorted({record.get("seed") or 0 for record in runs.records}):
        parts = [
            _stacks([r for r in runs.records if ((r.get("seed") or 0) == seed) is own], runs.always)
            for own in (False, True)
        ]
        if all(frozenset() in part for part in parts):
            rest, left = (replace(runs, stacks=_means(part)) for part in parts)
            yield rest, left


def _training_knobs(record: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in knobs_of(record).items() if KNOBS[n].phase != "inference"}


def _stacks(records: Sequence[dict[str, Any]], always: dict[str, Any]) -> dict[Stack, list[dict[str, Any]]]:
    found: dict[Stack, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        found[frozenset((n, v) for n, v in _training_knobs(record).items() if always.get(n) != v)].append(record)
    return found


def _base(record: dict[str, Any]) -> tuple:
    names = ("model", "epochs", "batch_size", "learning_rate", "weight_decay")
    return (*(record.get(n) for n in names), bool(record.get("pretrained")), record.get("cpu_model"),
            record.get("gpu_model"))  # fmt: skip


def _always(turned: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Settings that nearly all runs share (such as one thread): part of the base, not of a stack."""
    counted = Counter((n, v) for knobs in turned for n, v in knobs.items())
    return {n: v for (n, v), count in counted.items() if count >= 0.9 * len(turned)}


def _means(stacks: dict[Stack, list[dict[str, Any]]]) -> dict[Stack, Measured]:
    return {
        stack: Measured(
            float(np.mean([np.log(r["energy_kwh"]) for r in runs])),
            float(np.mean([final_quality(r) for r in runs])),
            len(runs),
        )
        for stack, runs in stacks.items()
    }


def _noise(stacks: dict[Stack, list[dict[str, Any]]]) -> tuple[tuple[float, float], bool]:
    energy, quality, freedom = 0.0, 0.0, 0
    for runs in stacks.values():
        if len(runs) > 1:
            energy += float(np.var([np.log(r["energy_kwh"]) for r in runs])) * len(runs)
            quality += float(np.var([final_quality(r) for r in runs])) * len(runs)
            freedom += len(runs) - 1
    if freedom < 3:
        return (NOISE_WITHOUT_REPEATS, NOISE_WITHOUT_REPEATS), False
    return (float(np.sqrt(energy / freedom)), float(np.sqrt(quality / freedom))), True


def stack_name(stack: Stack) -> str:
    """For people: settings in the order of the phases."""
    ordered = sorted(stack, key=lambda item: (PHASES.index(KNOBS[item[0]].phase), item[0]))
    return " + ".join(f"{n}={str(v).lower() if isinstance(v, bool) else v}" for n, v in ordered) or "baseline"
