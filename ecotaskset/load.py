"""Loading EcoTaskSet: the snapshot shipped with the package, a release on the Hub, a local store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.knobs import DOMAINS

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

SNAPSHOT = Path(__file__).parent / "data"
SPLITS = ("train", "validation", "test")


def load_dataset(
    name: str | None = None,
    *,
    split: str | None = None,
    repo: str | None = None,
    revision: str | None = None,
    store: str | Path | None = None,
    add_store: str | Path | None = None,
    streaming: bool = False,
) -> DatasetDict | Dataset | IterableDatasetDict | IterableDataset:
    """EcoTaskSet as a `datasets.DatasetDict` (or one `Dataset` when `split` is given).

    Args:
        name: a domain (`cv`, `nlp`, `recsys`); None concatenates the domains.
        split: `train`, `validation` or `test`.
        repo: a Hub dataset `owner/name` to load a release from instead of the shipped snapshot.
        revision: tag or commit of that release; honoured offline too.
        store: a local store and nothing else; its runs come as one split `train`.
        add_store: a local store whose runs join the snapshot or the release, each in the split of its recipe, so that
            none is in two; runs that are there already (same `run_id`) stay as they are.
        streaming: rows as they are asked for (`IterableDatasetDict`); a release is read from the Hub part by part,
            pinned to one commit, instead of being downloaded.

    Raises:
        UsageError: unknown domain or split, sources that exclude each other, or nothing to load.
        HubError: the release cannot be fetched and is not in the cache.

    Example:
        >>> from ecotaskset import load_dataset
        >>> load_dataset("cv", split="train").features["energy_kwh"].dtype
        'float64'
    """
    from datasets import Dataset, DatasetDict, IterableDatasetDict

    if streaming and repo is not None and add_store is None and store is None:
        return _streamed(repo, revision, name, split)
    tables = load_tables(name, repo=repo, revision=revision, store=store, add_store=add_store)
    if split is not None and split not in tables:
        raise unknown_name("split", split, tables)
    loaded = {key: Dataset(table) for key, table in tables.items() if split in (None, key)}
    if streaming:
        loaded = {key: rows.to_iterable_dataset() for key, rows in loaded.items()}
    return loaded[split] if split is not None else (IterableDatasetDict if streaming else DatasetDict)(loaded)


def load_tables(
    name: str | None = None,
    *,
    repo: str | None = None,
    revision: str | None = None,
    store: str | Path | None = None,
    add_store: str | Path | None = None,
) -> dict[str, pa.Table]:
    """The same as pyarrow tables by split, without importing `datasets`."""
    _check_domain(name)
    if store is not None:
        if repo is not None or add_store is not None:
            raise UsageError("store= is read alone", hint="add_store= adds a store to the snapshot or to repo=")
        return {"train": _read_store(store, name)}
    folder = SNAPSHOT if repo is None else _fetch(repo, revision)
    tables = _read_folder(folder, (name,) if name else DOMAINS)
    return tables if add_store is None else _joined(tables, _read_store(add_store, name))


def load_runs(name: str | None = None, **source: Any) -> pa.Table:
    """All splits as one table with an extra column `split`; takes the arguments of `load_tables`."""
    tables = load_tables(name, **source)
    parts = [t.append_column("split", pa.array([key] * len(t), pa.string())) for key, t in tables.items()]
    return pa.concat_tables(parts)


def _check_domain(name: str | None) -> None:
    if name is not None and name not in DOMAINS:
        raise unknown_name("domain", name, DOMAINS)


def _read_store(store: str | Path, name: str | None) -> pa.Table:
    from ecotaskset.store import Store

    table = Store(store).to_table()
    return table if name is None else table.filter(pa.compute.equal(table["domain"], name))


def _joined(tables: dict[str, pa.Table], more: pa.Table) -> dict[str, pa.Table]:
    """Release and store, no run twice, every recipe in the one split that is its own in all releases."""
    from ecotaskset.snapshot import split_of_recipe

    known = {run_id for table in tables.values() for run_id in table["run_id"].to_pylist()}
    ids, recipes = more["run_id"].to_pylist(), more["recipe_id"].to_pylist()
    home = [None if i in known else split_of_recipe(r or i) for i, r in zip(ids, recipes, strict=True)]
    joined: dict[str, pa.Table] = {}
    for split in SPLITS:
        new = more.filter(pa.array([place == split for place in home], pa.bool_()))
        parts = [tables[split], new] if split in tables else [new]
        if any(len(part) for part in parts):
            joined[split] = pa.concat_tables(parts)
    return joined


def _streamed(repo: str, revision: str | None, name: str | None, split: str | None) -> Any:
    """A release's files read over the network as rows are asked for."""
    import datasets

    from ecotaskset.hub import data_addresses

    _check_domain(name)
    found = data_addresses(repo, revision=revision, domains=(name,) if name else DOMAINS)
    addresses = {key: found[key] for key in SPLITS if key in found}
    if not addresses:
        raise UsageError(f"no runs of {name or ', '.join(DOMAINS)} in {repo}", hint="name another domain or version")
    if split is not None and split not in addresses:
        raise unknown_name("split", split, addresses)
    return datasets.load_dataset("parquet", data_files=addresses, split=split, streaming=True)


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
