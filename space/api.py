"""The page's public API: the same call as `green_predictor.recommend`, with plain values in and out."""

from __future__ import annotations

import json
from typing import Any

from ecotaskset.errors import EcoTaskSetError
from space.question import ask
from space.state import Inputs


def recommend(
    domain: str,
    dataset: str,
    energy: float | None = None,
    max_quality_loss: float | None = None,
    budget_kwh: float | None = None,
    max_hours: float | None = None,
    hardware: str = "auto",
    country: str | None = None,
) -> dict[str, Any]:
    """Which recipe to train: a verdict, the command, the expected energy (kWh), time (s) and quality, and the front.

    Args:
        domain: cv, nlp or recsys.
        dataset: a data set in EcoTaskSet, or a description as JSON text, such as {"n_train": 50000, "n_classes": 10}.
        energy: weight of energy against quality, 0 to 1; without it what is limited decides, as in the library.
        max_quality_loss: share of the best quality that may be given up, 0 to 1.
        budget_kwh: most energy, kWh.
        max_hours: most time, hours.
        hardware: auto (in a Hub Space: the commonest machine in the data), a name, or hardware columns as JSON text.
        country: ISO code of the grid, for CO2.
    """
    import gradio as gr

    arguments = {
        "domain": domain,
        "dataset": dataset,
        "prefer": None if energy is None else {"energy": energy},
        "max_quality_loss": max_quality_loss,
        "budget_kwh": budget_kwh,
        "max_hours": max_hours,
        "hardware": hardware,
        "country": country,
    }
    try:
        return ask({name: value for name, value in arguments.items() if value is not None}).to_dict()
    except (EcoTaskSetError, ValueError) as error:
        raise gr.Error(str(error), print_exception=False) from None


def api_arguments(inputs: Inputs) -> dict[str, Any]:
    """The arguments of the API call that gives the same answer as these choices."""
    found = inputs.recommend_arguments()
    found["energy"] = found.pop("prefer")["energy"]
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in found.items()}
