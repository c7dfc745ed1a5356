"""Release a version: accepted runs → splits, card, changelog, manifest → one commit → tag.

The files follow from the state of the main branch, the version and the date alone: the same input gives the same
bytes. The commit names its parent, so nothing that arrives meanwhile is lost; then the whole is built again.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecotaskset.card import render_card
from ecotaskset.checks import Finding, Known, check_runs
from ecotaskset.errors import HubError, UsageError
from ecotaskset.hub.accepted import Accepted, read_main
from ecotaskset.hub.changelog import prepend, section
from ecotaskset.hub.client import DATASET, connect, repo_name, sign_in
from ecotaskset.hub.download import fetch
from ecotaskset.hub.failures import status_of
from ecotaskset.hub.retry import CONFLICTS, attempt
from ecotaskset.run import Run
from ecotaskset.snapshot import build_snapshot, read_manifest

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ROUNDS = 5


@dataclass
class Built:
    """A release as files in a folder, not yet at the Hub."""

    folder: Path
    version: str
    manifest: dict[str, Any]
    changes: str
    left_out: dict[str, list[Finding]] = field(default_factory=dict)
    added: int = 0


@dataclass(frozen=True)
class Released:
    """A release at the Hub: the tag, the commit it names, and what is in it."""

    repo: str
    tag: str
    commit: str
    manifest: dict[str, Any]
    changes: str
    left_out: dict[str, list[Finding]]


def build(
    main: Accepted, folder: Path, version: str, *, repo: str, released_on: str, extra: Iterable[Run] = ()
) -> Built:
    """Write the files of a release into `folder`; needs no network.

    Args:
        main: the state of the main branch.
        folder: an empty directory.
        version: `X.Y.Z`.
        repo: the Hub data set, named in the card.
        released_on: ISO date, for the changelog.
        extra: further runs, for example the maintainer's own or the rows of a first release.

    Raises:
        UsageError: there is nothing to release.
    """
    runs, left_out = _acceptable(main, list(extra))
    if {run.run_id for run in runs} == {run.run_id for run in main.released} and runs:
        raise UsageError("nothing new since the last release", hint="`green-collect review` first, if runs are waiting")
    before = [run.model_copy(update={"trust": None}) for run in main.released]
    manifest = build_snapshot(runs, folder / "data", version, readme=folder / "README.md")
    changes = section(version, released_on, before, runs, sum(map(len, left_out.values())))
    old = main.folder / "CHANGELOG.md"
    text = prepend(old.read_text(encoding="utf-8") if old.is_file() else "", changes)
    (folder / "CHANGELOG.md").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(render_card(folder / "data", repo=repo), encoding="utf-8")
    added = len({run.run_id for run in runs} - {run.run_id for run in before})
    return Built(folder, version, manifest, changes, left_out, added)


def release(
    version: str,
    repo: str | None = None,
    *,
    token: str | None = None,
    released_on: str | None = None,
    extra: Iterable[Run] = (),
) -> Released:
    """Release what main holds as `vX.Y.Z`. Killed anywhere, the same call finishes the job.

    Raises:
        UsageError: the version is malformed, not newer than the last one, or there is nothing new.
        HubError: no right, no network, or main keeps changing.
    """
    repo, version = repo_name(repo), version.removeprefix("v")
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise UsageError(f"version '{version}' is not of the form X.Y.Z", hint="for example 1.1.0")
    api = connect(token)
    account = sign_in(api)
    if not account.may_write(repo):
        raise HubError(f"'{account.name}' may not release {repo}", hint="only its maintainers can")
    _check_version(_tags(api, repo), version)
    extra, day = list(extra), released_on or datetime.now(timezone.utc).date().isoformat()
    for _ in range(ROUNDS):
        main = read_main(api, repo)
        with tempfile.TemporaryDirectory(prefix="ecotaskset-release-") as folder:
            if _version_on_main(main) == version:  # an earlier attempt died before its tag
                commit, built = find_release(api, repo, version), None
                if commit is None:
                    raise HubError(f"main of {repo} says {version}, but no commit released it", hint="look at it")
            else:
                built = build(main, Path(folder), version, repo=repo, released_on=day, extra=extra)
                commit = _commit(api, repo, main, built)
        if commit is not None:
            _tag(api, repo, version, commit)
            return _verified(repo, version, commit, built, token)
    raise HubError(f"main of {repo} changed {ROUNDS} times during the release", hint="run it again in a quiet moment")


def find_release(api: HfApi, repo: str, version: str) -> str | None:
    """The commit on main that released a version, tagged or not."""
    commits = attempt(lambda: api.list_repo_commits(repo, repo_type=DATASET), f"read the history of {repo}")
    return next((commit.commit_id for commit in commits if commit.title == _title(version)), None)


def _acceptable(main: Accepted, extra: list[Run]) -> tuple[list[Run], dict[str, list[Finding]]]:
    """Everything that goes in; and of what does not, why. Released rows stay: a version only ever adds or withdraws."""
    left_out = dict(main.damaged)
    known = Known(main.released)
    runs = list(main.released)
    for source in (extra, main.submitted):
        fresh = list({run.run_id: run for run in source if run not in known}.values())
        report = check_runs(fresh, known=known)
        passed = report.passed()
        for run in fresh:
            if report.verdict_of(run.run_id) == "refused":
                left_out[run.run_id] = [f for f in report.of("error") if f.run_id == run.run_id]
        known.add(passed)
        runs += passed
    return runs, left_out


def _commit(api: HfApi, repo: str, main: Accepted, built: Built) -> str | None:
    """One commit on exactly the state that was read; None when somebody committed meanwhile."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    files = sorted(path for path in built.folder.rglob("*") if path.is_file())
    wanted = {path.relative_to(built.folder).as_posix(): path for path in files}
    old = {path.relative_to(main.folder).as_posix() for path in main.folder.glob("data/*/*.parquet")}

    def commit() -> str:
        operations = [CommitOperationAdd(name, path) for name, path in wanted.items()]
        operations += [CommitOperationDelete(name) for name in sorted(old - set(wanted))]
        return api.create_commit(
            repo,
            operations,
            commit_message=_title(built.version),
            commit_description=built.changes,
            repo_type=DATASET,
            parent_commit=main.commit,
        ).oid

    try:
        return attempt(
            commit, f"release {built.version} of {repo}", landed=lambda: find_release(api, repo, built.version)
        )
    except HubError as error:
        if error.__cause__ is not None and status_of(error.__cause__) in CONFLICTS:
            return None
        raise


def _tag(api: HfApi, repo: str, version: str, commit: str) -> None:
    def tagged() -> bool | None:
        return True if _tags(api, repo).get(f"v{version}") == commit else None

    def tag() -> bool:
        api.create_tag(repo, tag=f"v{version}", revision=commit, repo_type=DATASET, tag_message=_title(version))
        return True

    attempt(tag, f"tag v{version} of {repo}", landed=tagged, look_first=True)


def _verified(repo: str, version: str, commit: str, built: Built | None, token: str | None) -> Released:
    """Load it back by its tag, as everybody will; `fetch` compares every file with the manifest."""
    folder = fetch(repo, revision=f"v{version}", token=token)
    manifest = read_manifest(folder / "data")
    if manifest["version"] != version or (built is not None and manifest != built.manifest):
        raise HubError(f"v{version} of {repo} is not what was released", hint="look at its history before using it")
    return Released(
        repo, f"v{version}", commit, manifest, built.changes if built else "", built.left_out if built else {}
    )


def _tags(api: HfApi, repo: str) -> dict[str, str]:
    refs = attempt(lambda: api.list_repo_refs(repo, repo_type=DATASET), f"read the versions of {repo}")
    return {ref.name: ref.target_commit for ref in refs.tags}


def _check_version(tags: dict[str, str], version: str) -> None:
    numbers = [tuple(map(int, t[1:].split("."))) for t in tags if re.fullmatch(r"v\d+\.\d+\.\d+", t)]
    if f"v{version}" in tags:
        raise UsageError(f"v{version} is released already", hint="a version is never remade; take the next number")
    if numbers and tuple(map(int, version.split("."))) < max(numbers):
        newest = ".".join(map(str, max(numbers)))
        raise UsageError(f"{version} is older than the newest release, {newest}", hint="take a higher number")


def _version_on_main(main: Accepted) -> str | None:
    path = main.folder / "data" / "manifest.json"
    return read_manifest(path.parent)["version"] if path.is_file() else None


def _title(version: str) -> str:
    return f"Release v{version}"
