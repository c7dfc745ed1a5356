"""Runs already made on the task at hand, however few and short: they recalibrate everything (`observed=`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from green_predictor import targets
from green_predictor.architectures import SizeTable, reshape_task
from green_predictor.domain_model import DomainModel
from green_predictor.source import records


def observed_training(
    observed: Any,
    model: DomainModel,
    domain: str,
    task: Mapping[str, Any],
    machine: Mapping[str, Any],
    energy: str = "all",
) -> targets.Training | None:
    """Rows of observed runs, task and machine columns filled in where a run leaves them out; None for None.

    An interrupted run counts with the epochs it made: its curve says all that is needed.

    Raises:
        UsageError: a run without model, energy or quality, or of another domain.
    """
    if observed is None:
        return None
    found = [_completed(dict(r), model, domain, task, machine) for r in records(observed)]
    kept = [r for r in found if targets.usable(r, energy, partial=True)]
    if found and not kept:
        raise UsageError(
            "none of the observed runs can be learned from",
            hint="each needs model, epochs, batch_size, learning_rate, energy_kwh and a quality",
        )
    return targets.prepare(kept, energy, model.reference, partial=True) if kept else None


def _completed(record, model, domain, task, machine) -> dict[str, Any]:
    if "model" not in record:
        raise UsageError("an observed run has no model", hint="give at least model, epochs, energy_kwh and quality")
    if record.get("domain", domain) != domain:
        raise UsageError(f"an observed run is of domain '{record['domain']}', not '{domain}'")
    known = {str(r["model"]) for r in model.runs}
    if record["model"] not in known and not record.get("n_parameters"):
        raise unknown_name("model of an observed run:", record["model"], known)
    if "quality" in record:
        record["quality_last"] = record.pop("quality")
    knobs = record.get("knobs") or {}
    plain = knobs if isinstance(knobs, Mapping) else {k["name"]: k["value"] for k in knobs}
    reshaped = reshape_task(task, plain, domain)
    sizes = SizeTable(model.runs).columns((record["model"], bool(record.get("pretrained"))), reshaped, plain)
    defaults = {"batch_size": 32, "learning_rate": 1e-3, "weight_decay": 0.0, "status": "completed", "epochs": 1}
    filled = {**defaults, **machine, **reshaped, **sizes}
    filled.update({k: v for k, v in record.items() if v is not None})
    filled["dataset"] = task["dataset"]
    return filled
