"""Any CSV of trainings as runs, by a small mapping file (TOML, JSON or YAML) that says what each column means.

A mapping, here in TOML::

    [source]                                    # required: name, licence, meter
    name = "mylab"                              # rows get origin "imported:mylab"
    licence = "CC-BY-4.0"
    meter = "accelerator only, NVML counter"    # what was metered, with what; goes onto every row
    version = "2026-03"                         # optional, as are title and citation

    [constants]                                 # columns of EcoTaskSet that are the same for every row
    domain = "cv"
    dataset = "cifar10"
    gpu_energy_source = "nvml_counter"
    gpu_energy_quality = "measured"

    [columns]                                   # column of EcoTaskSet = column of the file
    model = "network"
    epochs = "n_epochs"
    gpu_energy_kwh = { column = "joules", unit = "J", divide = 1.59 }     # divide: facility overhead that is inside
    energy_kwh = { column = "joules", unit = "J", divide = 1.59 }
    duration_s = { column = "hours", unit = "h" }
    quality_validation = { column = "acc", unit = "percent" }

    [knobs]                                     # knob = column of the file
    precision = "dtype"

Rules: `domain`, `dataset`, `model` must be given; energy, power and time must name their unit, other numbers theirs
where it is not ours; an energy needs its `*_energy_source` and `*_energy_quality`, or it is entered as source
`imported`; curves cannot be mapped. Columns of the file that no line names are reported as left out; a row that cannot
be read is refused with its line number.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from ecotaskset.importers.ledger import Ledger, Source
from ecotaskset.importers.tables import Row, number, read_rows
from ecotaskset.importers.units import FACTORS, factor
from ecotaskset.knobs import KNOBS, get_knob
from ecotaskset.run import COMPONENTS, columns

TABLES = {"source", "constants", "columns", "knobs"}
REQUIRED_SOURCE = ("name", "licence", "meter")
REQUIRED_COLUMNS = ("domain", "dataset", "model")
NOT_MAPPABLE = {"run_id", "recipe_id", "schema_version", "origin", "trust", "contributor", "collector_version", "knobs"}
MUST_SAY_UNIT = ("kWh", "W", "s", "ms")
"""Tools report energy, power and time in units that differ by factors of thousands: none is taken for granted."""

MAX_MAPPING_BYTES = 100_000
YES_NO = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def read(path: Path, mapping_path: Path) -> Ledger:
    """The runs of a CSV file.

    Raises:
        UsageError: the mapping names something that does not exist; the message says where.
    """
    mapping = read_mapping(mapping_path)
    fields, knobs = mapping["columns"], mapping["knobs"]
    about = mapping["source"]
    source = Source(
        name=about["name"],
        title=about.get("title", about["name"]),
        version=about.get("version", "unversioned"),
        licence=about["licence"],
        citation=about.get("citation", ""),
        meter=about["meter"],
    )
    named = {entry["column"]: target for target, entry in fields.items()}
    named |= {column: f"knob {knob}" for knob, column in knobs.items()}
    ledger = Ledger(source)
    for line, row in read_rows(ledger, path, named):
        try:
            values = {**mapping["constants"], **{t: _value(t, entry, row) for t, entry in fields.items()}}
            values["knobs"] = _knobs(knobs, row)
        except (ValueError, UsageError) as error:
            ledger.refuse({path.name: [line]}, str(error))
        else:
            ledger.add({path.name: [line]}, **_with_provenance(values, source.meter))
    return ledger


def read_mapping(path: Path) -> dict[str, dict[str, Any]]:
    """A checked mapping: `source`, `constants`, `columns` (each {column, factor}), `knobs`.

    Raises:
        UsageError: unreadable, or it names an unknown column, knob or unit.
    """
    raw = _parse(path)
    if not isinstance(raw, dict) or not all(isinstance(table, dict) for table in raw.values()):
        raise UsageError(f"{path} is not a mapping of tables", hint="see `ecotaskset import --help`")
    if extra := sorted(set(raw) - TABLES, key=str):
        raise unknown_name(f"table in {path.name}", extra[0], TABLES)
    mapping: dict[str, dict[str, Any]] = {name: raw.get(name, {}) for name in TABLES}
    for name in REQUIRED_SOURCE:
        if not isinstance(mapping["source"].get(name), str):
            raise UsageError(f"{path.name}: [source] has no {name}", hint=f"it needs {', '.join(REQUIRED_SOURCE)}")
    for name, value in mapping["source"].items():
        if not isinstance(value, str):  # a version such as 2026-03-01 without quotes is a date
            raise UsageError(f"{path.name}: [source] {name} is not text", hint=f'write it in quotes: "{value}"')
    if not re.fullmatch(r"[a-z0-9_.-]{1,60}", mapping["source"]["name"]):
        raise UsageError(f"{path.name}: [source] name is not in lower-case letters, digits, '.', '_' and '-'")
    known = columns()
    for target in [*mapping["constants"], *mapping["columns"]]:
        if target not in known or target in NOT_MAPPABLE or target.startswith("curve_"):
            legal = [c for c in known if c not in NOT_MAPPABLE and not c.startswith("curve_")]
            raise unknown_name(f"column in {path.name}", target, legal)
    for target in REQUIRED_COLUMNS:
        if target not in mapping["constants"] and target not in mapping["columns"]:
            raise UsageError(f"{path.name}: nothing gives '{target}'", hint="add it to [constants] or [columns]")
    for knob, column in mapping["knobs"].items():
        get_knob(knob)
        if not isinstance(column, str):
            raise _no_column(knob)
    entries = mapping["columns"].items()
    mapping["columns"] = {target: _entry(target, entry, known[target]["unit"]) for target, entry in entries}
    return mapping


def _entry(target: str, entry: Any, unit: str | None) -> dict[str, Any]:
    entry = {"column": entry} if isinstance(entry, str) else entry
    if not isinstance(entry, dict) or not isinstance(entry.get("column"), str):
        raise _no_column(target)
    if extra := sorted(set(entry) - {"column", "unit", "divide"}, key=str):
        raise unknown_name(f"setting of '{target}'", extra[0], ("column", "unit", "divide"))
    divide = entry.get("divide", 1.0)
    if not isinstance(divide, (int, float)) or not divide > 0:
        raise UsageError(f"'{target}': divide = {divide!r} is not a positive number")
    if "unit" not in entry and unit in MUST_SAY_UNIT:
        column, known = entry["column"], ", ".join(FACTORS[unit])
        raise UsageError(
            f"'{target}' does not say the unit of '{column}'",
            hint=f'write {target} = {{ column = "{column}", unit = "{unit}" }}, or whichever it is of {known}',
        )
    scale = factor(target, unit, str(entry["unit"])) if "unit" in entry else 1.0
    return {"column": entry["column"], "factor": scale / divide}


def _no_column(target: str) -> UsageError:
    return UsageError(f"'{target}' does not name a column", hint=f'write {target} = "name of the column"')


def _value(target: str, entry: dict[str, Any], row: Row) -> Any:
    import pyarrow as pa

    kind, cell = columns()[target]["type"], row[entry["column"]]
    if pa.types.is_boolean(kind):
        if cell.strip() and cell.strip().lower() not in YES_NO:
            raise ValueError(f"{entry['column']}: '{cell}' is not yes or no")
        return YES_NO.get(cell.strip().lower())
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return cell.strip() or None
    try:
        value = number(cell)
    except ValueError:
        raise ValueError(f"{entry['column']}: '{cell}' is not a number") from None
    if value is None:
        return None
    value *= entry["factor"]
    return round(value) if pa.types.is_integer(kind) and abs(value - round(value)) < 1e-6 else value


def _knobs(mapped: dict[str, str], row: Row) -> list[dict[str, str]]:
    settings = []
    for name in sorted(mapped):
        if text := row[mapped[name]].strip():
            value = KNOBS[name].parse(text)
            if value != KNOBS[name].default:
                shown = str(value).lower() if isinstance(value, bool) else str(value)
                settings.append({"phase": KNOBS[name].phase, "name": name, "value": shown})
    return settings


def _with_provenance(values: dict[str, Any], meter: str) -> dict[str, Any]:
    """Every component says where it is from; measured parts add up to `energy_measured_kwh`."""
    measured = []
    for part in COMPONENTS:
        energy = values.get(f"{part}_energy_kwh")
        if energy is None:
            values |= {f"{part}_energy_source": None, f"{part}_energy_quality": "missing"}
            values.setdefault(f"{part}_energy_method", "not metered by the source")
            continue
        values.setdefault(f"{part}_energy_source", "imported")
        values.setdefault(f"{part}_energy_quality", "modelled")
        values.setdefault(f"{part}_energy_method", meter)
        if values[f"{part}_energy_quality"] == "measured":
            measured.append(energy)
    if measured:
        values.setdefault("energy_measured_kwh", sum(measured))
    return values


def _parse(path: Path) -> Any:
    try:
        content = path.read_bytes()
        if len(content) > MAX_MAPPING_BYTES:
            raise UsageError(f"{path} is too large for a mapping file")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the mapping {path}: {error}") from None
    readers = {".json": json.loads, ".yaml": _yaml, ".yml": _yaml, ".toml": _toml}
    if path.suffix not in readers:
        raise UsageError(f"{path} is no mapping file", hint="write it as .toml, .json or .yaml")
    try:
        return readers[path.suffix](text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    except ImportError:
        raise UsageError(f"{path.suffix} files cannot be read here", hint="write the mapping as .json") from None


def _toml(text: str) -> Any:
    import tomllib  # Python 3.11; the caller says what to do before that

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
