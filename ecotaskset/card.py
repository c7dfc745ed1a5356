"""The data set card: every number in it is counted from the data files it describes, every column from `run.py`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecotaskset.card_facts import known_gaps, machines_sentence, measured_sentence, repeatability_text
from ecotaskset.card_text import (
    CITATION,
    CONTRIBUTE,
    FRONT_MATTER,
    INTRODUCTION,
    LICENCE,
    LOADING,
    METERING,
    QUALITY,
    ROWS_AND_SPLITS,
    USES,
)
from ecotaskset.run import COMPONENTS, columns, from_table
from ecotaskset.snapshot import IMPORTED, configs_yaml, read_manifest
from ecotaskset.trained_on import TRAINED_ON, base_name

EXAMPLE = (
    "run_id", "recipe_id", "trust", "domain", "dataset", "model", "epochs", "batch_size", "learning_rate", "knobs",
    "cpu_model", "gpu_model", "quality_metric", "quality_validation", "energy_kwh", "energy_measured_kwh",
    "cpu_energy_kwh", "cpu_energy_source", "cpu_energy_quality", "duration_s", "curve_validation_quality",
    "curve_energy_kwh",
)  # fmt: skip
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render_card(folder: str | Path, *, repo: str) -> str:
    """The card (Markdown with YAML front matter) of the snapshot in `folder`.

    Args:
        folder: a snapshot built by `build_snapshot`; all numbers come from its files and manifest.
        repo: the Hub data set it is published as, for the load snippets.

    Raises:
        UsageError: `folder` is not a built snapshot.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    tables = {file["path"]: pq.read_table(folder / file["path"]) for file in manifest["files"]}
    whole = pa.concat_tables(tables.values())
    runs = from_table(whole)
    values = {"repo": repo, "version": manifest["version"], "runs": f"{len(whole):,}"}
    size = next((name for limit, name in SIZES if len(whole) < limit), "n>1M")
    parts = [
        FRONT_MATTER.format(size=size, configs=configs_yaml(folder, prefix=folder.name)),
        INTRODUCTION.format(
            tasks=_distinct(whole, "domain", "dataset"),
            models=_distinct(whole, "model"),
            machines=machines_sentence(runs),
            measured=measured_sentence(runs),
            **values,
        ),
        LOADING.format(first=manifest["files"][0]["path"].split("/")[0], **values),
        "## One row\n\nA row is one training. Some of its columns:\n\n```json\n" + _example(whole) + "\n```\n",
        ROWS_AND_SPLITS + "\n" + _splits(manifest),
        "## What is in it\n\n" + _coverage(whole),
        METERING + "\n" + _sources(whole) + "\n" + repeatability_text(runs),
        QUALITY + "\n" + _metrics(whole),
        known_gaps(runs),
        USES,
        CONTRIBUTE.format(**values) + "\n" + _trust(whole),
        "## Columns\n\n" + _columns(),
        _versions(manifest),
        LICENCE.format(trained_on=_trained_on(whole)) + _origins(whole),
        CITATION.format(year="2026", **values),
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _columns() -> str:
    lines, group = [], None
    for name, info in columns().items():
        if info["group"] != group:
            group = info["group"]
            lines += ["", f"### {group.capitalize()}", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
        lines.append(f"| `{name}` | {_type(info['type'])} | {info['unit'] or ''} | {info['meaning']} |")
    return "\n".join(lines[1:]) + "\n"


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type(kind.value_type)}"
    if pa.types.is_struct(kind):
        return "{" + ", ".join(kind.field(i).name for i in range(kind.num_fields)) + "}"
    return {"double": "float", "int64": "int", "string": "text", "bool": "bool"}.get(str(kind), "UTC time")


def _splits(manifest: dict[str, Any]) -> str:
    rows: dict[str, dict[str, int]] = {}
    for file in manifest["files"]:
        config, name = file["path"].split("/")
        rows.setdefault(config, {})[name.split("-")[0]] = file["rows"]
    names = ("train", "validation", "test")
    return _table(["config", *names], [[c, *(s.get(name, 0) for name in names)] for c, s in rows.items()])


def _coverage(table: pa.Table) -> str:
    grouped: dict[tuple[str, str], Counter[str]] = {}
    people = table.select(["domain", "dataset", "model", "status", "origin"]).to_pylist()
    for row in people:
        counts = grouped.setdefault((row["domain"], row["dataset"]), Counter())
        counts["runs"] += 1
        counts["failed"] += row["status"] not in ("completed", "early_stopped")
        counts[f"model:{row['model']}"] += 1
    body = [
        [domain, dataset, c["runs"], sum(key.startswith("model:") for key in c), c["failed"]]
        for (domain, dataset), c in sorted(grouped.items())
    ]
    machines = Counter(
        (row["cpu_model"], row["gpu_model"]) for row in table.select(["cpu_model", "gpu_model"]).to_pylist()
    )
    hardware = [[cpu or "not known", gpu or "none", n] for (cpu, gpu), n in machines.most_common(30)]
    return (
        _table(["domain", "data set", "runs", "architectures", "did not finish"], body)
        + "\n"
        + _table(["processor", "accelerator", "runs"], hardware)
    )


def _sources(table: pa.Table) -> str:
    body = []
    for name in COMPONENTS:
        pairs = table.select([f"{name}_energy_source", f"{name}_energy_quality"]).to_pylist()
        counts = Counter((row[f"{name}_energy_source"], row[f"{name}_energy_quality"]) for row in pairs)
        body += [
            [name, source or "none", quality or "missing", n, f"{n / len(table):.0%}"]
            for (source, quality), n in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        ]
    return _table(["component", "source", "quality", "runs", "share"], body)


def _metrics(table: pa.Table) -> str:
    rows = table.select(["domain", "quality_metric", "quality_validation"]).to_pylist()
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["quality_validation"] is not None and row["quality_metric"]:
            found.setdefault((row["domain"], row["quality_metric"]), []).append(row["quality_validation"])
    body = [[d, m, len(q), f"{min(q):.3f}", f"{max(q):.3f}"] for (d, m), q in sorted(found.items())]
    return _table(["domain", "metric", "runs", "lowest", "highest"], body)


def _trust(table: pa.Table) -> str:
    counts = Counter(level or "not derived" for level in table["trust"].to_pylist())
    return _table(["trust", "runs"], sorted(counts.items()))


def _versions(manifest: dict[str, Any]) -> str:
    return (
        "## Versions\n\n"
        f"This is version {manifest['version']}, schema version {manifest['schema_version']}. A version is a tag and "
        "is never remade; `data/manifest.json` holds the SHA-256 of every file, `CHANGELOG.md` what changed. The "
        "middle number grows when runs are added, the first when columns change their meaning.\n"
    )


def _trained_on(table: pa.Table) -> str:
    """Whose data the runs were trained on; data sets that are somebody's own are named only."""
    lines = ["| data set | tasks made of it | licence | please cite |", "|---|---:|---|---|"]
    collected = table.filter(pc.equal(table["origin"], "collected"))
    tasks = Counter(base_name(task) for task in set(collected["dataset"].to_pylist()))
    for name, count in sorted(tasks.items()):
        licence, citation = TRAINED_ON.get(name, ("its owner's", ""))
        lines.append(f"| {name} | {count} | {licence} | {citation} |")
    return "\n".join(lines)


def _origins(table: pa.Table) -> str:
    counts = Counter(table["origin"].to_pylist())
    if set(counts) <= {"collected"}:
        return ""
    mask = pc.not_equal(table["origin"], "collected")
    names = ", ".join(
        f"`{name}` ({count} runs)" for name, count in sorted(Counter(table.filter(mask)["origin"].to_pylist()).items())
    )
    return (
        f"\nRows of the config `{IMPORTED}` come from public measurement sets, each under its own licence: {names}.\n"
    )


def _example(table: pa.Table) -> str:
    finished = table.filter(pc.equal(table["status"], "completed"))
    row = (finished if len(finished) else table).slice(0, 1).to_pylist()[0]
    return json.dumps({name: row[name] for name in EXAMPLE}, indent=1, default=str)


def _distinct(table: pa.Table, *names: str) -> int:
    return len({tuple(row.values()) for row in table.select(list(names)).to_pylist()})


def _table(head: list[str], body: list[Any]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in body]) + "\n"
