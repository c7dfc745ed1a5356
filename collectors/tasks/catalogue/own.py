"""Data of the user's own, named in the recipe.

    csv:PATH[:TEXT[:LABEL]]                 nlp
    csv:PATH[:USER[:ITEM[:TIME]]]           recsys
    folder:PATH                             cv, with a folder a class
    hub:ORG/NAME[:INPUT[:LABEL[:CONFIG]]]   cv and nlp; USER, ITEM, TIME in recsys

Column names that are left out are found by their usual names. A run records the file's name and a hash of its content,
never its folder; see `public_name`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

from collectors.tasks.catalogue.declaration import DatasetEntry
from collectors.tasks.catalogue.own_content import HASH_LENGTH, content_id, files_of
from collectors.tasks.sources.hub import hub_images, hub_interactions, hub_texts
from collectors.tasks.sources.pictures import folder_version, image_folder
from collectors.tasks.sources.tables import interaction_table, text_table
from ecotaskset.errors import UsageError
from ecotaskset.recipe import OWN_KINDS

KINDS = {"cv": ("folder", "hub"), "nlp": ("csv", "hub"), "recsys": ("csv", "hub")}
OWN_LENGTH = {"nlp": 64, "recsys": 32}
PUBLIC = re.compile(rf"[^/]+@[0-9a-f]{{{HASH_LENGTH}}}")
"""A place as `public_name` writes it."""


def from_name(name: str, domain: str) -> DatasetEntry | None:
    """A declaration made for this name, or None if the name has none of the prefixes.

    Raises UsageError for a prefix that does not fit the domain, a path that is not there, or a public name.
    """
    kind, colon, rest = name.partition(":")
    if not colon or kind not in OWN_KINDS:
        return None
    if kind not in KINDS[domain]:
        fitting = " or ".join(f"{known}:" for known in KINDS[domain])
        raise UsageError(f"'{kind}:' data does not fit domain '{domain}'", hint=f"use {fitting}")
    place, *columns = rest.split(":")
    if not place:
        raise UsageError(f"data set '{name}' names no place", hint=f"write {kind}:PATH")
    if PUBLIC.fullmatch(place) and not Path(place).exists():
        raise UsageError(f"'{name}' names somebody's own data by its content", hint=f"name your copy: {kind}:PATH")
    chosen = [column or None for column in columns]
    return {"csv": _csv, "folder": _folder, "hub": _hub}[kind](domain, place, chosen)


def public_name(name: str) -> str:
    """The name of a data set or model without the folder it lies in: what may leave this machine.

    `csv:/home/ada/reviews.csv:body` becomes `csv:reviews.csv@3fa9c1d2`, after the content of the file and the columns
    chosen, so that a copy elsewhere has the same name and another file of that name has another; spaces and the like
    become dashes. Names of the catalogue and of the Hub stay as they are, and so do public ones; what cannot be read is
    named without a hash.
    """
    kind, colon, rest = name.partition(":")
    if not colon or kind not in OWN_KINDS:
        return name
    place, *columns = rest.split(":")
    path = Path(place).expanduser()
    path = path if path.name else path.resolve()  # `folder:.` has a name too
    if kind == "hub" and not _is_here(path):
        return name
    content, base = content_id(kind, path, columns), re.sub(r"[^A-Za-z0-9_.@\-]", "-", path.name)
    return f"{kind}:{base}@{content}" if content else f"{kind}:{base}"


def is_private(name: str) -> bool:
    """Does a name lead to files of whoever reads it, rather than say by its content which data are meant?"""
    kind, colon, rest = name.partition(":")
    place = rest.split(":")[0]
    if not colon or kind not in OWN_KINDS:
        return False
    return _is_here(Path(place).expanduser()) if kind == "hub" else not PUBLIC.fullmatch(place)


def _is_here(path: Path) -> bool:
    """Whether a `hub:` name means a folder of this machine, which goes before the Hub."""
    return path.is_absolute() or path.exists()


def _csv(domain: str, place: str, columns: list[str | None]) -> DatasetEntry:
    path = Path(place).expanduser()
    wanted = 2 if domain == "nlp" else 3
    read = text_table if domain == "nlp" else interaction_table
    arguments = _exactly(columns, wanted, f"csv:{path.name}")
    stat = path.stat() if path.is_file() else None
    version = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {arguments}" if stat else place
    return _entry(f"csv:{path.name}", domain, lambda root: read(path, *arguments), version)


def _folder(domain: str, place: str, columns: list[str | None]) -> DatasetEntry:
    folder = Path(place).expanduser()
    _exactly(columns, 0, f"folder:{folder.name}")
    return _entry(f"folder:{folder.name}", domain, lambda root: image_folder(folder), folder_version(folder))


def _hub(domain: str, hub_id: str, columns: list[str | None]) -> DatasetEntry:
    first, second, third = _exactly(columns, 3, f"hub:{hub_id}")
    here = Path(hub_id)
    name = here.name if _is_here(here) else hub_id
    version = f"{hub_id} {first} {second} {third}" + (f" {files_of('hub', here)}" if here.is_dir() else "")
    if domain == "cv":
        load = partial(hub_images, hub_id=hub_id, image=first, label=second, config=third)
    elif domain == "nlp":
        load = partial(hub_texts, hub_id=hub_id, text=first, label=second, config=third)
    else:
        load = partial(hub_interactions, hub_id=hub_id, user=first, item=second, time=third)
    entry = _entry(f"hub:{name}", domain, None, version)
    return replace(entry, load_hub=load, hub_id=hub_id)


def _entry(name: str, domain: str, load: object, version: str) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain=domain,
        source=name,
        licence="as its owner says",
        citation="",
        load=load,
        sequence_length=OWN_LENGTH.get(domain),
        version=version,
    )


def _exactly(columns: list[str | None], wanted: int, what: str) -> list[str | None]:
    if len(columns) > wanted:
        raise UsageError(f"{what}: {len(columns)} column names given, at most {wanted} are used", hint="leave some out")
    return columns + [None] * (wanted - len(columns))
