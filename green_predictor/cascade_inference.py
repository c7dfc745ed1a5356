"""What inference knobs do on a task: energy and latency of a prediction, and what the trained model still reaches.

They leave the training's bill alone, so they stand beside the cascade of the training, not in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecotaskset.knobs import KNOBS
from green_predictor.rows import knobs_of
from green_predictor.verdict import Z90

if TYPE_CHECKING:
    from green_predictor.cascade_runs import Stack


def inference_effects(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each inference knob alone against none, within trainings that are otherwise alike; largest saving first.

    Args:
        runs: records of one base recipe, with any training knobs.

    Returns:
        By knob: `saving` of the energy of a prediction with its 90 % interval (spread over trainings), `latency_ratio`
        (p50), `quality_change` (after the knob minus before, of the same trained model), `trainings` compared.
    """
    served: dict[Stack, dict[Stack, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        if run.get("inference_kwh_per_1000") and run.get("inference_latency_p50_ms"):
            knobs = knobs_of(run)
            turned = frozenset(item for item in knobs.items() if KNOBS[item[0]].phase == "inference")
            served[frozenset(knobs.items()) - turned][turned].append(run)
    compared: dict[tuple[str, Any], list[tuple[float, float, float | None]]] = defaultdict(list)
    for by_knob in served.values():
        plain = by_knob.get(frozenset())
        for turned, made in by_knob.items():
            if plain and len(turned) == 1:
                compared[next(iter(turned))].append(_against(plain, made))
    found = [_effect(name, value, seen) for (name, value), seen in compared.items()]
    return sorted(found, key=lambda effect: -effect["saving"])


def _against(plain: list[dict], made: list[dict]) -> tuple[float, float, float | None]:
    logs = [
        _mean_log(made, column) - _mean_log(plain, column)
        for column in ("inference_kwh_per_1000", "inference_latency_p50_ms")
    ]
    changes = [
        run["inference_quality"] - run["quality_test"]
        for run in made
        if run.get("inference_quality") is not None and run.get("quality_test") is not None
    ]
    return logs[0], logs[1], float(np.mean(changes)) if changes else None


def _mean_log(runs: list[dict], column: str) -> float:
    return float(np.mean([math.log(run[column]) for run in runs]))


def _effect(name: str, value: Any, seen: list[tuple[float, float, float | None]]) -> dict[str, Any]:
    logs = np.array([energy for energy, _, _ in seen])
    wide = Z90 * float(logs.std(ddof=1)) / math.sqrt(len(logs)) if len(logs) > 1 else None
    changes = [change for _, _, change in seen if change is not None]
    middle = float(logs.mean())
    return {
        "knob": f"{name}={str(value).lower() if isinstance(value, bool) else value}", "trainings": len(seen),
        "saving": 1 - math.exp(middle),
        "saving_low": 1 - math.exp(middle + wide) if wide is not None else None,
        "saving_high": 1 - math.exp(middle - wide) if wide is not None else None,
        "latency_ratio": math.exp(float(np.mean([latency for _, latency, _ in seen]))),
        "quality_change": float(np.mean(changes)) if changes else None,
    }  # fmt: skip
