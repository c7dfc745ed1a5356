"""Data of the user's own, named in the recipe: `csv:…`, `folder:…`, `hub:…`."""

from __future__ import annotations

from collectors.tasks.catalogue.declaration import DatasetEntry


def from_name(name: str, domain: str) -> DatasetEntry | None:
    """A declaration made for this name, or None if the name has none of the prefixes."""
    return None
