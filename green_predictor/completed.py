"""A short record of a run, completed: what a person leaves out of its task, architecture and machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from green_predictor.architectures import reshape_task, size_table
from green_predictor.domain_model import DomainModel
from green_predictor.rows import knobs_of
from green_predictor.threads import count_of, on_count

MACHINE = ("device", "cpu_model", "gpu_model")
"""A record that says none of these leaves the machine open; otherwise what it does not say of it is unknown."""


def completer(
    model: DomainModel,
    task_of: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    machine: Mapping[str, Any],
    threads: int | None = None,
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function from a record to the same record with the columns it leaves out: of the task (`task_of`), the
    architecture (looked up or interpolated, see `architectures`), and the machine where it names none, on all of its
    `threads` where it does not say on how many.

    Raises (the function):
        UsageError: an architecture that no run is of and that is not described, or no number of training examples.
    """
    sizes = size_table(model.runs)

    def completed(record: Mapping[str, Any]) -> dict[str, Any]:
        said = {name: value for name, value in record.items() if value is not None}
        architecture = str(said.get("model"))
        if architecture not in sizes.models and not said.get("n_parameters"):
            raise unknown_name("model", architecture, sizes.models)
        knobs = knobs_of(said)
        task = reshape_task(task_of(said), knobs, model.domain)
        found = dict(task)
        if not any(said.get(name) for name in MACHINE):
            found = {**on_count(machine, count_of(said) or threads), **found}
        found |= said
        if not found.get("n_train"):
            raise UsageError(f"a record of '{found.get('dataset')}' has no n_train", hint="how many training examples?")
        columns = sizes.columns((architecture, bool(said.get("pretrained"))), found, knobs)
        return {**columns, **found}

    return completed
