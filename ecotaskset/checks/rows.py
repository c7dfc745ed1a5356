"""Is this row a run at all? Types, ranges, identity, nothing private, nothing that is not a number."""

from __future__ import annotations

import getpass
import math
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ecotaskset import newer
from ecotaskset.checks.finding import Finding, Report, shown
from ecotaskset.errors import UsageError
from ecotaskset.run import Run

MAX_EPOCHS = 10_000
MAX_LIST = 200
# A slash after a letter, a digit, a closing bracket or a per cent sign divides, or goes on with an address; one that
# begins a path is followed by a name, and that by another slash, an extension or the quotes it stands in. What the
# kernel serves under /sys, /proc and /dev is the same on every machine, and meters say what they read there.
ABSOLUTE = r"""
    (?<![\w.)\]}/%]) / (?!(?:sys|proc|dev(?!/shm))/) [\w.@+-][^\s/'"`]* (?: / | \.[A-Za-z] )
  | (?<=['"`]) / [^\s/'"`]+ (?=['"`])
  | file:///
  | (?<![\w.]) ~(?:[A-Za-z_]\w*)?/
  | (?<!\w) [A-Za-z]:[\\/](?!/)
  | (?<![\w\\]) \\{2,4}[\w.$-]+\\
"""
A_PATH = r"""
    (?P<quote>['"`]) (?: [/\\~] | file: | [A-Za-z]:[\\/] ) [^'"`]* (?P=quote)
  | (?: (?<![\w.)\]}/%]) / (?=[\w.@+-]) | file:/ | (?<![\w.]) ~\w*/ | (?<!\w) [A-Za-z]:[\\/](?!/) | \\{2} ) .*
"""
"""A path in its quotes; without any, nobody knows where one with spaces ends, and all that follows goes with it."""
PRIVATE = (
    ("a path", re.compile(ABSOLUTE, re.VERBOSE)),
    ("a mail address", re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")),
    ("a token", re.compile(r"\bhf_[A-Za-z0-9_]{8,}|\b(?:sk|ghp|glpat)[-_][A-Za-z0-9]{16,}")),
    ("a network address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|https?://")),
)
GENERIC_ACCOUNTS = {"root", "user", "admin", "ubuntu", "runner", "test", "default", "localhost", "cpu", "gpu"}


def read_rows(rows: Iterable[dict[str, Any]]) -> Report:
    """Validate raw rows one by one; a row that is no run, or one of a newer version, is named and left out."""
    report = Report()
    for index, row in enumerate(rows):
        report.rows += 1
        run_id = row.get("run_id") if isinstance(row.get("run_id"), str) else None
        run_id = run_id if run_id and re.fullmatch(r"[0-9a-f]{16}", run_id) else None
        if newer.is_newer(row):
            report.add([Finding("E009", f"{newer.words(1)}; {newer.UPGRADE}", run_id, index)])
            continue
        if bad := [name for name, value in row.items() if not _finite(value)]:
            report.add([Finding("E007", f"{', '.join(bad[:5])}: not a finite number", run_id, index)])
            continue
        try:
            run = _run(row)
        except ValidationError as error:
            report.add(_explain(error, run_id, index))
            continue
        report.add(Finding(f.code, f.message, run.run_id, index) for f in identity(run, row))
        report.runs.append(run)
    return report


def identity(run: Run, row: dict[str, Any]) -> Iterator[Finding]:
    """Do the ids follow from the content, is the recipe legal and canonical, are lists bounded?"""
    if row.get("run_id") != run.content_id():
        yield Finding("E004", f"run_id is {shown(row.get('run_id'))}, the content's hash is {run.content_id()}")
    if run.origin == "collected":
        try:
            recipe = run.recipe()
            if recipe.recipe_id != run.recipe_id:
                yield Finding("E005", f"recipe_id is {shown(run.recipe_id)}, the recipe's hash is {recipe.recipe_id}")
            if len(recipe.knobs) != len(run.knobs):
                yield Finding("E005", "knobs at their default, or named twice, stand in the row")
        except UsageError as error:
            yield Finding("E005", shown(error.message, 160).strip("'\""))
    elif not re.fullmatch(r"imported:[a-z0-9_.-]{1,60}", run.origin):
        yield Finding("E003", f"origin is {shown(run.origin)}, neither collected nor imported:<name>")
    if len(run.flags) > MAX_LIST or len(run.knobs) > MAX_LIST or (run.epochs_run or 0) > MAX_EPOCHS:
        yield Finding("E002", "more epochs, knobs or flags than a run may have")
    for name, text in _texts(run):
        for what, pattern in PRIVATE:
            if pattern.search(text):
                yield Finding("E006", f"{name} holds what looks like {what}")


def without_paths(text: str) -> str:
    """A sentence, such as an error's, with `…` for each path; unchanged where it has none."""
    return re.sub(A_PATH, "…", text, flags=re.VERBOSE | re.DOTALL) if re.search(ABSOLUTE, text, re.VERBOSE) else text


def local_secrets(run: Run, secrets: Iterable[str] | None = None) -> Iterator[Finding]:
    """Before sending: does any text hold this machine's name, this account's name, this home directory or a token?

    Args:
        run: the run that would be sent.
        secrets: further strings that must not leave, for example the Hub token in use.
    """
    forbidden = {socket.gethostname(): "this machine's name", str(Path.home()): "your home directory"}
    forbidden[_account()] = "your local account's name"
    forbidden |= dict.fromkeys(secrets or (), "a token")
    for plain in [word for word in forbidden if len(word) < 4 or word.lower() in GENERIC_ACCOUNTS]:
        del forbidden[plain]
    for name, text in _texts(run):
        for word, what in forbidden.items():
            # not \b: a home directory begins with a slash, which has no word boundary before it
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
                yield Finding("E006", f"{name} holds {what}", run.run_id)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return ""


def _run(row: dict[str, Any]) -> Run:
    optional = {name for name, field in Run.model_fields.items() if not field.is_required()}
    return Run.model_validate({k: v for k, v in row.items() if not (v is None and k in optional)})


def _texts(run: Run) -> Iterator[tuple[str, str]]:
    for name, value in run.model_dump(exclude={"run_id", "recipe_id", "collected_at"}).items():
        for part in value if isinstance(value, list) else [value]:
            for text in part.values() if isinstance(part, dict) else [part]:
                if isinstance(text, str):
                    yield name, text


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return all(_finite(part) for part in value) if isinstance(value, list) else True


def _explain(error: ValidationError, run_id: str | None, index: int) -> Iterator[Finding]:
    for problem in error.errors(include_url=False, include_context=False)[:5]:
        where = ".".join(str(part) for part in problem["loc"]) or "row"
        wrong_kind = ("missing", "extra_forbidden", "_type", "_parsing")
        kind = "E001" if problem["type"].endswith(wrong_kind) else "E003"
        yield Finding(kind, f"{shown(where)[1:-1]}: {problem['msg'].lower()}", run_id, index)
