"""The answer of `recommend`: a recipe, what it will probably cost and reach, and what else there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecotaskset.recipe import Recipe
from green_predictor.candidates import recipe_of
from green_predictor.curves import Curve, curve_of
from green_predictor.domain_model import DomainModel, Evidence, Prediction, with_intervals
from green_predictor.hardware import Machine
from green_predictor.preferences import Preference
from green_predictor.rows import Rows
from green_predictor.support import Support
from green_predictor.targets import QUALITY, restore
from green_predictor.threads import left_open

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCHEMA = 1


@dataclass(frozen=True)
class Pick:
    """One candidate and what is expected of it; `low` and `high` are the ends of the 90 % interval."""

    recipe: Recipe
    quality: float
    quality_low: float
    quality_high: float
    energy_kwh: float
    energy_low_kwh: float
    energy_high_kwh: float
    duration_s: float
    duration_low_s: float
    duration_high_s: float
    emissions_kg: float | None = None

    @property
    def command(self) -> str:
        """The command that trains it."""
        return self.recipe.command()

    @property
    def choice(self) -> str:
        """What names it among others, on whichever machine: the id of its recipe on any number of threads."""
        return left_open(self.recipe).recipe_id

    @property
    def name(self) -> str:
        """A short name for tables: architecture, epochs, and the knobs that are turned."""
        knobs = " ".join(f"{k}={v}" for k, v in self.recipe.knobs.items())
        epochs = f"{self.recipe.epochs} epoch{'s' if self.recipe.epochs != 1 else ''}"
        return f"{self.recipe.model} · {epochs} · batch {self.recipe.batch_size}" + (f" · {knobs}" if knobs else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        numbers = {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "recipe"}
        return {
            "recipe": self.recipe.model_dump(),
            "recipe_id": self.recipe.recipe_id,
            **numbers,
            "command": self.command,
        }


@dataclass(frozen=True)
class Recommendation:
    """What `recommend` answers. `best` is the pick; `front` all sensible trade-offs, cheapest first.

    Only candidates near a run can be chosen (`choosable`); those are compared by cautious predictions, and shown with
    the expected ones. `most_accurate`: the best of them in quality, whatever it costs. `alternatives`: `cheaper` and
    `better`, one step from the best along the front, or None. `verdict`: the answer in sentences.
    """

    best: Pick
    most_accurate: Pick
    alternatives: dict[str, Pick | None]
    verdict: str
    support: Support
    metric: str
    domain: str
    preference: Preference
    machine: Machine
    n_candidates: int
    intensity: tuple[float, str] | None = None
    model: DomainModel = field(repr=False, default=None)
    rows: Rows = field(repr=False, default=None)
    on_front: np.ndarray = field(repr=False, default=None)
    prediction: Prediction = field(repr=False, default=None)
    evidence: Evidence = field(repr=False, default=None)
    y: np.ndarray = field(repr=False, default=None)
    """What is expected of all candidates, as targets (n, 3) (see `targets`)."""
    choosable: np.ndarray = field(repr=False, default=None)
    """Which candidates could be chosen: near the data, (n,) bool."""

    @property
    def command(self) -> str:
        """The command that trains the best pick."""
        return self.best.command

    @property
    def hardware(self) -> dict[str, Any]:
        """The hardware columns that are known of the machine."""
        return {name: value for name, value in self.machine.columns.items() if value is not None}

    @property
    def hardware_basis(self) -> str:
        """Where it is known from how fast the machine is, for people."""
        return self.machine.words

    @cached_property
    def cloud(self) -> tuple[np.ndarray, np.ndarray]:
        """Expected quality and kWh of all candidates, (n,) each."""
        return restore(self.y, self.rows, self.model.reference)[:2]

    def expected(self, index: np.ndarray) -> Prediction:
        """What is expected of some candidates, (k,) their numbers, with intervals."""
        return with_intervals(self.model, self.rows.take(index), self.y[index], self.evidence)

    @cached_property
    def front(self) -> list[Pick]:
        """The choosable candidates within the limits that no other of them beats in both quality and energy, cheapest
        first; at most 200."""
        return picks(self.rows, self.on_front, self.prediction, self.domain, self.intensity)

    def curve(self, position: int | None = None) -> Curve:
        """Expected quality, energy and time after each epoch, of a member of the front (None: of the best)."""
        if position is None:
            names = [pick.recipe.recipe_id for pick in self.front]
            position = names.index(self.best.recipe.recipe_id)
        index = int(self.on_front[position])
        return curve_of(self.model, self.rows, index, self.evidence, float(self.y[index, QUALITY]))

    def to_pandas(self) -> pd.DataFrame:
        """The front as a table, one row a pick, the best marked."""
        import pandas as pd

        table = []
        for pick in self.front:
            fields = pick.recipe.model_dump(exclude={"domain", "dataset", "seed", "knobs"})
            knobs = " ".join(f"{k}={v}" for k, v in pick.recipe.knobs.items())
            numbers = {k: getattr(pick, k) for k in pick.__dataclass_fields__ if k != "recipe"}
            best = pick.recipe == self.best.recipe
            table.append({**fields, "knobs": knobs, **numbers, "best": best, "command": pick.command})
        return pd.DataFrame(table)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "command": self.command,
            "metric": self.metric,
            "best": self.best.to_dict(),
            "most_accurate": self.most_accurate.to_dict(),
            "alternatives": {k: v.to_dict() if v else None for k, v in self.alternatives.items()},
            "front": [pick.to_dict() for pick in self.front],
            "curve": self.curve().to_dict(),
            "support": self.support.to_dict(),
            "preference": {k: getattr(self.preference, k) for k in self.preference.__dataclass_fields__},
            "hardware": self.hardware,
            "hardware_basis": self.hardware_basis,
            "slowdown": dict(zip(("energy", "time"), self.evidence.slowdown, strict=True)),
            "carbon_intensity_g_per_kwh": self.intensity[0] if self.intensity else None,
            "carbon_intensity_source": self.intensity[1] if self.intensity else None,
            "n_candidates": self.n_candidates,
            "energy_saved": 1 - self.best.energy_kwh / self.most_accurate.energy_kwh,
            "quality_kept": self.best.quality / max(self.most_accurate.quality, 1e-9),
        }

    def plot(self, path: str | Path | None = None) -> Figure:
        """Quality against energy: all candidates, the front, the pick with intervals. Written to `path` if given."""
        from green_predictor.plot import front_figure

        return front_figure(self, path)

    def __str__(self) -> str:
        return f"{self.verdict}\n{self.command}"


def picks(
    rows: Rows, index: np.ndarray, prediction: Prediction, domain: str, intensity: tuple[float, str] | None
) -> list[Pick]:
    """Candidates as picks; `prediction` is of those rows, in that order."""
    columns = [c for c in Pick.__dataclass_fields__ if c not in ("recipe", "emissions_kg")]
    values: Sequence[np.ndarray] = [getattr(prediction, c) for c in columns]
    found = []
    for position, i in enumerate(index):
        numbers = {c: float(v[position]) for c, v in zip(columns, values, strict=True)}
        grams = numbers["energy_kwh"] * intensity[0] / 1000 if intensity else None
        found.append(Pick(recipe_of(rows, int(i), domain), **numbers, emissions_kg=grams))
    return found
