"""Questions to `recommend`, asked afresh whenever an input changes (it takes some 30 ms for 10,000 candidates).

Equal questions of many people are answered from a small cache. Nothing of a person is kept: the key is the question
alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from green_predictor.pace import store_changed_ns
from space.sources import source, space_id

if TYPE_CHECKING:
    from green_predictor import Recommendation

CACHED_ANSWERS = 48


def ask(arguments: Mapping[str, Any]) -> Recommendation:
    """`recommend(**arguments)` over the runs in use, remembered for equal questions; a run that was added since may say
    how fast this machine is."""
    return _asked(json.dumps(settled(arguments), sort_keys=True), store_changed_ns())


def settled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The same question; but nobody trains on the server of a Hub Space: `auto` is the commonest machine there."""
    if space_id() is None or arguments.get("hardware", "auto") != "auto":
        return dict(arguments)
    return {**arguments, "hardware": commonest_machine(str(arguments["domain"]))}


@cache
def commonest_machine(domain: str) -> str:
    """The name of the machine that most runs of a domain were made on; `auto` where there is none with a name."""
    from green_predictor.machines import machines
    from green_predictor.source import models_for

    model = models_for(source().data).get(domain)
    first = machines(model.runs)[0] if model else {}
    return str(first.get("gpu_model") or first.get("cpu_model") or "auto")


@lru_cache(maxsize=CACHED_ANSWERS)
def _asked(question: str, changed_ns: int) -> Recommendation:
    from green_predictor import recommend

    return recommend(**json.loads(question), data=source().data)
