"""What became of each row of an imported file: a run, part of one, or refused with a reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ecotaskset.recipe import content_hash
from ecotaskset.run import Run

_IDENTITY = ("domain", "dataset", "model", "epochs", "batch_size", "learning_rate", "weight_decay", "pretrained")
SHOWN_LINES = 5


@dataclass(frozen=True)
class Source:
    """Where a measurement set comes from and how its energy was read."""

    name: str
    title: str
    version: str
    """Project and commit or release the columns were mapped from."""
    licence: str
    citation: str
    meter: str
    """What was metered, with what, and what is not in it."""

    @property
    def origin(self) -> str:
        return f"imported:{self.name}"


@dataclass
class Ledger:
    """The outcome of an import: runs, and the fate of every row and every column."""

    source: Source
    runs: list[Run] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    mapped: Counter[str] = field(default_factory=Counter)
    refused: dict[str, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    """file → reason → line numbers."""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """file → source column → what became of it."""

    def add(self, lines: Mapping[str, Iterable[int]], **columns: Any) -> Run | None:
        """Make a run of these lines (file → line numbers); a row the schema refuses is entered as refused.

        The identity columns of the source are filled in; the recipe's hash covers what was chosen, not the machine.
        """
        columns = {"origin": self.source.origin, "trust": "imported", "license": self.source.licence, **columns}
        columns["collector_version"] = self.source.version
        settings = [tuple(sorted(knob.items())) for knob in columns.get("knobs", [])]
        identity = {name: columns.get(name) for name in _IDENTITY}
        columns["recipe_id"] = content_hash({"origin": self.source.origin, "knobs": sorted(settings), **identity})
        try:
            run = Run.model_validate({name: value for name, value in columns.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "row"
            self.refuse(lines, f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}")
            return None
        self.runs.append(run)
        self.use(lines)
        return run

    def use(self, lines: Mapping[str, Iterable[int]]) -> None:
        """Enter lines that became part of a run."""
        for file, numbers in lines.items():
            self.mapped[file] += len(list(numbers))

    def refuse(self, lines: Mapping[str, Iterable[int]], reason: str) -> None:
        """Enter lines that became no run, and why."""
        for file, numbers in lines.items():
            self.refused[file][reason] += list(numbers)

    def lost(self) -> dict[str, int]:
        """Rows neither mapped nor refused, by file: always empty, and tests hold it so."""
        done = {f: self.mapped[f] + sum(map(len, self.refused.get(f, {}).values())) for f in self.rows}
        return {file: self.rows[file] - done[file] for file in self.rows if done[file] != self.rows[file]}

    def to_dict(self) -> dict[str, Any]:
        """As JSON: per file the rows read, mapped and refused (with reasons and first lines), and the columns."""
        files = {}
        for file, count in self.rows.items():
            reasons = [
                {"reason": reason, "rows": len(lines), "first_lines": sorted(lines)[:SHOWN_LINES]}
                for reason, lines in sorted(self.refused.get(file, {}).items())
            ]
            files[file] = {"rows": count, "mapped": self.mapped[file], "refused": reasons}
            files[file]["columns"] = self.columns.get(file, {})
        source = {name: getattr(self.source, name) for name in ("title", "version", "licence", "citation", "meter")}
        return {"origin": self.source.origin, "source": source, "runs": len(self.runs), "files": files}
