"""What the main branch holds: the rows of the last release, and the submissions that were accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ecotaskset.checks.finding import Finding
from ecotaskset.checks.reading import read_untrusted
from ecotaskset.checks.rows import read_rows
from ecotaskset.hub.client import DATASET
from ecotaskset.hub.retry import attempt
from ecotaskset.hub.submission import FOLDER, check_contents, check_manifest, parse_path
from ecotaskset.run import Run
from ecotaskset.store import read_parquet

if TYPE_CHECKING:
    from huggingface_hub import HfApi

WANTED = ["data/*/*.parquet", "data/manifest.json", f"{FOLDER}/*/*", "CHANGELOG.md", ".gitattributes"]


@dataclass
class Accepted:
    """The state of main at one commit.

    Attributes:
        commit: which commit.
        folder: a local copy of its files.
        released: rows of the last release.
        submitted: rows of accepted submissions, signed by the account whose folder they lie in.
        damaged: submission → what is wrong with it. Such files give no rows, whoever put them there.
    """

    commit: str
    folder: Path
    released: list[Run] = field(default_factory=list)
    submitted: list[Run] = field(default_factory=list)
    damaged: dict[str, list[Finding]] = field(default_factory=dict)

    @property
    def runs(self) -> list[Run]:
        return [*self.released, *self.submitted]


def read_main(api: HfApi, repo: str) -> Accepted:
    """Download and read the main branch.

    Raises:
        HubError: the Hub cannot be asked.
        RefusedError: a released data file cannot be read.
    """
    what = f"read {repo}"
    commit = attempt(lambda: api.repo_info(repo, repo_type=DATASET, revision="main").sha, what)
    copy = attempt(lambda: api.snapshot_download(repo, repo_type=DATASET, revision=commit, allow_patterns=WANTED), what)
    main = Accepted(commit, Path(copy))
    for path in sorted(main.folder.glob("data/*/*.parquet")):
        main.released += read_parquet(path)
    read_submissions(main)
    return main


def read_submissions(main: Accepted) -> None:
    """Fill in the submissions, with the caution that strangers' files need even after a review."""
    paths, manifests = [], {}
    for path in sorted(main.folder.glob(f"{FOLDER}/*/*.parquet")):
        name = path.relative_to(main.folder).as_posix()
        parsed, manifest = parse_path(name), path.with_suffix(".json")
        if parsed is None or not manifest.is_file():
            main.damaged[name] = [Finding("F602", "no manifest, or not a name of a submission")]
            continue
        content = manifest.read_bytes()
        if findings := check_manifest(content, path.read_bytes(), parsed[0], parsed[1]):
            main.damaged[name] = findings
            continue
        # snapshots hold links into the cache; the reader takes plain files only
        paths.append(path.resolve())
        manifests[path.resolve()] = (name, parsed[0], parsed[1], content)
    for raw in read_untrusted(paths):
        name, account, identity, content = manifests[raw.path]
        report = read_rows(raw.rows)
        findings = [*raw.findings, *report.of("error")] or check_contents(content, report.runs, identity)
        if findings:
            main.damaged[name] = findings
        else:
            main.submitted += [run.model_copy(update={"contributor": account, "trust": None}) for run in report.runs]
