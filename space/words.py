"""Numbers as people read them: always with a unit, never with more digits than are known, "unknown" for null."""

from __future__ import annotations

import html
import math

_ENERGY_UNITS = ((1.0, "kWh"), (1e3, "Wh"), (1e6, "mWh"), (1e9, "µWh"))
_TIME_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
_MASS_UNITS = ((1.0, "kg"), (1e3, "g"), (1e6, "mg"))
UNKNOWN = "unknown"


def number(value: float | None, digits: int = 3) -> str:
    """Three significant digits without an exponent where that is readable: 1,234 · 12.3 · 0.0123 · 1.2e-07."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 100:
        return f"{float(f'{value:.{digits}g}'):,.0f}"
    text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def energy_unit(kwh: float | None) -> tuple[float, str]:
    """(factor, unit) in which this energy is a number people can read."""
    if kwh is None or not math.isfinite(kwh) or kwh <= 0:
        return _ENERGY_UNITS[0]
    return next(((f, u) for f, u in _ENERGY_UNITS if kwh * f >= 0.1), _ENERGY_UNITS[-1])


def energy(kwh: float | None) -> str:
    """`1.62 mWh`, `0.85 kWh`; `unknown` for None."""
    if kwh is None:
        return UNKNOWN
    factor, unit = energy_unit(kwh)
    return f"{number(kwh * factor)} {unit}"


def energy_range(low_kwh: float | None, high_kwh: float | None) -> str:
    """An interval with its unit once: `0.7–4.2 mWh`."""
    if low_kwh is None or high_kwh is None:
        return UNKNOWN
    factor, unit = energy_unit(high_kwh)
    return f"{_ends(low_kwh * factor, high_kwh * factor)} {unit}"


def duration(seconds: float | None) -> str:
    """`12 s`, `3.5 min`, `1.2 h`."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    size, unit = _time_unit(seconds)
    return f"{number(seconds / size)} {unit}"


def duration_range(low: float | None, high: float | None) -> str:
    """An interval of time with its unit once."""
    if low is None or high is None:
        return UNKNOWN
    size, unit = _time_unit(high)
    return f"{_ends(low / size, high / size)} {unit}"


def _ends(low: float, high: float) -> str:
    """Both ends in the unit of the upper one; a lower end a thousand times smaller is "less than"."""
    small = low < high / 1000
    return f"<{number(high / 1000, 1)}–{number(high, 2)}" if small else f"{number(low, 2)}–{number(high, 2)}"


def _time_unit(seconds: float) -> tuple[float, str]:
    for size, unit in _TIME_UNITS:
        if seconds >= (2 if size > 1 else 0.995) * size:
            return size, unit
    return _TIME_UNITS[-1]


def mass(kg: float | None) -> str:
    """`1.2 kg`, `340 g`, `0.4 mg`."""
    if kg is None:
        return UNKNOWN
    factor, unit = next(((f, u) for f, u in _MASS_UNITS if kg * f >= 0.1), _MASS_UNITS[-1])
    return f"{number(kg * factor)} {unit}"


def share(value: float | None, digits: int = 1) -> str:
    """A share of 1 as percent: `98.3 %`."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f} %"


def share_range(low: float | None, high: float | None) -> str:
    """`97.1–98.9 %`."""
    return UNKNOWN if low is None or high is None else f"{100 * low:.1f}–{100 * high:.1f} %"


def less_energy(one_kwh: float, other_kwh: float) -> str:
    """How `one` compares with `other`: `62 % less energy`, `3.1 × the energy`, `the same energy`."""
    ratio = one_kwh / other_kwh
    if 0.98 <= ratio <= 1.02:
        return "the same energy"
    if ratio < 1:
        return f"{100 * (1 - ratio):.0f} % less energy"
    return f"{100 * (ratio - 1):.0f} % more energy" if ratio < 2 else f"{number(ratio, 2)} × the energy"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 run`, `1,204 runs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def safe(text: object) -> str:
    """Text that stands inside HTML as itself."""
    return html.escape(str(text), quote=True)
