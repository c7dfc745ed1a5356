"""The runs inside a saved predictor: as columns with every value once, and back, each value as `Run` declares it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ecotaskset.knobs import KnobValue, get_knob
from green_predictor.rows import setting_columns

if TYPE_CHECKING:
    from pydantic import TypeAdapter

ALSO_KEPT = ("recipe_id", "epochs", "batch_size", "learning_rate", "weight_decay", "quality_metric", "seed",
             "energy_kwh", "duration_s")  # fmt: skip
NEEDED = ("dataset", "model", "epochs", "batch_size", "quality")
POSITIVE = ("epochs", "batch_size", "learning_rate")
LEAST, MOST = 1e-30, 1e30
"""Features are computed in single precision, and these have logarithms there."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def as_columns(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Records as columns: every name and every value of a column once, and which of the values each record has. What a
    record lacks, or knows only as not a number, is null."""
    columns = {}
    for name in sorted({name for record in records for name in record}):
        values = [record.get(name) for record in records]
        texts = [json.dumps(None if isinstance(v, float) and not math.isfinite(v) else v) for v in values]
        numbered = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        columns[name] = {"values": [json.loads(text) for text in numbered], "places": [numbered[t] for t in texts]}
    return columns


def as_records(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `as_columns` took apart.

    Raises:
        ValueError: a column no run has, a value it cannot hold, other lengths, or a run without what all need.
            (KeyError, TypeError, IndexError, AttributeError: not such columns at all.)
    """
    records: list[dict[str, Any]] = [{} for _ in kept["model"]["places"]]
    for name, column in kept.items():
        values, places = _checked(name, column["values"]), list(column["places"])
        if len(places) != len(records) or min(places, default=0) < 0:
            raise ValueError(f"column {name!r} of its runs does not fit")
        for record, place in zip(records, places, strict=True):
            if values[place] is not None:
                record[name] = values[place]
    if not records:
        raise ValueError("it has no runs")
    for name in NEEDED:
        if not all(record.get(name) or (name == "quality" and name in record) for record in records):
            raise ValueError(f"a run in it has no {name}")
    return records


def _checked(name: str, values: Any) -> list[Any]:
    """The values of a column, each of the type it has there."""
    if name not in _kinds():
        raise ValueError(f"its runs have an unknown column {name!r}")
    try:
        found = _kinds()[name].validate_python(values)
    except ValueError:  # pydantic says it in many lines
        raise ValueError(f"column {name!r} of its runs has values it cannot have") from None
    least = LEAST if name in POSITIVE else -MOST
    if not all(least <= value <= MOST for value in found if isinstance(value, (int, float))):
        raise ValueError(f"column {name!r} of its runs has values that nothing can be computed from")
    texts = [value for value in found if isinstance(value, str)]
    for knobs in found if name == "knobs" else ():
        texts += [str(part) for pair in (knobs or {}).items() for part in pair]
        if knobs and "data_fraction" in knobs:  # sizes of tasks are computed from it
            get_knob("data_fraction").parse(knobs["data_fraction"])
    if any(map(_CONTROL.search, texts)):  # they would be shown in somebody's terminal
        raise ValueError(f"column {name!r} of its runs has control characters")
    return found


@cache
def _kinds() -> dict[str, TypeAdapter]:
    """What the values of each column may be."""
    from pydantic import TypeAdapter

    from ecotaskset.run import Run, Share

    numbers, texts = setting_columns()
    declared = {name: Run.model_fields[name].annotation for name in (*numbers, *texts, *ALSO_KEPT)}
    kinds = {**declared, "quality": Share, "knobs": dict[str, KnobValue]}
    return {name: TypeAdapter(list[kind | None]) for name, kind in kinds.items()}
