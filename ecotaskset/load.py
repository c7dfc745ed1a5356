"""Loading EcoTaskSet: the snapshot shipped with the package, a release on the Hub, a local store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

SNAPSHOT = Path(__file__).parent / "data"
SPLITS = ("train", "validation", "test")


def load_dataset(
    name: str | None = None,
    *,
    split: str | None = None,
    repo: str | None = None,
    revision: str | None = None,
    store: str | Path | None = None,
) -> DatasetDict | Dataset:
    """EcoTaskSet as a `datasets.DatasetDict` (or one `Dataset` when `split` is given).

    Args:
        name: a domain (`cv`, `nlp`, `recsys`); None concatenates the domains.
        split: `train`, `validation` or `test`.
        repo: a Hub dataset `owner/name` to load a release from instead of the shipped snapshot.
        revision: tag or commit of that release; honoured offline too.
        store: a local store; its runs come as one split `train`.

    Raises:
        UsageError: unknown domain or split, or nothing to load.
        HubError: the release cannot be fetched and is not in the cache.

    Example:
        >>> from ecotaskset import load_dataset
        >>> load_dataset("cv", split="train").features["energy_kwh"].dtype
        'float64'
    """
    from datasets import Dataset, DatasetDict

    tables = load_tables(name, repo=repo, revision=revision, store=store)
    if split is not None and split not in tables:
        raise unknown_name("split", split, tables)
    loaded = {key: Dataset(table) for key, table in tables.items() if split in (None, key)}
    return loaded[split] if split is not None else DatasetDict(loaded)


def load_tables(
    name: str | None = None,
    *,
    repo: str | None = None,
    revision: str | None = None,
    store: str | Path | None = None,
) -> dict[str, pa.Table]:
    """The same as pyarrow tables by split, without importing `datasets`."""
    if name is not None and name not in DOMAINS:
        raise unknown_name("domain", name, DOMAINS)
    if store is not None:
        from ecotaskset.store import Store

        table = Store(store).to_table()
        if name is not None:
            table = table.filter(pa.compute.equal(table["domain"], name))
        return {"train": table}
    folder = SNAPSHOT if repo is None else _fetch(repo, revision)
    return _read_folder(folder, (name,) if name else DOMAINS)


def load_runs(name: str | None = None, **source: Any) -> pa.Table:
    """All splits as one table with an extra column `split`; takes the arguments of `load_tables`."""
    tables = load_tables(name, **source)
    parts = [t.append_column("split", pa.array([key] * len(t), pa.string())) for key, t in tables.items()]
    return pa.concat_tables(parts)


def _read_folder(folder: Path, domains: tuple[str, ...]) -> dict[str, pa.Table]:
    from ecotaskset.run import arrow_schema

    tables: dict[str, pa.Table] = {}
    for split in SPLITS:
        paths = [path for domain in domains for path in sorted((folder / domain).glob(f"{split}-*.parquet"))]
        if paths:
            tables[split] = pa.concat_tables([_read_file(path) for path in paths]).cast(arrow_schema())
    if not tables:
        raise UsageError(f"no runs of {', '.join(domains)} under {folder}", hint="reinstall the package")
    return tables


def _read_file(path: Path) -> pa.Table:
    """One data file with the columns of this version; those of a release before they existed are null."""
    from ecotaskset.run import arrow_schema

    with pq.ParquetFile(path) as file:  # not read_table: that imports pandas
        table = file.read()
    schema = arrow_schema()
    if newer := sorted(set(table.column_names) - set(schema.names)):
        raise UsageError(
            f"{path} has columns this version does not know: {', '.join(newer)}", hint="upgrade ecotaskset"
        )
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(len(table), field.type) for field in schema
    ]
    return pa.table(columns, names=schema.names)


def _fetch(repo: str, revision: str | None) -> Path:
    from ecotaskset.hub import fetch

    return fetch(repo, revision=revision) / "data"
