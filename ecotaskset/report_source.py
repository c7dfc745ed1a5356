"""Reading the rows to report on: the shipped snapshot, any snapshot folder, a local store, one parquet file."""

from __future__ import annotations

from pathlib import Path

from ecotaskset.errors import RefusedError, UsageError
from ecotaskset.load import SNAPSHOT
from ecotaskset.report import Row
from ecotaskset.snapshot import MANIFEST, changed_files, read_manifest
from ecotaskset.store import Store, read_parquet


def read_rows(path: str | Path | None = None) -> list[Row]:
    """The runs at a path, with their splits where it is a snapshot; None reads the shipped one.

    Raises:
        UsageError: nothing is there.
        RefusedError: a snapshot whose files differ from its manifest, or a file that is not a table of runs.
    """
    path = SNAPSHOT if path is None else Path(path)
    if path.is_file():
        return [Row(run) for run in read_parquet(path)]
    if (path / MANIFEST).is_file():
        if wrong := changed_files(path):
            raise RefusedError(f"{path}: {'; '.join(wrong)}", hint="restore the file, or build the snapshot again")
        return [
            Row(run, Path(file["path"]).name.split("-")[0])
            for file in read_manifest(path)["files"]
            for run in read_parquet(path / file["path"])
        ]
    if not path.is_dir():
        raise UsageError(f"no runs at {path}", hint="name a store, a snapshot folder or a parquet file")
    rows = [Row(run) for run in Store(path).runs()]
    if not rows:
        raise UsageError(f"no runs in {path}", hint="collect some with green-collect, or import a measurement set")
    return rows
