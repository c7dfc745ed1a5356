"""Prepared arrays on disk: one uncompressed .npz an entry, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

PREPARED_VERSION = 3
"""Raise it when a change of the code changes what is prepared; older entries are then left alone."""
_META = "__meta__"

Arrays = dict[str, "np.ndarray"]


def prepared(
    root: Path, key: dict[str, Any], make: Callable[[], tuple[Arrays, dict[str, Any]]], *, reuse: bool = True
) -> tuple[Arrays, dict[str, Any], bool]:
    """(arrays, meta, cached) for `key`, from disk if it is there and `reuse`, else made and written.

    `meta` is JSON: numbers, strings, lists. A file that is damaged is made again.
    """
    text = json.dumps({"prepared_version": PREPARED_VERSION, **key}, sort_keys=True)
    path = root / "prepared" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
    if reuse and path.is_file():
        try:
            return *_read(path), True
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)
    arrays, meta = make()
    _write(path, arrays, meta)
    return arrays, meta, False


def content_hash(*arrays: np.ndarray) -> str:
    """The first 16 hex characters of the SHA-256 over the arrays' shapes, types and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    import numpy as np

    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files if name != _META}
        return arrays, json.loads(bytes(stored[_META]))


def _write(path: Path, arrays: Arrays, meta: dict[str, Any]) -> None:
    import io

    import numpy as np

    packed = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays, **{_META: packed})
    write_whole(path, buffer.getbuffer())


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file of the cache such that no reader ever sees half of it.

    Raises:
        UsageError: it cannot be written.
    """
    from ecotaskset.store import write_atomically  # here, because it brings pyarrow

    write_atomically(path, content, hint="choose a writable place with --cache or $ECOTASKSET_CACHE")
