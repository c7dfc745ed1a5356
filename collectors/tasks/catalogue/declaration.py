"""What one entry of the catalogue of data sets says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from collectors.tasks.sources.raw import Raw

Loader = Callable[[Path], Raw]
Transform = Callable[[Raw], Raw]


@dataclass(frozen=True)
class DatasetEntry:
    """One data set.

    `load(cache_root)` reads it from a package; `load_hub(cache_root)` reads the same data from the Hugging Face Hub
    (or from an archive fetched by hand), and is tried where there is no `load`, or `load` finds its source
    unreachable. The two must give the same data: a recipe is one experiment wherever it runs.
    """

    name: str
    domain: str
    source: str
    """Where the data comes from, for people: "scikit-learn", "pip:recbole 1.2.1", "hub:stanfordnlp/imdb"."""
    licence: str
    citation: str
    load: Loader | None = None
    load_hub: Loader | None = None
    hub_id: str | None = None
    n_classes: int | None = None
    image_side: int | None = None
    """cv: the side of the images as they are stored, pixels."""
    sequence_length: int | None = None
    """nlp, recsys: the longest sequence by default, tokens or items; the knob `input_size` overrides it."""
    version: str = ""
    """Set where the content may change under one name (a file of the user): part of the key of the prepared cache."""
    note: str = ""

    @property
    def needs_hub(self) -> bool:
        """Can it only be had from a data hub, or fetched by hand?"""
        return self.load is None


def variant(base: DatasetEntry, suffix: str, transform: Transform, note: str, **changes: object) -> DatasetEntry:
    """A task of its own made from another's data: the same source, then `transform`.

    The name is `<base>-<suffix>`; `changes` replace fields of the declaration, such as `n_classes`.
    """

    def after(loader: Loader | None) -> Loader | None:
        return None if loader is None else lambda root: transform(loader(root))

    return replace(
        base,
        name=f"{base.name}-{suffix}",
        load=after(base.load),
        load_hub=after(base.load_hub),
        note=note,
        **changes,
    )
