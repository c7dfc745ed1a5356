"""Carbon as a view on energy, computed afterwards from the country given. Never looked up, never guessed.

Yearly average, location-based grid intensity (GHG Protocol, Scope 2), from the table beside this file: Our World in
Data, CC-BY-4.0, with the year of each figure. Operation only: making the hardware is not counted.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("carbon_intensity.csv")


@dataclass(frozen=True)
class GridIntensity:
    """One country's grid: `g_per_kwh` grams of CO2 equivalent a kWh, averaged over `year`."""

    iso3: str
    iso2: str
    country: str
    g_per_kwh: float
    year: int
    source: str


def grid(country: str | None) -> GridIntensity | None:
    """The grid of a country given by its ISO 3166 code (`FRA` or `FR`, any case); None if none was given or known."""
    return _by_code().get(country.strip().upper()) if country else None


def intensity(country: str | None) -> float | None:
    """Grams of CO2 equivalent a kWh; None where unknown."""
    found = grid(country)
    return found.g_per_kwh if found else None


def emissions_kg(energy_kwh: float | None, country: str | None, pue: float = 1.0) -> float | None:
    """CO2 equivalent in kg of this energy on that country's grid; None where either is unknown.

    Args:
        energy_kwh: energy of the machine, kWh.
        country: ISO 3166 code.
        pue: the site's overhead factor, applied here and nowhere else.
    """
    grams = intensity(country)
    return None if energy_kwh is None or grams is None else energy_kwh * pue * grams / 1000


def countries() -> list[str]:
    """Known ISO 3166 alpha-3 codes, sorted."""
    return sorted({found.iso3 for found in _by_code().values()})


@lru_cache(maxsize=1)
def _by_code() -> dict[str, GridIntensity]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        grids = [
            GridIntensity(r["iso3"], r["iso2"], r["country"], float(r["g_per_kwh"]), int(r["year"]), r["source"])
            for r in rows
        ]
    return {code: grid for grid in grids for code in (grid.iso3, grid.iso2) if code}
