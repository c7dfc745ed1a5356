"""A review's outcome as the comment its author reads. Strangers' values cannot format, link or mention anything."""

from __future__ import annotations

from ecotaskset._version import __version__
from ecotaskset.checks.finding import Finding, Report, Verdict

MAX_LINES = 60
WHAT_NEXT = {
    "accepted": "All rows passed. It is merged now and will be in the next release. Thank you!",
    "held": "Nothing is wrong, but something is unusual: a maintainer will look at the rows marked hold.",
    "refused": "It cannot be taken as it is. Correct or leave out the rows below and push again; "
    "`green-collect --push --dry-run` runs the same checks.",
}


def comment_text(verdict: Verdict, report: Report, head: str) -> str:
    """The comment: verdict, counts, then one line a finding, errors first; at most `MAX_LINES` of them."""
    good = sum(1 for run in report.runs if report.verdict_of(run.run_id) == "accepted")
    lines = [
        f"**{verdict}** · {good} of {report.rows} rows passed · reviewed commit `{head}` · ecotaskset {__version__}",
        "",
        WHAT_NEXT[verdict],
    ]
    ordered = [finding for severity in ("error", "hold", "note") for finding in report.of(severity)]
    if ordered:
        lines += ["", "| run | check | severity | what |", "|---|---|---|---|"]
        lines += [_line(finding) for finding in ordered[:MAX_LINES]]
    if len(ordered) > MAX_LINES:
        lines += ["", f"… and {len(ordered) - MAX_LINES} more findings."]
    return "\n".join(lines)


def _line(finding: Finding) -> str:
    where = f"`{finding.run_id}`" if finding.run_id else "file" if finding.row is None else f"row {finding.row}"
    what = finding.message.replace("|", "/").replace("\n", " ").replace("`", "'").replace("@", "(at)")
    return f"| {where} | {finding.code} | {finding.severity} | {what} |"
