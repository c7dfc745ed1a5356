"""Public measurement sets as runs, from a folder the user names: one source a file, nothing lost without a reason.

Energies of different tools are not on one scale (accelerator only, facility overhead inside, polled or counted), so
an imported row always says its `origin`, its meter is spelled out in the `*_energy_method` columns, and rows are never
published in the same config as collected ones.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.importers.ledger import Ledger, Source

IMPORTERS = {
    "zeus": "zeus",
    "ecnas": "ecnas",
    "imagenet_efficiency": "imagenet_efficiency",
    "seaa2023": "seaa2023",
    "csv": "csv_mapping",
}

__all__ = ["IMPORTERS", "Ledger", "Source", "import_folder"]


def import_folder(name: str, folder: str | Path, *, mapping: str | Path | None = None) -> Ledger:
    """Read a measurement set.

    Args:
        name: one of `IMPORTERS`.
        folder: a checkout or folder with its files (for `csv`: the CSV file).
        mapping: for `csv` only, the file that says what each column means; see `ecotaskset.importers.csv_mapping`.

    Returns:
        A ledger: the runs, and for every row of every file whether it was mapped or refused, and why.

    Raises:
        UsageError: unknown name, a file is not there, or it lacks a column.
    """
    if name not in IMPORTERS:
        raise unknown_name("importer", name, IMPORTERS)
    module = import_module(f"ecotaskset.importers.{IMPORTERS[name]}")
    if name == "csv":
        if mapping is None:
            raise UsageError("the csv importer needs a mapping file", hint="pass --mapping columns.toml")
        return module.read(Path(folder), Path(mapping))
    if mapping is not None:
        raise UsageError(f"importer '{name}' takes no mapping file", hint="leave out --mapping, or import csv")
    return module.read(Path(folder))
