"""Carbon as a view: known countries, unknown ones, nothing looked up."""

from __future__ import annotations

import pytest

from ecotaskset import carbon


def test_known_grids_by_either_code_with_their_year():
    assert carbon.grid("FRA") == carbon.grid("fr") == carbon.grid(" FR ")
    assert carbon.intensity("FRA") == pytest.approx(56.0, abs=0.1)
    assert carbon.intensity("USA") == pytest.approx(369.5, abs=0.1)
    assert carbon.grid("DEU").year == 2023 and carbon.grid("DEU").source == "OWID"


def test_unknown_is_none_never_an_average():
    for unknown in (None, "", "XXX", "Kansas"):
        assert carbon.intensity(unknown) is None
        assert carbon.emissions_kg(1.0, unknown) is None
    assert carbon.emissions_kg(None, "FRA") is None


def test_emissions_are_energy_times_overhead_times_intensity():
    assert carbon.emissions_kg(2.0, "USA") == pytest.approx(2 * 0.3695, rel=1e-3)
    assert carbon.emissions_kg(2.0, "USA", pue=1.5) == pytest.approx(3 * 0.3695, rel=1e-3)


def test_the_table_states_its_origin_and_is_sane():
    head = carbon.TABLE.read_text(encoding="utf-8").splitlines()[:3]
    assert "CC-BY-4.0" in head[1] and "Our World in Data" in head[1]
    grids = [carbon.grid(code) for code in carbon.countries()]
    assert len(grids) > 200
    assert all(0 <= g.g_per_kwh < 1400 and 2000 <= g.year <= 2030 and len(g.iso3) == 3 for g in grids)
