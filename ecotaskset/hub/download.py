"""Download a release: by tag or commit, kept in the Hub cache, the same again without network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from ecotaskset.errors import HubError
from ecotaskset.hub.client import DATASET, repo_name
from ecotaskset.hub.failures import explain, hub_failures

WANTED = ["data/*/*.parquet", "data/manifest.json", "README.md", "CHANGELOG.md"]


def fetch(repo: str | None = None, *, revision: str | None = None, token: str | None = None) -> Path:
    """The folder of a release, its files checked against its own manifest.

    Args:
        repo: the Hub data set; see `repo_name`.
        revision: tag (`v1.1.0`), branch or commit; the newest state of the main branch by default. Honoured offline:
            a revision that was never downloaded is an error there, not another revision.

    Raises:
        HubError: not reachable and not in the cache, no such repository or revision, or files that are not what the
            release's manifest says.
    """
    from huggingface_hub import snapshot_download

    from ecotaskset.snapshot import changed_files

    repo = repo_name(repo)
    what = f"fetch {repo}" + (f" at {revision}" if revision else "")
    try:
        # tries a cached copy first when there is no network, and only one of this very revision
        folder = Path(snapshot_download(repo, repo_type=DATASET, revision=revision, allow_patterns=WANTED, token=token))
    except hub_failures() as error:
        raise explain(error, what) from error
    if not (folder / "data" / "manifest.json").is_file():
        raise HubError(f"{what}: there is no release in it", hint="name a version with revision='vX.Y.Z'")
    if damaged := changed_files(folder / "data"):
        raise HubError(f"{what}: {damaged[0]}", hint=f"delete {folder} and fetch again")
    return folder


def data_addresses(
    repo: str | None = None, *, revision: str | None = None, domains: Collection[str], token: str | None = None
) -> dict[str, list[str]]:
    """Where the parquet files of a release lie (`hf://…`), by split, pinned to the commit the revision names now.

    Raises:
        HubError: not reachable, or no such repository or revision.
    """
    from huggingface_hub import HfApi

    repo = repo_name(repo)
    what = f"find {repo}" + (f" at {revision}" if revision else "")
    try:
        info = HfApi(token=token).dataset_info(repo, revision=revision)
    except hub_failures() as error:
        raise explain(error, what) from error
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PurePosixPath(file.rfilename) for file in info.siblings or ()):
        if path.match("data/*/*.parquet") and path.parts[1] in domains:
            found[path.name.split("-")[0]].append(f"hf://datasets/{repo}@{info.sha}/{path}")
    return dict(found)
