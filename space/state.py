"""Everything a person has chosen, as one value; and as the query string that restores it in any browser.

The link is the whole state: nothing is kept on the server, so a link works after a restart and on another copy.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from ecotaskset.carbon import grid
from ecotaskset.knobs import DOMAINS
from space.task_fields import FIELD_BY_NAME, TASK_FIELDS, description_of

DESCRIBED = "described"
"""The value of `dataset` when the task is described instead of named."""
DEFAULT_DOMAIN = "cv"
DEFAULT_ENERGY = 50
MOST_TEXT = 300
MOST_MACHINE_TEXT = 4_000
LIMITS = {"loss": 100.0, "kwh": 1e9, "hours": 1e6}
"""Greatest believable value of each limit: % of quality, kWh, hours."""


@dataclass(frozen=True)
class Inputs:
    """The choices. `energy` is the weight of energy in percent (0: quality alone, 100: energy alone); `loss` is in
    percent of the best quality; None means no limit. `pick` and `versus` are recipe ids; empty means the recommended.
    """

    domain: str = DEFAULT_DOMAIN
    dataset: str = ""
    task: dict[str, float] = field(default_factory=dict)
    machine: str = "auto"
    country: str = ""
    energy: int = DEFAULT_ENERGY
    loss: float | None = None
    kwh: float | None = None
    hours: float | None = None
    pick: str = ""
    versus: str = ""

    def recommend_arguments(self) -> dict[str, Any]:
        """The keyword arguments of `green_predictor.recommend` that mean the same."""
        task = {"name": "my-dataset", **{k: _plain(v) for k, v in description_of(self.domain, self.task).items()}}
        arguments: dict[str, Any] = {
            "domain": self.domain,
            "dataset": task if self.dataset == DESCRIBED else self.dataset,
            "prefer": {"energy": self.energy / 100},
            "max_quality_loss": None if self.loss is None else self.loss / 100,
            "budget_kwh": self.kwh,
            "max_hours": self.hours,
            "country": self.country or None,
            "hardware": json.loads(self.machine) if self.machine.startswith("{") else self.machine,
        }
        return {name: value for name, value in arguments.items() if value is not None}


def to_query(inputs: Inputs) -> str:
    """The query string of these choices; what is at its default is left out."""
    plain = Inputs()
    pairs: dict[str, str] = {"domain": inputs.domain, "dataset": inputs.dataset}
    if inputs.dataset == DESCRIBED:
        fields = [f.name for f in TASK_FIELDS[inputs.domain]]
        pairs |= {name: _short(inputs.task[name]) for name in fields if inputs.task.get(name) is not None}
    for name in ("machine", "country", "energy", "loss", "kwh", "hours", "pick", "versus"):
        value = getattr(inputs, name)
        if value is not None and value != getattr(plain, name):
            pairs[name] = value if isinstance(value, str) else _short(value)
    return urlencode({name: value for name, value in pairs.items() if value})


def from_query(query: Mapping[str, str]) -> tuple[Inputs, list[str]]:
    """The choices in a query string, and a sentence about each part that was not understood (and left out)."""
    complaints: list[str] = []
    found = Inputs()
    domain = query.get("domain") or DEFAULT_DOMAIN
    if domain not in DOMAINS:
        complaints.append(f"The link names the domain “{domain[:40]}”, which does not exist; showing {DEFAULT_DOMAIN}.")
        domain = DEFAULT_DOMAIN
    found = replace(found, domain=domain, dataset=query.get("dataset", "")[:MOST_TEXT])
    if found.dataset == DESCRIBED:
        task = {f.name: _number(query, f.name, FIELD_BY_NAME[f.name].most, complaints) for f in TASK_FIELDS[domain]}
        found = replace(found, task={name: value for name, value in task.items() if value is not None})
    for name, most in LIMITS.items():
        found = replace(found, **{name: _number(query, name, most, complaints)})
    energy = _number(query, "energy", 100, complaints)
    found = replace(found, energy=DEFAULT_ENERGY if energy is None else round(energy))
    country = query.get("country", "")[:3].upper()
    if country and grid(country) is None:
        complaints.append(f"The link names the country “{country}”, which is not in the table of grids.")
        country = ""
    machine = query.get("machine", "auto")[:MOST_MACHINE_TEXT] or "auto"
    if machine.startswith("{") and not _is_object(machine):
        complaints.append("The machine in the link could not be read; it was left out.")
        machine = "auto"
    texts = {name: query.get(name, "")[:MOST_TEXT] for name in ("pick", "versus")}
    return replace(found, country=country, machine=machine, **texts), complaints


def _number(query: Mapping[str, str], name: str, most: float, complaints: list[str]) -> float | None:
    text = query.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        complaints.append(f"“{name}={text[:40]}” in the link is not a number from 0 to {most:g}; it was left out.")
        return None
    return value


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _short(value: float) -> str:
    return repr(_plain(value))


def _plain(value: float) -> float | int:
    """A whole number without its `.0`."""
    return int(value) if float(value).is_integer() else float(value)
