"""Reads a stranger's parquet files in a process of their own, with bounded memory and time.

Run as a script with a factor and file names, it imports nothing but pyarrow. For each file it prints JSON lines of
`columns` (name → type) and `rows`, all but the last with `more`; or one line with `problem` (code and sentence). The
factor is by how much the bounds are wider than those of a submission: 1 for strangers. A parquet file can promise
little and unfold to gigabytes, whatever its footer says; here the operating system has the last word, and all that dies
is this process.

The footer is looked at before any data is: bytes, rows, values and unpacked size all have a bound.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
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


def main(times: int, paths: list[str]) -> None:
    limit_resources(times)
    for path in paths:
        for answer in answers(Path(path), times):
            text = json.dumps(answer, default=_plain)
            too_long = len(text) > MAX_TEXT_BYTES
            if too_long:
                text = json.dumps({"problem": ["E002", f"unfolds to {len(text)} bytes of rows"]})
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
            if too_long:
                break


def limit_resources(times: int) -> None:
    """Bound memory and processor time, where the system can (not on Windows)."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (times * CPU_SECONDS, times * CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answers(path: Path, times: int) -> Iterator[dict[str, Any]]:
    """One file's columns and rows, `MAX_ROWS` at a time, or its problem."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    if size > times * MAX_FILE_BYTES:
        yield _too_much(f"{size} bytes", times * MAX_FILE_BYTES, times)
        return
    try:
        limits = {"thrift_string_size_limit": THRIFT_LIMIT, "thrift_container_size_limit": THRIFT_LIMIT}
        file = pq.ParquetFile(path, memory_map=False, **limits)
        if problem := footer_problem(file.metadata, times):
            yield problem
            return
        table = file.read(use_threads=False)
        if table.nbytes > times * MAX_UNPACKED_BYTES:
            yield _too_much(f"unfolds to {table.nbytes} bytes", times * MAX_UNPACKED_BYTES, times)
            return
        columns = {name: str(kind) for name, kind in zip(table.schema.names, table.schema.types, strict=True)}
        for start in range(0, max(1, table.num_rows), MAX_ROWS):
            rows = table.slice(start, MAX_ROWS).to_pylist()
            yield {"columns": columns, "rows": rows, "more": start + MAX_ROWS < table.num_rows}
    except MemoryError:
        yield {"problem": ["E002", "unfolds to more memory than reading it may need"]}
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        yield {"problem": ["E008", f"cannot be read as parquet: {reason}"]}


def footer_problem(metadata: Any, times: int = 1) -> dict[str, Any] | None:
    """What in a parquet footer goes beyond bounds, or None."""
    if metadata.num_rows > times * MAX_ROWS:
        return _too_much(f"{metadata.num_rows} rows", times * MAX_ROWS, times)
    if metadata.num_columns > MAX_COLUMNS or metadata.num_row_groups > MAX_ROWS:
        return {"problem": ["E002", f"{metadata.num_columns} columns in {metadata.num_row_groups} row groups"]}
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if unpacked > times * MAX_UNPACKED_BYTES:
        return _too_much(f"unfolds to {unpacked} bytes", times * MAX_UNPACKED_BYTES, times)
    values = 0
    for group in range(metadata.num_row_groups):
        chunks = metadata.row_group(group)
        values += sum(chunks.column(index).num_values for index in range(chunks.num_columns))
    return _too_much(f"{values} values", times * MAX_VALUES, times) if values > times * MAX_VALUES else None


def _too_much(what: str, bound: int, times: int) -> dict[str, Any]:
    may = f"a submission may have {bound}" if times == 1 else f"{bound} is the most: split the file"
    return {"problem": ["E002", f"{what}; {may}"]}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
