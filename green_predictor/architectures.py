"""Sizes of an architecture on a task it may never have been run on: copied from a run, or interpolated from runs.

Parameters, FLOPs and layer counts come from the data only. For each column a small ridge regression of its logarithm
on architecture, task size and shape-changing knobs fills in what no run says.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ecotaskset.knobs import SELECTED_SHARE
from green_predictor.kept import kept
from green_predictor.rows import knobs_of

SIZES = ("flops_per_sample", "n_parameters", "n_trainable_parameters")
LAYERS = ("n_conv_layers", "n_linear_layers", "n_attention_layers", "n_embedding_layers", "n_norm_layers",
          "n_recurrent_layers")  # fmt: skip
SHAPE_KNOBS = (
    "data_fraction",
    "data_selection",
    "input_size",
    "width",
    "layer_drop",
    "lora",
    "freeze_backbone",
    "low_rank_head",
)
"""Knobs that change a task or model column; the others change only how the same training is done."""

_OF_EXAMPLES = ("data_fraction", "data_selection")
"""Those of them that leave a model as it is but for the mean length of what it is shown."""

_TASK_SIZES = ("image_size", "n_channels", "sequence_length", "vocab_size", "n_items", "n_classes")

Architecture = tuple[str, bool]


def architectures(runs: Sequence[Mapping[str, Any]]) -> list[Architecture]:
    """The (model, pretrained) pairs that were run."""
    return sorted({(str(r["model"]), bool(r.get("pretrained"))) for r in runs})


def shape_of(knobs: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The shape-changing part of a knob set (`knobs_of`), hashable."""
    return tuple((n, str(knobs[n])) for n in SHAPE_KNOBS if n in knobs)


def _of_all(shape: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The same shape, shown all examples."""
    return tuple((name, value) for name, value in shape if name not in _OF_EXAMPLES)


def share_kept(knobs: Mapping[str, Any]) -> float:
    """The share of the training examples that knobs leave."""
    usual = SELECTED_SHARE if knobs.get("data_selection") == "el2n" else 1.0
    return float(knobs.get("data_fraction", usual))


def reshape_task(task: Mapping[str, Any], knobs: Mapping[str, Any], domain: str) -> dict[str, Any]:
    """The task columns (and threads) as a run with these knobs would have them: a run records the length of sequences
    that it was given, but the side of the images that are stored."""
    changed = dict(task)
    if changed.get("n_train"):
        changed["n_train"] = max(1.0, changed["n_train"] * share_kept(knobs))
    if "input_size" in knobs and domain != "cv":
        changed["sequence_length"] = float(knobs["input_size"])
    if "cpu_threads" in knobs:
        changed["cpu_threads"] = float(knobs["cpu_threads"])
    return changed


def _layers(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Family and layer counts of runs of one architecture."""
    values = {name: [r[name] for r in runs if r.get(name) is not None] for name in LAYERS}
    return {
        "model_family": next((r["model_family"] for r in runs if r.get("model_family")), None),
        **{name: statistics.median_high(found) if found else None for name, found in values.items()},
    }


@kept(4)
def size_table(runs: Sequence[Mapping[str, Any]]) -> SizeTable:
    """The table of these runs, made once."""
    return SizeTable(runs)


class SizeTable:
    """Model columns by architecture, task and shape, filled in where no run has them."""

    def __init__(self, runs: Sequence[Mapping[str, Any]]) -> None:
        self.runs = list(runs)
        self.models = sorted({str(r["model"]) for r in runs})
        alike: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        for run in self.runs:  # knobs such as lora or layer_drop change the layers
            alike[str(run["model"])].append(run)
            shape = shape_of(knobs_of(run))
            for key in {shape, _of_all(shape)}:
                alike[str(run["model"]), key].append(run)
        self._layers = {key: _layers(same) for key, same in alike.items()}
        known = {n: [float(r[n]) for r in self.runs if r.get(n)] for n in _TASK_SIZES}
        self._typical = {name: statistics.median(values) if values else 0.0 for name, values in known.items()}
        told_otherwise = ("input_size", "data_selection")  # by the side of images; not at all
        self.knobs = sorted({(n, v) for r in runs for n, v in shape_of(knobs_of(r)) if n not in told_otherwise})
        self._exact: dict[Any, Mapping[str, Any]] = {}
        self._with_all: dict[Any, Mapping[str, Any]] = {}
        for run in self.runs:
            key, shape = (str(run["model"]), bool(run.get("pretrained")), run["dataset"]), shape_of(knobs_of(run))
            self._exact.setdefault((*key, shape), run)
            self._with_all.setdefault((*key, _of_all(shape)), run)
        self._weights = {name: self._fit(name) for name in SIZES}

    def columns(self, architecture: Architecture, task: Mapping[str, Any], knobs: Mapping[str, Any]) -> dict[str, Any]:
        """Model columns of an architecture on a task (already reshaped by its knobs)."""
        model, pretrained = architecture
        shape = shape_of(knobs)
        key = (model, pretrained, task["dataset"])
        exact = self._exact.get((*key, shape)) or self._with_all.get((*key, _of_all(shape)))
        known = (self._layers.get(k) for k in ((model, shape), (model, _of_all(shape)), model))
        layers = next(filter(None, known), None) or _layers([])
        found: dict[str, Any] = {"model": model, "pretrained": pretrained, **layers}
        described = self._describe(model, task, shape)
        for name in SIZES:
            if exact is not None and exact.get(name):
                found[name] = exact[name]
            elif self._weights[name] is not None:
                found[name] = float(np.exp(described @ self._weights[name]))
        if found.get("n_parameters") and found.get("n_trainable_parameters"):
            found["n_trainable_parameters"] = min(found["n_trainable_parameters"], found["n_parameters"])
        return found

    def _describe(self, model: str, task: Mapping[str, Any], shape: tuple[tuple[str, str], ...]) -> np.ndarray:
        # what is not said of a task is as usual: with a vocabulary of nothing a network of words would have no weights
        told = {n: float(task.get(n) or self._typical[n]) for n in _TASK_SIZES}
        side = dict(shape).get("input_size")
        if side is not None and told["image_size"]:  # a run records the side of the images that are stored
            told["image_size"] = float(side)
        sizes = list(np.log1p(list(told.values())))
        return np.array(
            [3.0 * (model == m) for m in self.models] + sizes + [1.0 * (k in shape) for k in self.knobs] + [1.0]
        )

    def _fit(self, name: str) -> np.ndarray | None:
        known = {k: r for k, r in self._exact.items() if r.get(name)}
        if not known:
            return None
        x = np.stack([self._describe(str(r["model"]), r, shape_of(knobs_of(r))) for r in known.values()])
        y = np.log([float(r[name]) for r in known.values()])
        gram = x.T @ x + 1e-2 * np.eye(x.shape[1])
        return np.linalg.solve(gram, x.T @ y)
