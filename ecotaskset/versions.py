"""What `--version` says, the same for all commands: the versions of the package and of all that it ships and reads."""

# no `from __future__ import annotations`: typer reads the annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ecotaskset._version import MODEL_FORMAT, SCHEMA_VERSION, __version__

MANIFEST = Path(__file__).parent / "data" / "manifest.json"


def versions() -> dict[str, str | int | None]:
    """`version` of the package, `data_version` of the snapshot it ships (None: it ships none), `schema_version` of its
    columns, `model_format` of the predictors it reads."""
    data = json.loads(MANIFEST.read_bytes())["version"] if MANIFEST.is_file() else None
    return {
        "version": __version__,
        "data_version": data,
        "schema_version": SCHEMA_VERSION,
        "model_format": MODEL_FORMAT,
    }


def version_line() -> str:
    """The same for people."""
    of = versions()
    data = of["data_version"] or "none"
    return f"package {of['version']} · data {data} · schema {of['schema_version']} · model format {of['model_format']}"


def _show(asked: bool) -> None:
    if asked:
        typer.echo(version_line())
        raise typer.Exit


VERSION_HELP = "versions of package, data, schema and model format"
Version = Annotated[bool, typer.Option("--version", help=VERSION_HELP, callback=_show, is_eager=True)]
"""The option, for the signature of a command."""
