"""A run that was paid for is not thrown away: it goes to the store, else to a temporary file, else to stderr."""

from __future__ import annotations

import shlex
import sys
import tempfile
from pathlib import Path

from ecotaskset.errors import UsageError
from ecotaskset.run import Run
from ecotaskset.store import Store


def keep(run: Run, store: Store) -> Path:
    """Append a run to the store; returns its file.

    Raises:
        UsageError: the store cannot be written any more; the message says where the run is instead.
    """
    try:
        return store.append(run)
    except UsageError as error:
        place = store.path / "runs" / f"{run.run_id}.json"
        if (beside := _keep_beside(run)) is not None:
            move = shlex.join(["mv", str(beside), str(place)])
            raise UsageError(f"{error.message}; the run is in {beside}", hint=f"when that is mended: {move}") from None
        sys.stderr.write(run.model_dump_json() + "\n")
        raise UsageError(f"{error.message}; the run is the line above", hint=f"save that line as {place}") from None


def _keep_beside(run: Run) -> Path | None:
    """The run's file in a store of its own, among the temporary files; None where that cannot be written either."""
    try:
        return Store(tempfile.mkdtemp(prefix="ecotaskset-")).append(run)
    except (OSError, UsageError):
        return None
