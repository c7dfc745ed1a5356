"""What is already there: duplicates, repetitions, and how far a new run is from others of its recipe."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ecotaskset.checks.finding import Finding
from ecotaskset.recipe import content_hash
from ecotaskset.run import CURVES, Run

BAND = 2.5
"""Energies of one recipe on one kind of machine differ by a factor below this; beyond it a human looks."""

MACHINES_BAND = 100.0
"""The same between kinds of machines. In float32 the best accelerators do about 20 times the arithmetic of a processor
for a joule, small trainings leave them idle and cost more there, and a modelled energy is known to a factor of three:
60 either way, with some room. Beyond it one of the two figures is not of this training."""

QUALITY_BAND = 0.25
FINISHED = ("completed", "early_stopped")
_MEASURED = (*CURVES, "energy_kwh", "gpu_energy_kwh", "cpu_energy_kwh", "duration_s", "quality_validation")


def fingerprint(run: Run) -> str | None:
    """Hash of what was measured, whoever measured it; None for a row too bare to be recognised."""
    measured = run.model_dump(mode="json", include=set(_MEASURED))
    if run.duration_s is None or run.energy_kwh is None:
        return None
    return content_hash(measured)


def machine(run: Run) -> tuple[object, ...]:
    """What makes two machines of one kind."""
    return run.device, run.cpu_model, run.gpu_model, run.gpu_count, run.cpu_threads


def agree(one: Run, other: Run) -> tuple[bool, str]:
    """Whether two runs of one recipe confirm each other, and that in words.

    Both must have come to their end, on the same examples, with a quality. Qualities may differ by `QUALITY_BAND`,
    energies by a factor of `BAND` on one kind of machine and of `MACHINES_BAND` between kinds.
    """
    if reason := _nothing_to_confirm(one, other):
        return False, reason
    difference = other.quality_validation - one.quality_validation
    fine = abs(difference) <= QUALITY_BAND
    words = [f"{one.quality_metric} {one.quality_validation:.4f} there, {other.quality_validation:.4f} here"]
    energies, what = comparable_energies(one, other)
    if all(energies):
        ratio = energies[1] / energies[0]
        same = machine(one) == machine(other)
        band = BAND if same else MACHINES_BAND
        fine &= 1 / band <= ratio <= band
        words.append(f"{what} {ratio:.2f} times theirs" + ("" if same else " on another kind of machine"))
    return fine, "; ".join(words)


def _nothing_to_confirm(one: Run, other: Run) -> str | None:
    """Why two runs cannot confirm each other, whatever their figures; None if they can."""
    if one.recipe_id != other.recipe_id:
        return "different recipes"
    if one.status not in FINISHED or other.status not in FINISHED:
        return f"{one.status} there, {other.status} here: only trainings that came to their end confirm each other"
    if one.dataset_revision is None or one.dataset_revision != other.dataset_revision:
        return f"not known to be of the same examples: {one.dataset_revision} there, {other.dataset_revision} here"
    if None in (one.quality_validation, other.quality_validation):
        return "one of them has no quality"
    return None


def comparable_energies(*runs: Run) -> tuple[list[float], str]:
    """Energies (kWh) that may be compared, and what they are of; 0 where a run has none.

    Memory's energy goes with wall time, so on a machine that was shared it says who else was there: over 147 pairs of
    runs of one recipe, one of them contended, totals differed by up to 3.3 times, the processor's part by 1.3. As soon
    as one run was contended, the devices' part alone is compared.
    """
    if any("contended" in run.flags for run in runs):
        return [(run.gpu_energy_kwh or 0.0) + (run.cpu_energy_kwh or 0.0) for run in runs], "energy of the devices"
    return [run.energy_kwh or 0.0 for run in runs], "energy"


class Known:
    """Runs that are already accepted, indexed for comparison. `add` what a review accepts on the way."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._owner: dict[str, str | None] = {}
        self._fingerprints: dict[str, str] = {}
        self._by_recipe: dict[str, list[Run]] = defaultdict(list)
        self.add(runs)

    def __contains__(self, run: Run) -> bool:
        return run.run_id in self._owner

    def add(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if run in self:
                continue
            self._owner[run.run_id] = run.contributor
            if mark := fingerprint(run):
                self._fingerprints.setdefault(mark, run.run_id)
            if run.recipe_id:
                self._by_recipe[run.recipe_id].append(run)

    def check(self, runs: Sequence[Run]) -> list[Finding]:
        """Compare new runs with what is there, and with one another."""
        found: list[Finding] = []
        here: dict[str, str] = {}
        for run in runs:
            mark = fingerprint(run)
            if run in self:
                found.append(self._again(run))
                continue
            original = mark and (self._fingerprints.get(mark) or here.get(mark))
            if original == run.run_id:
                found.append(Finding("D301", "stands twice in this file", run.run_id))
            elif original:
                found.append(Finding("D303", f"holds the very numbers of run {original}", run.run_id))
            else:
                found += self._reference(run)
            if mark:
                here.setdefault(mark, run.run_id)
        return found

    def _again(self, run: Run) -> Finding:
        owner = self._owner[run.run_id]
        if owner and run.contributor and owner != run.contributor:
            return Finding("D303", "is already there, from another contributor", run.run_id)
        return Finding("D301", "is already there", run.run_id)

    def _reference(self, run: Run) -> list[Finding]:
        others = [other for other in self._by_recipe.get(run.recipe_id, []) if machine(other) == machine(run)]
        found = []
        if any(other.seed == run.seed for other in others):
            found.append(Finding("D302", "recipe and seed were run on such a machine before", run.run_id))
        (mine, *theirs), what = comparable_energies(run, *others)
        theirs = [energy for energy in theirs if energy]
        if theirs and mine:
            ratio = mine / statistics.median(theirs)
            if not 1 / BAND <= ratio <= BAND:
                found.append(Finding("R201", f"{what} is {ratio:.3g} times that of {len(theirs)} others", run.run_id))
        qualities = [other.quality_validation for other in others if other.quality_validation is not None]
        if qualities and run.quality_validation is not None:
            difference = run.quality_validation - statistics.median(qualities)
            if abs(difference) > QUALITY_BAND:
                found.append(Finding("R201", f"quality is {difference:+.3f} from {len(qualities)} others", run.run_id))
        return found
