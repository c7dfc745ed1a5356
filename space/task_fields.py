"""What a person can say about a task that EcoTaskSet does not know: the fields of the form, by domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskField:
    """One field of the form. `name` is the Run column it fills; `most` bounds what is believed."""

    name: str
    label: str
    example: float
    most: float = 1e12
    whole: bool = True


_CLASSES = TaskField("n_classes", "Classes", 10, 1e7)
_TRAIN = TaskField("n_train", "Training examples", 50_000)
_COMMONEST = TaskField("majority_quality", "Commonest class (share)", 0.1, 1.0, whole=False)

TASK_FIELDS: dict[str, tuple[TaskField, ...]] = {
    "cv": (
        _TRAIN,
        _CLASSES,
        TaskField("image_size", "Image side (pixels)", 32, 1e5),
        TaskField("n_channels", "Colour channels", 3, 1e3),
        _COMMONEST,
    ),
    "nlp": (
        _TRAIN,
        _CLASSES,
        TaskField("sequence_length", "Longest text (tokens)", 64, 1e6),
        TaskField("mean_length", "Mean text (tokens)", 24, 1e6, whole=False),
        TaskField("vocab_size", "Distinct tokens", 8_000, 1e9),
        _COMMONEST,
    ),
    "recsys": (
        TaskField("n_users", "Users", 1_000),
        TaskField("n_items", "Items", 1_700),
        TaskField("n_interactions", "Interactions", 100_000),
        TaskField("sequence_length", "Longest history (items)", 50, 1e6),
    ),
}
"""Order is the order of the form; the first one to three of each domain are the ones that matter most."""

FIELD_NAMES = tuple(dict.fromkeys(field.name for fields in TASK_FIELDS.values() for field in fields))
FIELD_BY_NAME = {field.name: field for fields in TASK_FIELDS.values() for field in fields}
"""Bounds hold for all domains alike; labels are those of one domain: see `labels`."""


def labels(domain: str) -> dict[str, str]:
    """The label of each field in the form of a domain."""
    return {field.name: field.label for field in TASK_FIELDS[domain]}


def description_of(domain: str, values: Mapping[str, float]) -> dict[str, float]:
    """The description to hand to `recommend`: the fields of this domain that were filled in, plus what follows.

    Recommenders are described by users, items and interactions; a training example there is one user's history.
    """
    known = {f.name: values[f.name] for f in TASK_FIELDS[domain] if values.get(f.name) is not None}
    if domain == "recsys" and known.get("n_users"):
        known["n_train"] = known["n_users"]
        if known.get("n_items") and known.get("n_interactions") is not None:
            known["density"] = min(1.0, known["n_interactions"] / (known["n_users"] * known["n_items"]))
    return known
