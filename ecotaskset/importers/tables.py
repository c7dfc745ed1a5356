"""Reading the CSV files of measurement sets: strict about columns, and about what is a number."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from ecotaskset.errors import RefusedError, UsageError
from ecotaskset.importers.ledger import Ledger

MAX_FILE_BYTES = 200_000_000
J_PER_KWH = 3.6e6

Row = dict[str, str]


def read_rows(ledger: Ledger, path: Path, columns: Mapping[str, str]) -> list[tuple[int, Row]]:
    """The rows of a CSV file with their line numbers, entered in the ledger as read.

    Args:
        columns: source column → what becomes of it (text for the report). Columns of the file that are not listed are
            reported as left out; listed ones that the file lacks are an error.

    Raises:
        UsageError: no such file, or a column is missing.
        RefusedError: not a text file, too large, or a row of the wrong length.
    """
    if not path.is_file():
        raise UsageError(f"no file {path}", hint=f"name the folder that holds {path.name}")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise RefusedError(f"{path} is larger than {MAX_FILE_BYTES // 10**6} MB", hint="split it")
    rows = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            present = list(reader.fieldnames or [])
            if missing := [name for name in columns if name not in present]:
                raise UsageError(f"{path} has no column {', '.join(missing)}", hint=f"it has: {', '.join(present)}")
            for row in reader:
                if None in row or None in row.values():
                    raise RefusedError(f"{path} line {reader.line_num} has a different number of cells than the header")
                rows.append((reader.line_num, row))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RefusedError(
            f"{path} is not a CSV file: {error}", hint="save it as UTF-8 text, comma separated"
        ) from None
    ledger.rows[path.name] += len(rows)
    ledger.columns[path.name] = {name: columns.get(name, "left out: not known to this importer") for name in present}
    return rows


def number(cell: str) -> float | None:
    """A cell as a finite number; empty, `nan` and infinite are unknown.

    Raises:
        ValueError: something else stands there.
    """
    text = cell.strip()
    if not text or text.lower() in ("na", "none", "null"):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def whole(cell: str) -> int | None:
    """A cell as a whole number; empty is unknown.

    Raises:
        ValueError: something else, or a fraction, stands there.
    """
    value = number(cell)
    if value is None:
        return None
    if value != int(value):
        raise ValueError(f"{cell} is not a whole number")
    return int(value)
