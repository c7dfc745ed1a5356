"""Strangers' files → rows, without letting them hurt the reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecotaskset import newer
from ecotaskset.checks import isolated
from ecotaskset.checks.finding import Finding, shown
from ecotaskset.checks.isolated import CPU_SECONDS, MAX_FILE_BYTES, MAX_TEXT_BYTES
from ecotaskset.run import arrow_schema

PARQUET_MAGIC = b"PAR1"
FILES_A_PROCESS = 50

OWN = 10
"""How much more than a submission a file may hold that somebody checks for themselves."""


@dataclass(frozen=True)
class RawFile:
    """The rows of a file as they stand in it, or what is wrong with the file."""

    path: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_untrusted(paths: Sequence[str | Path], times: int = 1) -> list[RawFile]:
    """Read parquet files in a separate process with bounded memory and time; one answer a file, in order.

    `times`: by how much the bounds are wider than those of a submission (see `OWN`). A file that ends the process takes
    nobody with it: the files after it are read by a fresh one.
    """
    answers: list[RawFile] = []
    pending = [Path(path) for path in paths]
    while pending:
        path = pending[0]
        if problem := _obvious_problem(path, times):
            answers.append(RawFile(path, findings=[problem]))
            pending.pop(0)
            continue
        batch = [p for p in pending[:FILES_A_PROCESS] if _obvious_problem(p, times) is None]
        batch = batch[: next((i for i, (a, b) in enumerate(zip(batch, pending, strict=False)) if a != b), len(batch))]
        files = _whole_files(_child(batch, times))
        for path, pieces in zip(batch, files, strict=False):
            answers.append(_parse(path, pieces))
        pending = pending[len(files) :]
        if len(files) < len(batch):
            reason = "reading it needs more memory or time than a submission may take"
            answers.append(RawFile(pending.pop(0), findings=[Finding("E002", reason)]))
    return answers


def _obvious_problem(path: Path, times: int) -> Finding | None:
    if path.is_symlink() or not path.is_file():
        return Finding("E008", "not a plain file")
    size = path.stat().st_size
    if size > times * MAX_FILE_BYTES:
        whose = "a submission" if times == 1 else "a file"
        return Finding("E002", f"{size} bytes; {whose} may have {times * MAX_FILE_BYTES}")
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 4))
        tail = file.read(4)
    if size >= 12 and head == PARQUET_MAGIC != tail:
        return Finding("E008", "cut off: a parquet file ends otherwise; write or fetch it again")
    if size < 12 or head != PARQUET_MAGIC:
        return Finding("E008", "not a parquet file, whatever its name says")
    return None


def _child(paths: Sequence[Path], times: int) -> list[bytes]:
    """The complete lines the reading process printed before it ended, for whatever reason it ended."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    # as a script, so that it starts with pyarrow alone and not with this whole package
    command = [sys.executable, isolated.__file__, str(times), *map(str, paths)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=2 * times * CPU_SECONDS, check=False
        )
        output = done.stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
    return [line for line in output.split(b"\n")[:-1] if len(line) <= MAX_TEXT_BYTES]


def _whole_files(lines: Sequence[bytes]) -> list[list[dict[str, Any]]]:
    """The answers a file; of the file the process died over there is no end, so it is left out."""
    files: list[list[dict[str, Any]]] = []
    pieces: list[dict[str, Any]] = []
    for line in lines:
        pieces.append(json.loads(line))
        if not pieces[-1].get("more"):
            files.append(pieces)
            pieces = []
    return files


def _parse(path: Path, pieces: list[dict[str, Any]]) -> RawFile:
    answer = pieces[-1]
    if "problem" in answer:
        code, reason = answer["problem"]
        return RawFile(path, findings=[Finding(code, shown(reason, 200).strip("'\""))])
    rows = [row for piece in pieces for row in piece["rows"]]
    if n_newer := sum(map(newer.is_newer, rows)):
        return RawFile(path, findings=[Finding("E009", f"{newer.words(n_newer)}; {newer.UPGRADE}")])
    expected = {name: str(kind) for name, kind in zip(arrow_schema().names, arrow_schema().types, strict=True)}
    found = answer["columns"]
    wrong = [f"column {shown(name)} is not one of EcoTaskSet" for name in found if name not in expected]
    wrong += [
        f"column {name} is {shown(kind)}, not {expected[name]}"
        for name, kind in found.items()
        if name in expected and _loose(kind) != _loose(expected[name])
    ]
    return RawFile(path, [] if wrong else rows, [Finding("E001", reason) for reason in wrong[:20]])


def _loose(kind: str) -> str:
    """Names of list items and widths of text say nothing about content."""
    return kind.replace("large_", "").replace("element:", "item:")
