"""Runs and candidates in one shape, so that one feature function serves both.

A row is one recipe on one task and machine, looked at after `epoch` epochs. What many rows share (task, model and
hardware columns) is held once, as a *setting*; so are combinations of knobs. A million candidates are then a few
hundred settings and knob sets and six plain arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ecotaskset.errors import UsageError
from ecotaskset.knobs import KnobValue, get_knob

SETTING_GROUPS = ("task", "model", "hardware")
SETTING_TEXT = ("dataset", "model", "model_family", "device", "gpu_model", "cpu_model", "country", "origin")
LEARNED_FROM = ("completed", "early_stopped", "diverged")
"""Statuses whose cost is that of the whole recipe; an interrupted run says nothing about its end."""

VARYING = ("setting", "knob_set", "epoch", "epochs", "batch_size", "learning_rate", "weight_decay")
"""Arrays with a value a row."""

_NOT_INPUTS = {"domain", "dataset_revision", "python_version", "torch_version", "transformers_version"}


@cache
def setting_columns() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The Run columns that describe task, model and hardware: (numbers, texts)."""
    import pyarrow as pa

    from ecotaskset.run import columns

    numbers = [
        name
        for name, info in columns().items()
        if info["group"] in SETTING_GROUPS
        and name not in _NOT_INPUTS
        and (
            pa.types.is_integer(info["type"]) or pa.types.is_floating(info["type"]) or pa.types.is_boolean(info["type"])
        )
    ]
    return tuple(numbers), SETTING_TEXT


@dataclass(frozen=True)
class Rows:
    """`n` rows over `m` settings and `k` knob sets.

    `numbers`: column → float64 (m,), NaN where unknown. `texts`: column → object (m,), None where unknown.
    `setting`, `knob_set`: index of each row, (n,). `epoch` is the epoch looked at, `epochs` those asked for.
    """

    numbers: dict[str, np.ndarray]
    texts: dict[str, np.ndarray]
    knob_sets: tuple[dict[str, Any], ...]
    setting: np.ndarray
    knob_set: np.ndarray
    epoch: np.ndarray
    epochs: np.ndarray
    batch_size: np.ndarray
    learning_rate: np.ndarray
    weight_decay: np.ndarray

    def __len__(self) -> int:
        return len(self.setting)

    def take(self, index: np.ndarray | slice) -> Rows:
        """The chosen rows over the same settings."""
        return replace(self, **{name: getattr(self, name)[index] for name in VARYING})

    def text(self, name: str) -> np.ndarray:
        """A text column, one value a row."""
        return self.texts[name][self.setting]

    def number(self, name: str) -> np.ndarray:
        """A number column, one value a row."""
        return self.numbers[name][self.setting]


def joined(first: Rows, second: Rows) -> Rows:
    """The rows of both, which share settings and knob sets."""
    both = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in VARYING}
    return replace(first, **both)


def settings(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Setting columns of `m` records; what a record lacks is NaN or None. Of a processor the rate is that of one
    thread."""
    number_names, text_names = setting_columns()

    def as_number(value: Any) -> float:
        return np.nan if value is None else float(value)

    numbers = {name: np.array([as_number(r.get(name)) for r in records], dtype=np.float64) for name in number_names}
    texts = {name: np.array([r.get(name) for r in records] + [None], dtype=object)[:-1] for name in text_names}
    many = np.where(on_processor(texts), np.fmax(numbers["cpu_threads"], 1.0), 1.0)
    numbers["matmul_gflops"] = numbers["matmul_gflops"] / many
    return numbers, texts


def is_processor(columns: Mapping[str, Any]) -> bool:
    """Do these hardware columns mean that a processor trains, as they do where they name no accelerator?"""
    return columns.get("device") in (None, "cpu") and not columns.get("gpu_model")


def on_processor(texts: Mapping[str, np.ndarray]) -> np.ndarray:
    """The same of settings, (m,) bool."""
    both = zip(texts["device"], texts["gpu_model"], strict=True)
    return np.array([is_processor({"device": device, "gpu_model": gpu}) for device, gpu in both], bool)


def knobs_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The knobs of a run record as name → value; what the catalogue does not know (imported runs) is left out."""
    knobs = record.get("knobs") or {}
    pairs = knobs.items() if isinstance(knobs, Mapping) else ((k["name"], k["value"]) for k in knobs)
    return {name: legal for name, value in sorted(pairs) for legal in _legal(name, str(value))}


@lru_cache(4096)
def _legal(name: str, text: str) -> tuple[KnobValue, ...]:
    """The value of a knob in a tuple; an empty one where the catalogue does not know it. Few are ever asked about, but
    thousands of times."""
    try:
        return (get_knob(name).parse(text),)
    except UsageError:
        return ()


def recipe_rows(records: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[int, float]]) -> Rows:
    """Rows from run records: one for each (index of the record, epoch looked at)."""
    numbers, texts = settings(records)
    distinct: dict[str, int] = {}
    knob_sets: list[dict[str, Any]] = []
    knob_index = np.zeros(len(records), dtype=np.int32)
    for i, record in enumerate(records):
        knobs = knobs_of(record)
        key = repr(sorted(knobs.items()))
        if key not in distinct:
            distinct[key] = len(knob_sets)
            knob_sets.append(knobs)
        knob_index[i] = distinct[key]
    which = np.array([i for i, _ in pairs], dtype=np.int32)

    def column(name: str) -> np.ndarray:
        values = [np.nan if r.get(name) is None else float(r[name]) for r in records]
        return np.array(values, dtype=np.float32)[which] if len(which) else np.zeros(0, np.float32)

    return Rows(
        numbers=numbers,
        texts=texts,
        knob_sets=tuple(knob_sets),
        setting=which,
        knob_set=knob_index[which],
        epoch=np.array([t for _, t in pairs], dtype=np.float32),
        epochs=column("epochs"),
        batch_size=column("batch_size"),
        learning_rate=column("learning_rate"),
        weight_decay=column("weight_decay"),
    )
