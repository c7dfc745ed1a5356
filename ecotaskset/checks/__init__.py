"""Is this run acceptable? One answer for the contributor before sending, the maintainer at review, and the release.

    report = check_runs(runs)
    report.verdict                  # accepted | held | refused
    for finding in report.findings: print(finding.code, finding.severity, finding.message)

`CODES` lists every code. Codes are stable; `error` refuses, `hold` asks a human, `note` informs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ecotaskset.checks.finding import CODES, Finding, Report, Severity, Verdict
from ecotaskset.checks.known import Known, agree, fingerprint
from ecotaskset.checks.physics import check_physics
from ecotaskset.checks.provenance import check_contributor, check_provenance
from ecotaskset.checks.reading import read_untrusted
from ecotaskset.checks.rows import identity, local_secrets, read_rows
from ecotaskset.checks.trust import derive_trust
from ecotaskset.run import Run

__all__ = [
    "CODES",
    "Finding",
    "Known",
    "Report",
    "Severity",
    "Verdict",
    "agree",
    "check_file",
    "check_files",
    "check_rows",
    "check_runs",
    "derive_trust",
    "fingerprint",
    "local_secrets",
]


def check_runs(runs: Iterable[Run], *, known: Known | None = None, account: str | None = None) -> Report:
    """Check runs that are already in memory.

    Args:
        runs: what to check.
        known: what was accepted before; None compares the runs with one another only.
        account: the Hub account that sends them; None leaves the contributor unchecked.
    """
    report = Report(runs=list(runs))
    report.rows = len(report.runs)
    for run in report.runs:
        report.add(Finding(f.code, f.message, run.run_id) for f in identity(run, {"run_id": run.run_id}))
    _judge(report, report.runs, known, account)
    return report


def check_file(path: str | Path, *, known: Known | None = None, account: str | None = None) -> Report:
    """Check a parquet file from anybody, read in a process with bounded memory and time. Never raises for content."""
    return check_files([path], known=known, account=account)[0]


def check_files(
    paths: Sequence[str | Path], *, known: Known | None = None, account: str | None = None, times: int = 1
) -> list[Report]:
    """`check_file` for several, read by one process; each is judged by itself.

    `times`: by how much the bounds are wider than those of a submission.
    """
    reports = []
    for raw in read_untrusted(paths, times):
        report = check_rows(raw.rows, known=known, account=account)
        report.add(raw.findings)
        if not raw.rows and not raw.findings:
            report.add([Finding("F603", "the file holds no rows")])
        reports.append(report)
    return reports


def check_rows(rows: Iterable[dict[str, Any]], *, known: Known | None = None, account: str | None = None) -> Report:
    """Check raw rows, as they came out of a file: are they runs at all, and are those acceptable?"""
    report = read_rows(rows)
    _judge(report, report.runs, known, account)
    return report


def _judge(report: Report, runs: Sequence[Run], known: Known | None, account: str | None) -> None:
    for run in runs:
        report.add(check_physics(run))
        report.add(check_provenance(run))
        if account is not None:
            report.add(check_contributor(run, account))
    report.add((known or Known()).check(runs))
