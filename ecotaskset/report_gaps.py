"""What is not known: columns that are null, by domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecotaskset.knobs import DOMAINS
from ecotaskset.run import CURVES, Run, columns


def missing_fields(runs: Sequence[Run]) -> dict[str, Any]:
    """Per domain: columns `never` filled (often because they do not apply) and `partly` filled, with the null share."""
    names = [name for name, info in columns().items() if info["nullable"] or name in CURVES]
    return {
        domain: _of(chosen, names) for domain in DOMAINS if (chosen := [run for run in runs if run.domain == domain])
    }


def _of(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Any]:
    shares = {name: sum(getattr(run, name) in (None, []) for run in runs) / len(runs) for name in names}
    return {
        "never": [name for name, share in shares.items() if share == 1],
        "partly": {name: share for name, share in sorted(shares.items(), key=lambda i: -i[1]) if 0 < share < 1},
    }
