"""What a check says: a stable code, a severity, a sentence; and all of that together for a set of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ecotaskset.run import Run

Severity = Literal["error", "hold", "note"]
Verdict = Literal["accepted", "held", "refused"]

CODES: dict[str, tuple[Severity, str]] = {
    "E001": ("error", "a column is missing, unknown, or of the wrong type"),
    "E002": ("error", "larger than a submission may be"),
    "E003": ("error", "a value outside what the column allows"),
    "E004": ("error", "run_id is not the hash of the row's content"),
    "E005": ("error", "recipe_id is not the hash of the row's recipe, or the recipe is not a legal one"),
    "E006": ("error", "text that looks private: a path, a host, an account, an address, a token"),
    "E007": ("error", "a number that is infinite or not a number"),
    "E008": ("error", "not a parquet file that can be read within bounds"),
    "E009": ("hold", "of a newer version of the columns than this software knows; upgrade before judging it"),
    "P101": ("error", "mean power beyond what the hardware can draw"),
    "P102": ("error", "the parts do not add up to the total"),
    "P103": ("error", "a curve that falls where it cannot, or is not one value an epoch"),
    "P104": ("error", "quality does not agree with its own curve"),
    "P105": ("hold", "faster than the hardware's measured arithmetic allows"),
    "P106": ("error", "a date that cannot be"),
    "P107": ("error", "zero energy or time for work that was done; unknown is null"),
    "P108": ("error", "durations that contradict each other"),
    "P109": ("error", "an interval that does not hold its own estimate"),
    "R201": ("hold", "far from other runs of the same recipe on the same hardware"),
    "D301": ("note", "already there; counted once"),
    "D302": ("note", "a repetition: same recipe, seed and machine, other numbers"),
    "D303": ("error", "the same measurement is already there under another id or contributor"),
    "V401": ("error", "provenance is incomplete"),
    "V402": ("error", "an energy figure without its source and quality"),
    "V403": ("error", "names another contributor than the account that sends it"),
    "F601": ("error", "changes something other than new files of the author's own submissions folder"),
    "F602": ("error", "manifest missing, malformed, or not matching its data file"),
    "F603": ("error", "nothing new in it"),
}
"""Every code with its severity: `error` refuses, `hold` waits for a human, `note` informs. Codes are never reused."""


@dataclass(frozen=True)
class Finding:
    """One thing a check found.

    Attributes:
        code: a key of `CODES`.
        message: one sentence; values in it are shortened and cannot format or mention anything.
        run_id: the run it is about; None for the file as a whole.
        row: position of the row in its file, from 0.
    """

    code: str
    message: str
    run_id: str | None = None
    row: int | None = None

    @property
    def severity(self) -> Severity:
        return CODES[self.code][0]


@dataclass
class Report:
    """The findings about a set of runs, and the runs that could be read."""

    runs: list[Run] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        self.findings.extend(findings)

    def of(self, severity: Severity) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == severity]

    @property
    def verdict(self) -> Verdict:
        """`refused` with any error, else `held` with any hold, else `accepted`."""
        return "refused" if self.of("error") else "held" if self.of("hold") else "accepted"

    @property
    def codes(self) -> Counter[str]:
        return Counter(finding.code for finding in self.findings)

    def verdict_of(self, run_id: str) -> Verdict:
        severities = {finding.severity for finding in self.findings if finding.run_id == run_id}
        return "refused" if "error" in severities else "held" if "hold" in severities else "accepted"

    def passed(self) -> list[Run]:
        """The runs with no error of their own."""
        return [run for run in self.runs if self.verdict_of(run.run_id) != "refused"]


def shown(value: object, limit: int = 60) -> str:
    """A stranger's value, fit to stand in a sentence: short, one line, no markup, no mentions."""
    text = "".join(c if c.isprintable() and c not in "`@<>[]|*#!\\" else "?" for c in str(value))
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
