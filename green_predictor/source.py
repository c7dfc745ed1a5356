"""Where runs come from (`data=`), and the fitted model that belongs to them: shipped, cached, or fitted now.

`data=` may also name a model that was fitted before: the folder that `green-predictor fit --output` wrote, or
`model:owner/name[@revision]` on the Hub. The word is needed there because data sets are called owner/name too.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecotaskset.errors import EcoTaskSetError, UsageError
from green_predictor.domain_model import DomainModel

SHIPPED_MODEL = Path(__file__).parent / "model"
ON_THE_HUB = "model:"
MOST_BYTES = 64_000_000
"""Of a file that somebody wrote by hand."""
_REPO = re.compile(r"^[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*$")


def records(data: Any = None) -> list[dict[str, Any]]:
    """Run records (dicts of Run columns) from: None (the shipped snapshot), a store or parquet path, a Hub data set
    `owner/name[@revision]`, a pyarrow table, a pandas frame, or runs.

    Raises:
        UsageError: nothing there, a fitted model, or nothing that runs can be read from.
    """
    if _names_a_model(data):
        raise UsageError(f"'{data}' is a fitted model: here runs are needed", hint="a store, a table or a data set")
    if data is None or isinstance(data, (str, Path)):
        return _from_place(data)
    if hasattr(data, "to_pylist"):
        return data.to_pylist()
    if hasattr(data, "to_dict") and hasattr(data, "columns"):
        import pyarrow as pa

        return pa.Table.from_pandas(data, preserve_index=False).to_pylist()
    if isinstance(data, Mapping):
        return [dict(data)]
    if isinstance(data, Iterable):
        return [_record(r) for r in data]
    raise UsageError(f"data={type(data).__name__} is not a source of runs", hint="a path, a Hub id, a table or runs")


def _record(run: Any) -> dict[str, Any]:
    if hasattr(run, "model_dump"):
        return run.model_dump()
    if not isinstance(run, Mapping):
        raise UsageError(f"{run!r} is not a run", hint="a run is a dict of its columns, such as {'model': 'mlp', …}")
    return dict(run)


def _from_place(place: str | Path | None) -> list[dict[str, Any]]:
    from ecotaskset.load import load_runs

    if place is None:
        return load_runs().to_pylist()
    path = Path(place).expanduser()
    if path.is_file() and path.suffix.lower() in (".json", ".csv"):
        return _written_by_hand(path)
    if path.is_file():
        from ecotaskset.store import read_parquet

        return [run.model_dump() for run in read_parquet(path)]
    if path.is_dir():
        return load_runs(store=path).to_pylist()
    name, _, revision = str(place).partition("@")
    if _REPO.match(name):
        return load_runs(repo=name, revision=revision or None).to_pylist()
    hint = "a store's directory, a parquet, JSON or CSV file, a Hub data set owner/name, or, to ask, a model's folder"
    raise UsageError(f"no runs at '{place}'", hint=hint)


def _written_by_hand(path: Path) -> list[dict[str, Any]]:
    """Runs of a JSON file (a list of runs, or one) or of a CSV file with a header; an empty cell is unknown."""
    kind = path.suffix[1:].upper()
    try:
        too_large, content = path.stat().st_size > MOST_BYTES, None
        if not too_large and kind == "JSON":
            content = json.loads(path.read_text())
        elif not too_large:
            from pyarrow import csv

            content = csv.read_csv(path).to_pylist()
    except (OSError, ValueError, RecursionError) as error:  # what pyarrow raises is a ValueError
        said = "".join(filter(str.isprintable, (str(error) or type(error).__name__).splitlines()[0]))
        raise UsageError(f"{path} cannot be read as {kind}: {said[:200]}") from None
    if too_large:
        raise UsageError(f"{path} is too large for runs written by hand", hint=f"{MOST_BYTES:,} bytes, or use parquet")
    if not isinstance(content, (list, dict)):
        raise UsageError(f"{path} holds no runs", hint="a list of runs, each an object of its columns")
    return records(content)


LEARNED = ("energy_kwh", "energy_measured_kwh", "ram_energy_kwh", "duration_s", "quality_last", "quality_validation",
           "status", "data_cached")  # fmt: skip


def fingerprint(rows: Iterable[Mapping[str, Any]]) -> str:
    """16 hexadecimal characters that identify a set of runs, whatever their order.

    A run's id is the hash of its content when it is made, and a store checks that it still is; a table that somebody
    edited keeps its ids. So what was measured and reached (`LEARNED`) counts along with them. Other columns changed
    under an old id are not noticed; rows without ids count with all they hold.
    """
    known = (
        str([r["run_id"], *map(r.get, LEARNED)]) if r.get("run_id") else json.dumps(r, sort_keys=True, default=str)
        for r in rows
    )
    return hashlib.sha256("\n".join(sorted(known)).encode()).hexdigest()[:16]


def snapshot_stamp() -> str:
    """What identifies the shipped snapshot without reading its rows: the hash of its files."""
    from ecotaskset.load import SNAPSHOT

    paths = sorted(SNAPSHOT.glob("*/*.parquet"))
    return _stamp(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths))


@lru_cache(maxsize=4)
def _stamp(files: tuple[tuple[Path, int, int], ...]) -> str:
    found = hashlib.sha256()
    for path, _, _ in files:
        found.update(f"{path.parent.name}/{path.name}".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


_LOADED: dict[tuple[str, ...], dict[str, DomainModel]] = {}


def models_for(data: Any = None, energy: str = "all") -> dict[str, DomainModel]:
    """Fitted models by domain: those that `data` names, or of the runs it names. The shipped model is used for the
    shipped snapshot; for other runs one is fitted once and kept in the user's cache directory.

    Raises:
        UsageError: nothing there, too few runs, or a model of another kind of energy.
        RefusedError: what should be a model is none. HubError: it cannot be fetched.
    """
    if hasattr(data, "domains_"):  # a fitted GreenPredictor
        return data.domains_
    if _names_a_model(data):
        return _saved(_folder_of(data), energy)
    if data is None:
        stamp = snapshot_stamp()
        key = (stamp, energy)
        if key not in _LOADED:
            _LOADED[key] = _shipped(stamp, energy) or _cached_or_fitted(stamp, None, energy)
        return _LOADED[key]
    rows = records(data)
    key = (fingerprint(rows), energy)
    if key not in _LOADED:
        _LOADED[key] = _cached_or_fitted(key[0], rows, energy)
    return _LOADED[key]


def _names_a_model(data: Any) -> bool:
    """A store into which somebody also wrote a model is a store."""
    if not isinstance(data, (str, Path)):
        return False
    from green_predictor.storage import JSON_NAME

    folder = Path(data).expanduser()
    return str(data).startswith(ON_THE_HUB) or ((folder / JSON_NAME).is_file() and not (folder / "runs").is_dir())


def _folder_of(place: str | Path) -> Path:
    if not str(place).startswith(ON_THE_HUB):
        return Path(place).expanduser()
    from green_predictor.hub import fetch_model

    name, _, revision = str(place).removeprefix(ON_THE_HUB).partition("@")
    return fetch_model(name, revision=revision or None)


def _saved(folder: Path, energy: str) -> dict[str, DomainModel]:
    from green_predictor.storage import ARRAYS_NAME, JSON_NAME, load

    written = [str((folder / name).stat().st_mtime_ns) for name in (JSON_NAME, ARRAYS_NAME) if (folder / name).exists()]
    key = (str(folder.resolve()), *written, energy)
    if key not in _LOADED:
        domains, facts = load(folder)
        if (learned := facts.get("energy", "all")) != energy:
            raise UsageError(f"the model in {folder} is of {learned!r} energy, not {energy!r}", hint="ask it for that")
        _LOADED[key] = domains
    return _LOADED[key]


def _shipped(stamp: str, energy: str) -> dict[str, DomainModel] | None:
    """The package's own model, if it is of this snapshot and this energy, and can be read."""
    from green_predictor.storage import JSON_NAME, load

    if not (SHIPPED_MODEL / JSON_NAME).exists():
        return None
    try:
        domains, facts = load(SHIPPED_MODEL)
    except EcoTaskSetError as error:
        said = "%s; answering with a model that is fitted here once (about a minute) and kept in the cache"
        logging.getLogger(__name__).warning(said, error.message)
        return None
    return domains if (facts.get("snapshot"), facts.get("energy")) == (stamp, energy) else None


def _cached_or_fitted(stamp: str, rows: list[dict[str, Any]] | None, energy: str) -> dict[str, DomainModel]:
    from green_predictor.storage import JSON_NAME, load, save

    folder = _cache_folder(f"{stamp}-{energy}")
    if folder is not None and (folder / JSON_NAME).exists():
        with suppress(EcoTaskSetError):  # an older format or a damaged cache: fit again
            return load(folder)[0]
    from green_predictor.fitting import fit_domains

    domains = fit_domains(rows if rows is not None else records(), energy=energy)
    if folder is not None:
        with suppress(UsageError):  # a read-only home: the answer needs no cache
            save(domains, folder, {"snapshot": stamp, "energy": energy})
    return domains


def _cache_folder(name: str) -> Path | None:
    import platformdirs

    from green_predictor.version import model_version

    return Path(platformdirs.user_cache_dir("ecotaskset", appauthor=False)) / "models" / f"{name}-{model_version()}"
