"""Units a mapping file may name, as factors to the unit of our columns."""

from __future__ import annotations

from ecotaskset.errors import UsageError, unknown_name

# unit of a column → unit of the source → factor
FACTORS: dict[str, dict[str, float]] = {
    "kWh": {
        "kWh": 1.0,
        "Wh": 1e-3,
        "mWh": 1e-6,
        "MWh": 1e3,
        "J": 1 / 3.6e6,
        "mJ": 1 / 3.6e9,
        "kJ": 1 / 3.6e3,
        "MJ": 1 / 3.6,
        "GJ": 1e3 / 3.6,
    },
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "d": 86400.0},
    "ms": {"ms": 1.0, "s": 1e3, "us": 1e-3},
    "W": {"W": 1.0, "mW": 1e-3, "kW": 1e3},
    "kg": {"kg": 1.0, "g": 1e-3, "mg": 1e-6, "t": 1e3},
    "g/kWh": {"g/kWh": 1.0, "kg/kWh": 1e3, "kg/MWh": 1.0, "t/MWh": 1e3},
    "GB": {"GB": 1.0, "MB": 1e-3, "GiB": 1.073741824, "MiB": 1.048576e-3},
    "FLOP": {"FLOP": 1.0, "MFLOP": 1e6, "GFLOP": 1e9, "TFLOP": 1e12, "MAC": 2.0, "MMAC": 2e6, "GMAC": 2e9},
    "GFLOP/s": {"GFLOP/s": 1.0, "TFLOP/s": 1e3, "MFLOP/s": 1e-3},
    "parameters": {"parameters": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9},
}
SHARES = {"share": 1.0, "percent": 0.01}
"""For columns without a unit."""


def factor(column: str, target: str | None, unit: str) -> float:
    """What to multiply a value in `unit` with to get the unit of a column (`target`, None for pure numbers).

    Raises:
        UsageError: the unit cannot be turned into the column's.
    """
    known = SHARES if target is None else FACTORS.get(target, {target: 1.0})
    if unit not in known:
        error = unknown_name(f"unit of '{column}'", unit, known)
        raise UsageError(error.message, hint=error.hint)
    return known[unit]
