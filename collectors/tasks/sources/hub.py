"""Data sets on the Hugging Face Hub (or a local copy of one), through the `datasets` library."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from collectors.tasks.sources.packages import SourceUnavailable
from collectors.tasks.sources.pictures import to_squares
from collectors.tasks.sources.raw import TEST, TRAIN, VALIDATION, Images, Interactions, Texts
from collectors.tasks.sources.tables import (
    ITEM_NAMES,
    LABEL_NAMES,
    TEXT_NAMES,
    TIME_NAMES,
    USER_NAMES,
    column_of,
    encode_labels,
    interactions,
)
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import datasets
    import numpy as np

PROBE_TIMEOUT_S = 5
SPLITS = {"train": TRAIN, "validation": VALIDATION, "valid": VALIDATION, "dev": VALIDATION, "test": TEST}
UNLABELLED = -1


def hub_images(
    root: Path,
    *,
    hub_id: str,
    image: str | None = None,
    label: str | None = None,
    config: str | None = None,
    revision: str | None = None,
    side: int | None = None,
) -> Images:
    """Pictures and labels of all labelled splits; the published test and validation splits are kept."""
    import datasets

    data, split = _all_splits(hub_id, config, revision, root)
    pictures = image or next((name for name, kind in data.features.items() if isinstance(kind, datasets.Image)), None)
    if pictures is None or pictures not in data.features:
        raise UsageError(f"{hub_id} has no column of images", hint=f"its columns are: {', '.join(data.features)}")
    kept, labels, names = _labels(data, label, hub_id)
    split = split[kept]
    column = data.select_columns([pictures]).select(kept)
    return Images(to_squares(lambda: (row[pictures] for row in column), side), labels, names, split)


def hub_texts(
    root: Path,
    *,
    hub_id: str,
    text: str | tuple[str, ...] | None = None,
    label: str | None = None,
    config: str | None = None,
    revision: str | None = None,
) -> Texts:
    """Texts (several columns are joined by a line break) and labels of all labelled splits."""
    data, split = _all_splits(hub_id, config, revision, root)
    columns = (text,) if isinstance(text, str) else text
    if columns is None:
        strings = [name for name, kind in data.features.items() if getattr(kind, "dtype", None) in _STRINGS]
        columns = tuple(name for name in strings if name.lower() in TEXT_NAMES)[:1] or tuple(strings[:1])
    if not columns or any(name not in data.features for name in columns):
        raise UsageError(f"{hub_id} has no such column of texts", hint=f"its columns are: {', '.join(data.features)}")
    kept, labels, names = _labels(data, label, hub_id)
    rows = data.select(kept)
    texts = tuple(
        "\n".join(str(part or "") for part in parts) for parts in zip(*(rows[c] for c in columns), strict=True)
    )
    return Texts(texts, labels, names, split[kept])


def hub_interactions(
    root: Path, *, hub_id: str, user: str | None = None, item: str | None = None, time: str | None = None
) -> Interactions:
    """Interactions of all splits together; leave-one-out makes its own."""
    data, _ = _all_splits(hub_id, None, None, root)
    table = data.to_pandas()
    wanted = ((user, USER_NAMES, "user"), (item, ITEM_NAMES, "item"), (time, TIME_NAMES, "time"))
    users, items, times = (table[column_of(table, name, names, what, Path(hub_id))] for name, names, what in wanted)
    return interactions(users.to_numpy(), items.to_numpy(), times, hub_id)


def require_reachable(what: str) -> None:
    """Raise SourceUnavailable at once where the Hub cannot be reached: its client would retry for half a minute."""
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _unavailable(what, "HF_HUB_OFFLINE is set")
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), timeout=PROBE_TIMEOUT_S).close()
    except OSError as error:
        raise _unavailable(what, f"{address.hostname} does not answer ({error.strerror or error})") from None


_STRINGS = ("string", "large_string")


def _all_splits(
    hub_id: str, config: str | None, revision: str | None, root: Path
) -> tuple[datasets.Dataset, np.ndarray]:
    """All rows, in order of the splits' names, and the split of each."""
    import datasets
    import numpy as np

    cache = root / "hub"
    if not Path(hub_id).exists() and not (cache / hub_id.replace("/", "___")).is_dir():
        require_reachable(f"data set {hub_id}")
    try:
        loaded: Any = datasets.load_dataset(hub_id, config, revision=revision, cache_dir=str(cache))
    except (OSError, ValueError, RuntimeError) as error:
        problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise _unavailable(f"data set {hub_id}", problem) from error
    names = sorted(name for name in loaded if name in SPLITS) or sorted(loaded)[:1]
    split = np.concatenate([np.full(len(loaded[name]), SPLITS.get(name, TRAIN), dtype=np.int8) for name in names])
    return datasets.concatenate_datasets([loaded[name] for name in names]), split


def _labels(data: datasets.Dataset, label: str | None, hub_id: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """(rows with a label, their class numbers, the class names)."""
    import datasets
    import numpy as np

    column = label or next((name for name in data.features if name.lower() in LABEL_NAMES), None)
    if column is None or column not in data.features:
        raise UsageError(
            f"{hub_id} has no column {label!r}" if label else f"{hub_id} has no column that is called label",
            hint=f"its columns are: {', '.join(data.features)}",
        )
    values = np.array(data[column])
    kept = np.flatnonzero(values != UNLABELLED) if values.dtype.kind in "iu" else np.arange(len(values))
    kind = data.features[column]
    if isinstance(kind, datasets.ClassLabel):
        return kept, values[kept].astype(np.int64), tuple(kind.names)
    return kept, *encode_labels(values[kept], hub_id)


def _unavailable(what: str, why: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"{what} could not be had from the Hub: {why}",
        hint="connect to the Hub or set HF_ENDPOINT to a mirror; `green-collect --list` shows what needs no Hub",
    )
