"""What the data set card says of its limits, counted: machines, what was measured, repeatability, known gaps."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from ecotaskset.card_text import BIASES, REPEATABILITY
from ecotaskset.report import energy_sources
from ecotaskset.report_outliers import contention
from ecotaskset.report_repeats import repeatability
from ecotaskset.run import Run

PARTS = {"cpu": "processor", "ram": "memory", "gpu": "accelerators"}


def machines_sentence(runs: Sequence[Run]) -> str:
    """On how many kinds of machine the runs were made, and what the most frequent one is."""
    kinds = Counter(map(_machine, runs))
    name, count = kinds.most_common(1)[0]
    if len(kinds) == 1:
        return f"All of them ran on one kind of machine: {name}."
    return f"They ran on {len(kinds)} kinds of machine; the most frequent, with {count:,} of the runs: {name}."


def measured_sentence(runs: Sequence[Run]) -> str:
    """Which share of all energy was measured; none and all in words."""
    share = energy_sources(runs)["measured_share"]
    if share is None:
        return "No run says what it cost."
    if share == 0:
        return "None of the energy was measured: all of it is modelled."
    if math.isclose(share, 1):
        return "All of the energy was measured."
    words = _percent(share)
    return f"{words[0].upper()}{words[1:]} of the energy was measured, the rest is modelled."


def repeatability_text(runs: Sequence[Run]) -> str:
    """How far energies of one recipe on one kind of machine are apart, as in `ecotaskset report`."""
    lines = [
        REPEATABILITY.format(
            recipes=f"{of['groups']:,}",
            source=source,
            median=f"{of['energy_cv']['median']:.1%}",
            p90=f"{of['energy_cv']['p90']:.1%}",
        )
        for source, of in repeatability(runs)["seeds"].items()
    ]
    return "".join(lines) or "No recipe was repeated on one kind of machine yet, so repeatability is not known.\n"


def known_gaps(runs: Sequence[Run]) -> str:
    """The section on gaps and biases."""
    judged = [run for run in runs if run.quality_validation is not None and run.majority_quality is not None]
    disturbed = contention(runs)
    return BIASES.format(
        machines=_machines_gap(len(set(map(_machine, runs)))),
        components="; ".join(f"{name} {_origin(runs, part)}" for part, name in PARTS.items()),
        parameters=_half_and_most((run.n_parameters for run in runs), "parameters"),
        examples=_half_and_most((run.n_train for run in runs), "examples"),
        useless=f"{sum(run.quality_validation <= run.majority_quality for run in judged):,} of {len(judged):,}",
        contended=f"{disturbed['contended']:,} of {disturbed['runs']:,}",
    )


def _machine(run: Run) -> str:
    """A kind of machine, named by what a run tells about it."""
    threads = "" if run.cpu_count is None else f", {run.cpu_count} hardware threads"
    cards = "no accelerator" if not run.gpu_model else f"{run.gpu_count or 1} × {run.gpu_model}"
    return f"{run.cpu_model or 'processor not known'}{threads}, {cards}"


def _machines_gap(kinds: int) -> str:
    if kinds == 1:
        return "All runs are of one kind of machine: of any other they say nothing directly."
    return f"There are {kinds} kinds of machine. Compare runs within one of them."


def _origin(runs: Sequence[Run], part: str) -> str:
    """Whether the energy of a component is modelled, and in how many of the runs that know it."""
    known = [run for run in runs if getattr(run, f"{part}_energy_kwh") is not None]
    if not known:
        unused = part == "gpu" and not any(run.gpu_model for run in runs)
        return "not used in any run" if unused else "not known in any run"
    modelled = sum(getattr(run, f"{part}_energy_quality") == "modelled" for run in known)
    if modelled in (0, len(known)):
        return f"{'modelled' if modelled else 'measured'} in all runs{_that_tell(known, runs)}"
    return f"modelled in {_percent(modelled / len(known))} of the runs{_that_tell(known, runs)}"


def _that_tell(known: Sequence[Run], runs: Sequence[Run]) -> str:
    return "" if len(known) == len(runs) else f" that tell ({len(known):,})"


def _half_and_most(values: Iterable[int | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return f"an unknown number of {unit}"
    return f"up to {statistics.median_low(known):,} {unit}, the largest {max(known):,}"


def _percent(share: float) -> str:
    """A share that is neither none nor all never reads as one of them."""
    return "less than 1%" if share < 0.01 else "more than 99%" if share > 0.99 else f"{share:.0%}"
