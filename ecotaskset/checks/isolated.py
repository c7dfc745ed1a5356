"""Reads a stranger's parquet files in a process of their own, with bounded memory and time.

Run as a script with file names, it imports nothing but pyarrow. For each file it prints one JSON line: `columns`
(name → type) and `rows`, or `problem` (code and sentence). A parquet file can promise little and unfold to gigabytes,
whatever its footer says; here the operating system has the last word, and all that dies is this process.

The footer is looked at before any data is: bytes, rows, values and unpacked size all have a bound.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_ROWS = 5_000
MAX_VALUES = 2_000_000
MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_TEXT_BYTES = 64 * 1024 * 1024
MEMORY_BYTES = 3 * 1024**3
CPU_SECONDS = 30
THRIFT_LIMIT = 1_000_000
MAX_COLUMNS = 400


def main(paths: list[str]) -> None:
    limit_resources()
    for path in paths:
        try:
            answer = read(Path(path))
        except MemoryError:
            answer = {"problem": ["E002", "unfolds to more memory than a submission may need"]}
        text = json.dumps(answer, default=_plain)
        if len(text) > MAX_TEXT_BYTES:
            text = json.dumps({"problem": ["E002", f"unfolds to {len(text)} bytes of rows"]})
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def limit_resources() -> None:
    """Bound memory and processor time, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(path: Path) -> dict[str, Any]:
    """One file's columns and rows, or its problem."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        return {"problem": ["E002", f"{size} bytes; a submission may have {MAX_FILE_BYTES}"]}
    try:
        limits = {"thrift_string_size_limit": THRIFT_LIMIT, "thrift_container_size_limit": THRIFT_LIMIT}
        file = pq.ParquetFile(path, memory_map=False, **limits)
        if problem := footer_problem(file.metadata):
            return {"problem": ["E002", problem]}
        table = file.read(use_threads=False)
        if table.nbytes > MAX_UNPACKED_BYTES:
            return {"problem": ["E002", f"unfolds to {table.nbytes} bytes"]}
        columns = {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)}
        return {"columns": columns, "rows": table.to_pylist()}
    except MemoryError:
        return {"problem": ["E002", "unfolds to more memory than a submission may need"]}
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        return {"problem": ["E008", f"cannot be read as parquet: {reason}"]}


def footer_problem(metadata: Any) -> str | None:
    """What in a parquet footer goes beyond bounds, or None."""
    if metadata.num_rows > MAX_ROWS:
        return f"{metadata.num_rows} rows; a submission may have {MAX_ROWS}"
    if metadata.num_columns > MAX_COLUMNS or metadata.num_row_groups > MAX_ROWS:
        return f"{metadata.num_columns} columns in {metadata.num_row_groups} row groups"
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if unpacked > MAX_UNPACKED_BYTES:
        return f"unfolds to {unpacked} bytes; a submission may have {MAX_UNPACKED_BYTES}"
    values = 0
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        values += sum(chunks.column(index).num_values for index in range(chunks.num_columns))
    return f"{values} values; a submission may have {MAX_VALUES}" if values > MAX_VALUES else None


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
