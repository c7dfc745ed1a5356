"""What a release changes, counted from the rows themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ecotaskset.run import Run

HEADING = "# Changelog\n\nOne section a release, newest first. Versions are tags and are never remade.\n"


def section(version: str, released_on: str, before: Iterable[Run], after: Iterable[Run], left_out: int = 0) -> str:
    """The section of one release.

    Args:
        version: `X.Y.Z`.
        released_on: ISO date.
        before, after: the rows of the previous release and of this one.
        left_out: accepted rows that failed the checks at release and are not in it.
    """
    old, new = {run.run_id: run for run in before}, {run.run_id: run for run in after}
    added = [run for run_id, run in new.items() if run_id not in old]
    removed = [run for run_id, run in old.items() if run_id not in new]
    lines = [f"## {version} ({released_on})", "", f"- {_runs(added)} added{_by_domain(added)}, {len(new)} in all"]
    if removed:
        lines.append(f"- {_runs(removed)} withdrawn{_by_domain(removed)}: {', '.join(_ids(removed))}")
    people = Counter(run.contributor for run in added if run.contributor)
    if people:
        lines.append("- from " + ", ".join(f"{name} ({count})" for name, count in sorted(people.items())))
    tasks = {(run.domain, run.dataset) for run in new.values()} - {(run.domain, run.dataset) for run in old.values()}
    if tasks:
        lines.append("- new tasks: " + ", ".join(f"{domain}/{dataset}" for domain, dataset in sorted(tasks)))
    schemas = sorted({run.schema_version for run in new.values()} - {run.schema_version for run in old.values()})
    if schemas and old:
        lines.append(f"- schema version {', '.join(map(str, schemas))}: columns changed, see the card")
    if left_out:
        lines.append(f"- {left_out} accepted rows left out: they do not pass the checks of this version")
    return "\n".join(lines) + "\n"


def prepend(changelog: str, new_section: str) -> str:
    """The changelog with a section on top."""
    earlier = changelog.removeprefix(HEADING).lstrip("\n") if changelog else ""
    return HEADING + "\n" + new_section + ("\n" + earlier if earlier else "")


def _runs(runs: list[Run]) -> str:
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'}"


def _by_domain(runs: list[Run]) -> str:
    counts = Counter(run.domain if run.origin == "collected" else "imported" for run in runs)
    return f" ({', '.join(f'{name} {count}' for name, count in sorted(counts.items()))})" if counts else ""


def _ids(runs: list[Run]) -> list[str]:
    return sorted(run.run_id for run in runs)[:50]
