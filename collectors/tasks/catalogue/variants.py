"""Transforms that make another task out of the same data; each returns a function from raw data to raw data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, Literal

from collectors.tasks.sources.raw import Images, Interactions, Raw, Texts

Transform = Callable[[Raw], Raw]


def relabel(groups: dict[str, Sequence[int]]) -> Transform:
    """New classes as unions of old ones, by old class number; classes in no group are left out."""

    def apply(raw: Images | Texts) -> Raw:
        import numpy as np

        new = np.full(int(raw.labels.max()) + 1, -1)
        for number, members in enumerate(groups.values()):
            new[[member for member in members if member < len(new)]] = number
        labels = new[raw.labels]
        kept = _keep(raw, labels >= 0)
        return replace(kept, labels=labels[labels >= 0], class_names=tuple(groups))

    return apply


def strong(threshold: float) -> Transform:
    """Texts that humans rated at least `threshold` away from neutral."""
    return lambda raw: _keep(raw, abs(raw.strength) >= threshold)


def words(at_least: int = 0, at_most: int = 10**9) -> Transform:
    """Texts whose number of blank-separated words lies in the given bounds (inclusive)."""

    def apply(raw: Texts) -> Raw:
        import numpy as np

        return _keep(raw, np.array([at_least <= len(text.split()) <= at_most for text in raw.texts]))

    return apply


def liked(at_least: float) -> Transform:
    """Interactions rated at least so high."""
    return lambda raw: _keep(raw, raw.ratings >= at_least)


def earliest(share: float) -> Transform:
    """The earliest `share` of all interactions, by time."""
    return _in_time(lambda count: slice(0, round(share * count)))


def recent(share: float) -> Transform:
    """The latest `share` of all interactions, by time."""
    return _in_time(lambda count: slice(count - round(share * count), count))


def _in_time(part: Callable[[int], slice]) -> Transform:
    def apply(raw: Interactions) -> Raw:
        import numpy as np

        order = np.lexsort((raw.items, raw.users, raw.times))
        chosen = np.zeros(len(order), dtype=bool)
        chosen[order[part(len(order))]] = True
        return _keep(raw, chosen)

    return apply


def frequent(column: Literal["users", "items"], at_least: int = 0, at_most: int = 10**9) -> Transform:
    """Interactions whose user or item occurs so often in all of them (bounds inclusive); rare items make most of the
    sparsity."""

    def apply(raw: Interactions) -> Raw:
        import numpy as np

        values = getattr(raw, column)
        count = np.bincount(values)[values]
        return _keep(raw, (count >= at_least) & (count <= at_most))

    return apply


def _keep(raw: Any, mask: Any) -> Any:
    """The rows where `mask` is true, of every column that has rows."""
    changed = {}
    for field in fields(raw):
        column = getattr(raw, field.name)
        if field.name == "texts":
            changed[field.name] = tuple(text for text, kept in zip(column, mask, strict=True) if kept)
        elif column is not None and field.name != "class_names":
            changed[field.name] = column[mask]
    return replace(raw, **changed)
