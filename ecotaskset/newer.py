"""Rows of a newer version of the table than this software knows: told apart from damage, and left where they are."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ecotaskset.run import SCHEMA_VERSION, Run

UPGRADE = "upgrade it: pip install --upgrade ecotaskset"


def is_newer(row: Any) -> bool:
    """Whether a raw row says that it is of a schema version after ours."""
    version = row.get("schema_version") if isinstance(row, dict) else None
    return isinstance(version, int) and version > SCHEMA_VERSION


def known_part(table: pa.Table) -> tuple[pa.Table, int]:
    """The rows of a table that are not of a newer version, and how many are.

    Columns that only those had go with them; a column we do not know that has a value in the other rows stays, for
    whoever reads them to refuse.

    Raises:
        pyarrow.ArrowException: `schema_version` is not a number.
    """
    if "schema_version" not in table.column_names:
        return table, 0
    ours = table.filter(pc.less_equal(pc.fill_null(table["schema_version"], 0), SCHEMA_VERSION))
    strange = [name for name in ours.column_names if name not in Run.model_fields]
    empty = [name for name in strange if ours[name].null_count == len(ours)]
    return ours.drop_columns(empty), len(table) - len(ours)


def words(count: int) -> str:
    """`3 runs of a newer version …`: how many, without saying what becomes of them."""
    return f"{count} run{'s' if count != 1 else ''} of a newer version of EcoTaskSet than this software knows"


@functools.cache
def tell_skipped(count: int, where: Path) -> None:
    """Say on stderr, once a process, that rows were passed over and what to do."""
    logging.getLogger(__name__).warning("%s: skipped %s; %s", where, words(count), UPGRADE)
