"""The local store: where runs live before they are shared. One file a run, so no crash can hurt another run.

    <store>/runs/<run_id>.json     one collected run each
    <store>/*.parquet              tables of runs somebody put there (an export, an import)
    <store>/damaged/               what could not be read, set aside, never deleted

A run is written to a temporary file, flushed to disk and renamed; a reader sees all of it or nothing, whatever process
dies when. Two processes may append at once: names are content hashes, so they never contend for one file. Two versions
of this software may share a store: runs of the newer are passed over by the older, and stay where they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from ecotaskset import newer
from ecotaskset.errors import RefusedError, UsageError
from ecotaskset.run import Run, from_table, to_table

STORE_VARIABLE = "ECOTASKSET_STORE"
MAX_RUN_BYTES = 4_000_000
CHOOSE_A_STORE = f"choose a writable place with --store or ${STORE_VARIABLE}"


def default_store_path() -> Path:
    """`$ECOTASKSET_STORE`, or the user's data directory."""
    if chosen := os.environ.get(STORE_VARIABLE):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("ecotaskset", appauthor=False)) / "store"


class Store:
    """Append-only collection of runs in a directory. Cheap to construct; the directory appears at the first append."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path).expanduser() if path is not None else default_store_path()

    def append(self, run: Run) -> Path:
        """Write one run; appending the same run again changes nothing.

        Raises:
            UsageError: the directory cannot be written.
        """
        target = self.path / "runs" / f"{run.run_id}.json"
        if not target.exists():
            # without columns that an older version, which may share this store, would take for damage
            text = run.model_dump_json(exclude=run.later_columns())
            write_atomically(target, text.encode())
        return target

    def check_writable(self) -> None:
        """Make sure that a run could be kept, before anybody pays for one.

        Raises:
            UsageError: the directory cannot be written.
        """
        probe = self.path / "runs" / f".writable-{os.getpid()}"
        write_atomically(probe, b"")
        probe.unlink(missing_ok=True)

    def runs(self) -> list[Run]:
        """All readable runs, oldest first, each once.

        Damaged files of ours (a disk that lied, an editor) are moved to `damaged/` and skipped; see `damaged()`. Runs
        of a newer version than this software knows are skipped too; how many is told on stderr, once.

        Raises:
            RefusedError: a parquet file in the store that is not a table of runs.
            UsageError: a file of the store that may not be read.
        """
        found: dict[str, Run] = {}
        collected, n_newer = self.collected(self._files())
        for run in collected:
            found.setdefault(run.run_id, run)
        for path in sorted(self.path.glob("*.parquet")):
            runs, newer_rows = _read_known(path)
            n_newer += newer_rows
            for run in runs:
                found.setdefault(run.run_id, run)
        if n_newer:
            newer.tell_skipped(n_newer, self.path)
        return sorted(found.values(), key=lambda run: (run.collected_at is None, run.collected_at, run.run_id))

    def newest(self, count: int) -> list[Path]:
        """The files of the `count` runs that were collected last. A file's name is its run's content hash."""

        def written(path: Path) -> int:
            with contextlib.suppress(OSError):  # another process has just set it aside
                return path.stat().st_mtime_ns
            return 0

        return sorted(self._files(), key=written)[-count:] if count else []

    def _files(self) -> list[Path]:
        return sorted(path for path in (self.path / "runs").glob("*.json") if path.is_file())

    def collected(self, paths: Sequence[Path], *, set_aside: bool = True) -> tuple[list[Run], int]:
        """The readable runs in some files of this store, and how many more are of a newer version. Damaged files are
        skipped, and set aside unless somebody only looks."""
        runs, n_newer = [], 0
        for path in paths:
            try:
                if path.stat().st_size > MAX_RUN_BYTES:
                    raise ValueError("too large for a run")
                row = json.loads(path.read_bytes())
                if newer.is_newer(row):
                    n_newer += 1
                    continue
                run = Run.model_validate(row)
                if run.run_id != path.stem or run.content_id() != run.run_id:
                    raise ValueError("content does not match its hash")
            except FileNotFoundError:  # another process has just set it aside
                continue
            except OSError as error:
                raise UsageError(f"cannot read {path}: {error.strerror}", hint="ask its owner for permission") from None
            except (ValueError, OverflowError, RecursionError):
                if set_aside:
                    self._set_aside(path)
            else:
                runs.append(run)
        return runs, n_newer

    def _set_aside(self, path: Path) -> None:
        try:
            (self.path / "damaged").mkdir(exist_ok=True)
            path.replace(self.path / "damaged" / path.name)
        except OSError:  # a read-only store: leave the file, it is skipped all the same
            return

    def damaged(self) -> list[Path]:
        """Files that were set aside because they could not be read as a run."""
        return sorted((self.path / "damaged").glob("*"))

    def to_table(self) -> pa.Table:
        """All runs as one pyarrow table."""
        return to_table(self.runs())

    def __len__(self) -> int:
        return len(self.runs())


def read_parquet(path: str | Path) -> list[Run]:
    """The runs of a parquet file, validated: all of them, since a part would be taken for the whole.

    Raises:
        RefusedError: truncated, not parquet, not a table of runs, or with runs of a newer version.
    """
    runs, n_newer = _read_known(path)
    if n_newer:
        raise RefusedError(f"{path} holds {newer.words(n_newer)}", hint=newer.UPGRADE)
    return runs


def _read_known(path: str | Path) -> tuple[list[Run], int]:
    """The runs of a parquet file but those of a newer version, and how many those are."""
    try:
        table, n_newer = newer.known_part(pq.read_table(path))
        return from_table(table), n_newer
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RefusedError(f"{path} cannot be read as parquet: {reason}", hint="remove it or restore it") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RefusedError(
            f"{path} is not a table of runs: {where}: {first['msg']}", hint="see dataset_card.md"
        ) from None


def write_atomically(target: Path, content: bytes, *, hint: str = CHOOSE_A_STORE) -> None:
    """Write a file so that every reader, at every moment, sees the old content or the new, never a part.

    Raises:
        UsageError: the directory cannot be written; names it, and says what to do (`hint`).
    """
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # not tempfile: its files are for their owner only, and a store may be read by others
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise UsageError(
            f"cannot write {target.parent}: {error.strerror or error}",
            hint=hint,
        ) from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)  # still there after an error or Ctrl-C only
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the folder's list of names to disk, where the system can: without it a power cut may undo the renaming."""
    with contextlib.suppress(OSError):  # Windows opens no folders, some network disks sync none; the file is there
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
