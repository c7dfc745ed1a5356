"""The four kinds of design: what each makes of its fields. Values are drawn, never trained here."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ecotaskset.errors import UsageError, unknown_name

SIGNIFICANT_DIGITS = 2
"""Drawn numbers are rounded to so many, so that a recipe's id does not hang on the last bit of a logarithm."""
METHODS = ("lhs", "sobol")
MAX_DRAWS = 100_000

Fields = dict[str, Any]
Dimension = tuple[str, Any]
"""A field (`learning_rate`, `knobs.precision`) and its values: a list, or a range {low, high, log, whole}."""


def count(kind: str, block: Any, options: Mapping[str, Any], where: str) -> int:
    """How many entries a design will have, before any is made: a grid of a few lines may have more than atoms."""
    if kind == "grid":
        return math.prod(len(values) for _, values in _lists(block, where))
    return len(_entries(block, where)) if kind == "list" else _count(options, where)


def expand_grid(block: Any, options: Mapping[str, Any], where: str) -> Iterator[Fields]:
    """Every combination of the listed values."""
    dimensions = _lists(block, where)
    for chosen in itertools.product(*(values for _, values in dimensions)):
        yield _assemble(zip((name for name, _ in dimensions), chosen, strict=True), where)


def expand_list(block: Any, options: Mapping[str, Any], where: str) -> Iterator[Fields]:
    """The entries as they are."""
    yield from (dict(entry) for entry in _entries(block, where))


def expand_random(block: Any, options: Mapping[str, Any], where: str) -> Iterator[Fields]:
    """`n` independent draws."""
    import numpy as np

    dimensions = _dimensions(block, where)
    points = np.random.default_rng(_seed(options, where)).random((_count(options, where), len(dimensions)))
    return _from_points(points, dimensions, where)


def expand_space_filling(block: Any, options: Mapping[str, Any], where: str) -> Iterator[Fields]:
    """`n` points spread evenly over all fields at once: Latin hypercube (McKay et al. 1979) or scrambled Sobol."""
    import numpy as np
    from scipy.stats import qmc

    method = options.get("method", "lhs")
    if method not in METHODS:
        error = unknown_name("method", method, METHODS)
        raise UsageError(f"{where}: {error.message}", hint=error.hint)
    dimensions, n = _dimensions(block, where), _count(options, where)
    generator = np.random.default_rng(_seed(options, where))
    if method == "sobol":
        points = qmc.Sobol(len(dimensions), seed=generator).random_base2(math.ceil(math.log2(n)))[:n]
    else:
        points = qmc.LatinHypercube(len(dimensions), seed=generator).random(n)
    return _from_points(points, dimensions, where)


EXPANSIONS = {
    "grid": expand_grid,
    "list": expand_list,
    "random": expand_random,
    "space_filling": expand_space_filling,
}


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """The value, an empty mapping for null."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: {value!r} should be a mapping of names to values")
    return value


def _lists(block: Any, where: str) -> list[Dimension]:
    """The dimensions of a grid, which has no ranges."""
    dimensions = _dimensions(block, where)
    for name, values in dimensions:
        if isinstance(values, dict):
            raise UsageError(f"{where}: '{name}' is a range, a grid needs a list", hint="use random or space_filling")
    return dimensions


def _entries(block: Any, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(block, list) or not all(isinstance(entry, Mapping) for entry in block):
        raise UsageError(f"{where}: a list design is a list of mappings, one a recipe")
    return block


def _dimensions(block: Any, where: str) -> list[Dimension]:
    if not isinstance(block, Mapping):
        raise UsageError(f"{where}: expected fields and their values, found {block!r}")
    found: list[Dimension] = []
    for name, values in block.items():
        if name == "knobs":
            if not isinstance(values, Mapping):
                raise UsageError(f"{where}: 'knobs' should be a mapping of knob names to values")
            found += [(f"knobs.{knob}", _values(knob, v, where)) for knob, v in values.items()]
        else:
            found.append((str(name), _values(name, values, where)))
    return found


def _values(name: Any, values: Any, where: str) -> Any:
    if isinstance(values, Mapping):
        return _range(name, values, where)
    if not isinstance(values, (list, tuple)):
        return [values]
    if not values:
        raise UsageError(f"{where}: '{name}' has no values")
    return list(values)


def _range(name: Any, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    for key in values:
        if key not in ("low", "high", "log", "whole"):
            raise UsageError(f"{where}: range of '{name}' has an unknown part '{key}'", hint="low, high, log, whole")
    try:
        low, high = float(values["low"]), float(values["high"])
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{where}: range of '{name}' needs the numbers low and high") from None
    log = bool(values.get("log", False))
    if not low < high or (log and low <= 0) or not math.isfinite(high):
        raise UsageError(f"{where}: range of '{name}' from {low:g} to {high:g} is empty" + (" or not positive" * log))
    return {"low": low, "high": high, "log": log, "whole": bool(values.get("whole", False))}


def _count(options: Mapping[str, Any], where: str) -> int:
    n = options.get("n")
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MAX_DRAWS:
        raise UsageError(f"{where}: n={n!r} is not a number of recipes to draw", hint="write it beside the kind: n: 50")
    return n


def _seed(options: Mapping[str, Any], where: str) -> int:
    seed = options.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise UsageError(f"{where}: seed={seed!r} is not a number to draw by", hint="write 0 or more: seed: 1")
    return seed


def _from_points(points: Any, dimensions: list[Dimension], where: str) -> Iterator[Fields]:
    for point in points:
        chosen = ((name, _at(values, u)) for (name, values), u in zip(dimensions, point, strict=True))
        yield _assemble(chosen, where)


def _at(values: Any, u: float) -> Any:
    """The value at quantile `u` (0 to 1) of a list or a range."""
    if isinstance(values, list):
        return values[min(int(u * len(values)), len(values) - 1)]
    low, high = values["low"], values["high"]
    value = low * (high / low) ** u if values["log"] else low + (high - low) * u
    return round(value) if values["whole"] else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _assemble(pairs: Any, where: str) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        if name.startswith("knobs."):
            fields.setdefault("knobs", {})[name.removeprefix("knobs.")] = value
        elif isinstance(value, Mapping):  # a combination: several fields that only make sense together
            fields |= {k: v for k, v in value.items() if k != "knobs"}
            fields.setdefault("knobs", {}).update(mapping(value.get("knobs"), where))
        else:
            fields[name] = value
    return fields
