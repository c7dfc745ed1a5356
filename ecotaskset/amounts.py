"""Energy, mass and time as people read them: two digits and a unit that suits the amount."""

from __future__ import annotations

from decimal import Decimal


def energy(kwh: float) -> str:
    """Energy with a unit that suits it."""
    return _scaled(kwh, ((1, "kWh"), (1e3, "Wh"), (1e6, "mWh"), (1e9, "µWh")))


def mass(kilograms: float) -> str:
    """A mass with a unit that suits it."""
    return _scaled(kilograms, ((1, "kg"), (1e3, "g"), (1e6, "mg"), (1e9, "µg")))


def duration(seconds: float) -> str:
    """A time with a unit that suits it."""
    for limit, factor, unit in ((0.1, 1e-3, "ms"), (120, 1, "s"), (7200, 60, "min")):
        if seconds < limit:
            return f"{_digits(seconds / factor, 2)} {unit}"
    return f"{_digits(seconds / 3600, 3)} h"


def _digits(value: float, count: int) -> str:
    """A number to so many digits, never with an exponent."""
    return f"{Decimal(f'{value:.{count}g}').normalize():f}"


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    factor, unit = next(((f, u) for f, u in units if value * f >= 0.5), units[-1])
    return f"{_digits(value * factor, 2)} {unit}"
