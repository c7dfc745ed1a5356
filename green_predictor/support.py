"""What a recommendation stands on: how many runs, how near, measured or extrapolated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ecotaskset.recipe import Recipe
from green_predictor import calibration, features
from green_predictor.domain_model import DomainModel
from green_predictor.rows import Rows
from green_predictor.threads import MOST_TRIED, left_open, of_rows

WELL, FAR = 95, 3.0
"""Well supported: within the leverage of 95 % of the runs. Far: more than three times the largest of them."""

BEYOND = 2.0
SIZES = ("n_classes", "image_size", "n_channels", "sequence_length", "n_items")
"""Tasks with more than `BEYOND` times as much of any of these as any task in the data are far from all of them."""

LONGER = 2.0
"""Of a training with more than this many times the steps of the longest run nothing is known, however near its settings
lie: what is learned of log steps says nothing of what comes after the last of them."""


@dataclass(frozen=True)
class Support:
    """`level`: `run` (this very recipe was run on this task), `near`, `thin` or `far` (extrapolated).

    `runs`: runs learned from in the domain; `runs_on_task`: of this data set; `runs_of_recipe`: of this very recipe;
    `nearest`: distance to the nearest run in standard deviations of the features; `basis`: `seen`, `unseen`, `probe:n`.
    """

    level: str
    runs: int
    runs_on_task: int
    runs_of_recipe: int
    nearest: float
    basis: str
    remarks: tuple[str, ...] = ()
    larger: tuple[str, ...] = ()
    """In what the task is larger than all that were run."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "remarks": list(self.remarks), "larger": list(self.larger)}

    @property
    def sentence(self) -> str:
        """One line for people."""
        words = {
            "run": f"this very recipe was run {self.runs_of_recipe}×",
            "near": "close to what was run",
            "thin": "little was run near it",
            "far": "EXTRAPOLATED: far from everything that was run",
        }
        task = f"{self.runs_on_task} on this task" if self.runs_on_task else "none on this task"
        return f"{words[self.level]}; learned from {self.runs} runs, {task}" + "".join(
            f"; {r}" for r in (*self.larger, *self.remarks)
        )


def support(
    model: DomainModel,
    rows: Rows,
    index: int,
    distance: float,
    basis: str,
    recipe: Recipe,
    observed: int = 0,
    larger: tuple[str, ...] = (),
    elsewhere: bool = False,
    remarks: tuple[str, ...] = (),
) -> Support:
    """The support of one candidate, `recipe`. `distance`: its leverage; `observed`: runs the person brought along;
    `larger`: in what the task is larger than all that were run (see `larger_than_any`); `elsewhere`: it is for a
    machine of a kind that no run was made on, which supports it thinly at best."""
    x = features.feature_matrix(rows.take(np.array([index])), model.spec)
    nearest = float(np.sqrt(((model.near - x) ** 2).mean(1).min()))
    recipe_id = left_open(recipe).recipe_id
    runs_of_recipe = sum(run.get("recipe_id") == recipe_id for run in model.runs)
    dataset = rows.texts["dataset"][rows.setting[index]]
    on_task = sum(run.get("dataset") == dataset for run in model.runs) + observed
    ours = calibration.leverage(model.leverage, model.near)
    made = (_steps(r["n_train"], r["epochs"], r["batch_size"]) for r in model.runs if r.get("n_train"))
    longest = max(made, default=0.0)
    n_train = rows.numbers["n_train"][rows.setting[index]]
    steps = _steps(n_train, rows.epochs[index], rows.batch_size[index])
    endless = not observed and steps > LONGER * longest > 0
    if endless:
        remarks = (f"{steps:,.0f} steps, the longest run has {longest:,.0f}", *remarks)
    if runs_of_recipe:
        level = "run"
    elif endless or (larger and not on_task):
        level = "far"
    elif distance <= np.percentile(ours, WELL) and on_task:
        level = "near"
    elif distance <= FAR * ours.max():
        level = "thin"
    else:
        level = "far"
    if elsewhere and level != "far":
        level = "thin"
    return Support(level, len(model.runs), on_task, runs_of_recipe, nearest, basis, remarks, larger)


def larger_than_any(model: DomainModel, task: Mapping[str, Any]) -> tuple[str, ...]:
    """Remarks on sizes of a task that no task of the runs comes near."""
    most = {name: max((run[name] for run in model.runs if run.get(name)), default=np.inf) for name in SIZES}
    beyond = [name for name in SIZES if (task.get(name) or 0) > BEYOND * most[name]]
    return tuple(f"{name} is {task[name]:g}, the most that was run {most[name]:g}" for name in beyond)


def _steps(n_train: float, epochs: float, batch_size: float) -> float:
    return float(n_train) * float(epochs) / float(batch_size)


def threads_untried(rows: Rows, index: int) -> tuple[str, ...]:
    """A remark where a candidate trains on more threads than anybody tried."""
    count = of_rows(rows.take(np.array([index])))
    if count is None or count[0] <= MOST_TRIED:
        return ()
    return (f"{count[0]:.0f} threads, the most that were tried are {MOST_TRIED}",)


def facts_missing(task: Mapping[str, Any], domain: str) -> tuple[str, ...]:
    """A remark on what a description left out."""
    from green_predictor.tasks import missing_columns

    absent = missing_columns(task, domain)
    return (f"sharper with {', '.join(absent)}",) if absent else ()
