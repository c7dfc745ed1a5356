"""The data sets that can be named: `get_dataset(name)`, `all_datasets()`. One declaration each, a file a domain."""

from __future__ import annotations

from collectors.tasks.catalogue.cv import DATASETS as CV
from collectors.tasks.catalogue.declaration import DatasetEntry
from collectors.tasks.catalogue.nlp import DATASETS as NLP
from collectors.tasks.catalogue.own import from_name
from collectors.tasks.catalogue.recsys import DATASETS as RECSYS
from ecotaskset.errors import UsageError, unknown_name

_BY_NAME: dict[str, DatasetEntry] = {entry.name: entry for entry in (*CV, *NLP, *RECSYS)}


def all_datasets() -> tuple[DatasetEntry, ...]:
    """Every declared data set and task variant, in the order of the catalogue."""
    return tuple(_BY_NAME.values())


def get_dataset(name: str, domain: str) -> DatasetEntry:
    """The declaration for a name: from the catalogue, or made for `csv:`, `folder:` and `hub:` names.

    Raises UsageError for a name that is unknown (with the nearest known one) or of another domain.
    """
    own = from_name(name, domain)
    if own is not None:
        return own
    entry = _BY_NAME.get(name)
    if entry is None:
        names = [known.name for known in all_datasets() if known.domain == domain]
        raise unknown_name("data set", name, names, see="green-collect --list")
    if entry.domain != domain:
        raise UsageError(
            f"data set '{name}' belongs to domain '{entry.domain}', not '{domain}'", hint=f"use --domain {entry.domain}"
        )
    return entry
