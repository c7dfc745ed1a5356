"""`green-predictor publish`: send, or say what would be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from green_predictor.hub import publish, publish_space


def publish_command(
    out: Output,
    repo: str,
    folder: Path | None,
    evaluation: Path | None,
    *,
    dataset: str | None,
    tag: str | None,
    space: bool,
    dry_run: bool,
) -> None:
    """Publish a model, or with `space` the page.

    Raises:
        UsageError: with `space`, something that only a model has.
    """
    if space:
        of_a_model = {"--model": folder, "--evaluation": evaluation, "--dataset": dataset, "--tag": tag}
        if given := [name for name, value in of_a_model.items() if value is not None]:
            raise UsageError(f"{', '.join(given)} cannot be used with --space", hint="the page is published as it is")
        made = publish_space(repo, dry_run=dry_run)
    else:
        figures = _read(evaluation) if evaluation else None
        made = publish(repo, folder, evaluation=figures, dataset=dataset, tag=tag, dry_run=dry_run)
    facts = {"repo": made.repo, "files": made.files, "commit": made.commit, "tag": made.tag, "dry_run": dry_run}
    kind = "page" if space else "model"
    total = sum(made.files.values()) / 1e3
    if dry_run:
        lines = [f"[dry-run] would publish the {kind} to {repo}: {len(made.files)} files, {total:.0f} kB"]
        lines += [f"[dry-run]   {name} ({size} bytes)" for name, size in made.files.items()]
        lines = [line.replace("[dry-run]", r"\[dry-run]") for line in lines]
    else:
        lines = [f"published the {kind} to {repo} at {made.commit}" + (f", tagged {made.tag}" if made.tag else "")]
    out.result(facts, lines, [made.commit or repo])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} is not an evaluation: {error}", hint="green-predictor evaluate --json > FILE"
        ) from None
    if not isinstance(found, dict) or "protocols" not in found:
        raise UsageError(f"{path} is not an evaluation", hint="green-predictor evaluate --json > FILE")
    return found
