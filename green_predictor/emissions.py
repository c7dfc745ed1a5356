"""How much CO₂ is that: the intensity of a grid, from the sourced table of `ecotaskset.carbon`, or as given."""

from __future__ import annotations

import math

from ecotaskset.errors import UsageError, unknown_name


def intensity(country: str | float | None) -> tuple[float, str] | None:
    """(g CO₂ equivalent a kWh, its source) of a country's ISO code, or of a figure in g/kWh; None for None.

    Raises:
        UsageError: no figure for that country, or one that is not 0 or more.
    """
    if country is None:
        return None
    if isinstance(country, bool) or not isinstance(country, (str, int, float)):
        raise UsageError(f"country={country!r} is not a country", hint="give an ISO code, or g/kWh")
    try:
        value = float(country)
    except ValueError:
        from ecotaskset.carbon import countries, grid

        found = grid(str(country))
        if found is None:
            raise unknown_name("country", country, countries()) from None
        return found.g_per_kwh, f"{found.country} {found.year}, {found.source}"
    if not math.isfinite(value) or value < 0:
        raise UsageError(f"carbon intensity {country} g/kWh is not 0 or more", hint="give a country code or g/kWh")
    return value, "as given"
