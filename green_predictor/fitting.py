"""Fitting all domains of a set of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecotaskset.errors import UsageError
from ecotaskset.knobs import DOMAINS
from green_predictor.domain_model import DomainModel
from green_predictor.fit_domain import LEAST_RUNS, fit_domain
from green_predictor.targets import usable

KINDS_OF_ENERGY = ("all", "measured")
NEEDED = ("dataset", "model")
"""What every run has that green-collect made, and one written by hand may lack."""


def fit_domains(
    records: Sequence[Mapping[str, Any]],
    *,
    energy: str = "all",
    families: list[str] | None = None,
    seed: int = 0,
) -> dict[str, DomainModel]:
    """One model a domain that has at least `LEAST_RUNS` usable runs.

    Raises:
        UsageError: no domain has enough, or a run lacks what nothing is learned without.
    """
    refuse_incomplete(records)
    if energy not in KINDS_OF_ENERGY:
        from ecotaskset.errors import unknown_name

        raise unknown_name("kind of energy", energy, KINDS_OF_ENERGY)
    by_domain = {d: [r for r in records if r.get("domain") == d] for d in DOMAINS}
    enough = {d: rows for d, rows in by_domain.items() if sum(usable(r, energy) for r in rows) >= LEAST_RUNS}
    if not enough:
        kind = "measured " if energy == "measured" else ""
        raise UsageError(
            f"no domain has {LEAST_RUNS} runs with {kind}energy to learn from",
            hint="use energy='all', or collect more with green-collect",
        )
    return {d: fit_domain(d, rows, energy=energy, families=families, seed=seed) for d, rows in enough.items()}


def refuse_incomplete(records: Sequence[Mapping[str, Any]]) -> None:
    """Refuse runs that lack a column of `NEEDED`.

    Raises:
        UsageError: one does.
    """
    for name in NEEDED:
        without = sum(not r.get(name) for r in records if r.get("domain") in DOMAINS)
        if without:
            raise UsageError(
                f"{without:,} of {len(records):,} runs have no {name}",
                hint=f"to learn from, a run needs {', '.join(NEEDED)}",
            )
