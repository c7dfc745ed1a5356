"""Is this acceptable? Checks for any path: a parquet file, a run in JSON, a store, a snapshot, a folder of these."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecotaskset.checks import Finding, Report, check_files, check_runs
from ecotaskset.checks.finding import shown
from ecotaskset.checks.reading import OWN
from ecotaskset.checks.rows import read_rows
from ecotaskset.errors import UsageError
from ecotaskset.report_leaks import leak_check
from ecotaskset.snapshot import MANIFEST, changed_files, read_manifest
from ecotaskset.store import MAX_RUN_BYTES


@dataclass
class Verdict:
    """What the checks say about a path, file by file, and about all of it together."""

    path: Path
    files: dict[str, Report] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Of the whole: files that differ from the manifest, recipes in two splits."""

    @property
    def verdict(self) -> str:
        """`refused`, `held` or `accepted`."""
        found = {report.verdict for report in self.files.values()}
        if self.problems or "refused" in found:
            return "refused"
        return "held" if "held" in found else "accepted"

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "path": str(self.path),
            "verdict": self.verdict,
            "problems": self.problems,
            "files": {name: _report_dict(report) for name, report in self.files.items()},
        }


def validate(path: str | Path) -> Verdict:
    """Check whatever is at a path. What is wrong with its content is in the answer, never an exception.

    Raises:
        UsageError: nothing is there, or nothing of it could be a run.
    """
    path = Path(path)
    if path.is_file():
        return Verdict(path, _check([path], path.parent))
    if not path.is_dir():
        raise UsageError(f"no file or folder {path}", hint="name a parquet file, a store or a snapshot folder")
    if (path / MANIFEST).is_file():
        return _snapshot(path)
    # of a store its runs and tables; of any other folder whatever could hold runs
    single = (path / "runs").glob("*.json") if (path / "runs").is_dir() else path.rglob("*.json")
    tables = path.glob("*.parquet") if (path / "runs").is_dir() else path.rglob("*.parquet")
    files = sorted(p for p in (*single, *tables) if p.is_file() and p.name != MANIFEST)
    if not files:
        raise UsageError(f"no parquet or JSON files under {path}", hint="name a store or a snapshot folder")
    return Verdict(path, _check(files, path))


def _snapshot(path: Path) -> Verdict:
    verdict = Verdict(path)
    listed = [path / file["path"] for file in read_manifest(path)["files"]]
    verdict.problems += changed_files(path)
    known = {p.resolve() for p in listed}
    strangers = [p for p in sorted(path.rglob("*.parquet")) if p.resolve() not in known]
    verdict.problems += [f"{p.relative_to(path)}: not in the manifest" for p in strangers]
    verdict.files = _check([p for p in listed if p.is_file()], path)
    placed = [(run, Path(name).name.split("-")[0]) for name, report in verdict.files.items() for run in report.runs]
    verdict.problems += [f"recipe {recipe} is in two splits" for recipe in leak_check(placed)["recipes"]]
    return verdict


def _check(files: Sequence[Path], base: Path) -> dict[str, Report]:
    tables = [p for p in files if p.suffix != ".json"]
    reports = dict(zip(tables, check_files(tables, times=OWN), strict=True)) if tables else {}
    singles = [p for p in files if p.suffix == ".json"]
    if singles:
        reports[singles[0] if len(singles) == 1 else base / "runs"] = _check_single(singles)
    return {str(p.relative_to(base)): report for p, report in sorted(reports.items())}


def _check_single(files: list[Path]) -> Report:
    """One report for all JSON files, since doubts about a run often come from its neighbours."""
    rows, broken = [], []
    for path in files:
        try:
            if path.stat().st_size > MAX_RUN_BYTES:
                raise ValueError("too large for a run")
            row = json.loads(path.read_bytes())
            if not isinstance(row, dict):
                raise ValueError("not a run")
            rows.append(row)
        except (ValueError, RecursionError, OSError) as error:
            reason = f"{shown(path.name)} cannot be read as a run: {shown(str(error))}"
            broken.append(Finding("E008", reason))
    read = read_rows(rows)
    report = check_runs(read.runs)
    report.rows = len(files)
    seen = {(f.code, f.message, f.run_id) for f in read.findings}  # both look at identities
    others = [f for f in report.findings if (f.code, f.message, f.run_id) not in seen]
    report.findings = [*broken, *read.findings, *others]
    return report


def _report_dict(report: Report) -> dict[str, Any]:
    return {
        "verdict": report.verdict,
        "rows": report.rows,
        "codes": dict(sorted(report.codes.items())),
        "findings": [
            {"code": f.code, "severity": f.severity, "message": f.message, "run_id": f.run_id, "row": f.row}
            for f in report.findings
        ],
    }
