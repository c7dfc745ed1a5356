"""The fitted model on the Hub: publish it with its card, load it back by name and version.

What travels is `model.json` and `model.npz` (see `storage`): data only. Loading checks that the two belong together,
every name, shape and range, and makes a trial prediction; anything that does not fit is refused.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecotaskset.errors import HubError, RefusedError, UsageError
from green_predictor import storage
from green_predictor.model_card import model_card
from green_predictor.source import SHIPPED_MODEL
from green_predictor.space_folder import write_space

FILES = (storage.JSON_NAME, storage.ARRAYS_NAME)
CARD = "README.md"
_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


@dataclass(frozen=True)
class Published:
    """What was (or, in a dry run, would be) sent. `commit` is None in a dry run."""

    repo: str
    files: dict[str, int]
    commit: str | None = None
    tag: str | None = None


def publish(
    repo: str,
    folder: str | Path | None = None,
    *,
    evaluation: dict[str, Any] | None = None,
    dataset: str | None = None,
    tag: str | None = None,
    token: str | None = None,
    dry_run: bool = False,
) -> Published:
    """Send a saved model with a card to a Hub model repository, in one commit, tagged if asked.

    Args:
        repo: `owner/name`; made if it does not exist.
        folder: what `GreenPredictor.save` wrote; the shipped model by default.
        evaluation: what `green-predictor evaluate --json` printed, for the card.
        dataset: the Hub data set it was fitted on, for the card.
        tag: a version such as `v1.0.0`.

    Raises:
        UsageError: not owner/name. RefusedError: the folder is not a model. HubError: no right or no network.
    """
    repo, folder = _checked(repo), Path(folder or SHIPPED_MODEL)
    domains, facts = storage.load(folder)
    with tempfile.TemporaryDirectory(prefix="green-publish-") as place:
        for name in FILES:
            shutil.copyfile(folder / name, Path(place) / name)
        card = model_card(domains, facts, repo=repo, evaluation=evaluation, dataset=dataset)
        (Path(place) / CARD).write_text(card, encoding="utf-8")
        sizes = {name: (Path(place) / name).stat().st_size for name in (*FILES, CARD)}
        if dry_run:
            return Published(repo, sizes)
        title = "Publish a predictor fitted on snapshot " + str(facts.get("snapshot", "unknown"))
        commit = _send(repo, "model", Path(place), title, token)
        if tag is not None:
            _tag(repo, tag, commit, token)
    return Published(repo, sizes, commit, tag)


def publish_space(repo: str, *, token: str | None = None, dry_run: bool = False) -> Published:
    """Send the page, with the packages it stands on as they are installed here, to a Hub Space.

    Raises:
        UsageError: not owner/name, or the page is not installed. HubError: no right or no network.
    """
    repo = _checked(repo)
    with tempfile.TemporaryDirectory(prefix="green-space-") as place:
        write_space(Path(place))
        files = {
            path.relative_to(place).as_posix(): path.stat().st_size
            for path in sorted(Path(place).rglob("*"))
            if path.is_file()
        }
        if dry_run:
            return Published(repo, files)
        with warnings.catch_warnings():  # the shipped snapshot belongs to the page
            warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
            commit = _send(repo, "space", Path(place), "Publish the page", token, space_sdk="gradio")
        return Published(repo, files, commit)


def fetch_model(repo: str, *, revision: str | None = None, token: str | None = None) -> Path:
    """The folder of a published model; the same again without network.

    Raises:
        UsageError: not owner/name. RefusedError: too large for a model, which is found out before it is downloaded.
        HubError: not there, or not reachable and not in the cache.
    """
    from huggingface_hub import snapshot_download

    from ecotaskset.hub import explain, hub_failures

    what = f"fetch the model {_checked(repo)}" + (f" at {revision}" if revision else "")
    try:
        _check_sizes(repo, revision, token)
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=[*FILES, CARD], token=token))
    except hub_failures() as error:
        raise explain(error, what) from error
    if not (folder / storage.JSON_NAME).is_file():
        raise HubError(f"cannot {what}: there is no model in it", hint="check the repository and the version")
    return folder


def _check_sizes(repo: str, revision: str | None, token: str | None) -> None:
    from huggingface_hub import HfApi

    from ecotaskset.hub import hub_failures

    try:
        there = HfApi(token=token).model_info(repo, revision=revision, files_metadata=True).siblings or ()
    except hub_failures():  # the download finds out why; without network it only reads what was downloaded before
        return
    for file in there:
        if file.rfilename in (*FILES, CARD) and (file.size or 0) > storage.MOST_BYTES:
            raise RefusedError(f"{file.rfilename} of {repo} is too large for a model: {file.size / 1e6:.0f} MB")


def locate(repo_or_folder: str | Path, *, revision: str | None = None, token: str | None = None) -> Path:
    """A local folder as it is, else the published model of that name."""
    folder = Path(repo_or_folder).expanduser()
    if folder.is_dir():
        return folder
    if not _NAME.fullmatch(str(repo_or_folder)):
        raise RefusedError(f"no model at {repo_or_folder}", hint="a folder, or a Hub model owner/name")
    return fetch_model(str(repo_or_folder), revision=revision, token=token)


def _checked(repo: str) -> str:
    if not _NAME.fullmatch(repo):
        raise UsageError(f"'{repo}' is not a Hub repository", hint="write owner/name, for example my-lab/green")
    return repo


def _send(repo: str, kind: str, folder: Path, title: str, token: str | None, **create: Any) -> str:
    from ecotaskset.hub import attempt, connect, sign_in

    api = connect(token)
    account = sign_in(api)
    if not account.may_write(repo):
        raise HubError(f"'{account.name}' may not write to {repo}", hint="publish under your own name")
    attempt(lambda: api.create_repo(repo, repo_type=kind, exist_ok=True, **create), f"make {repo}")
    made = attempt(
        lambda: api.upload_folder(
            repo_id=repo,
            repo_type=kind,
            folder_path=folder,
            commit_message=title,
            ignore_patterns=["**/__pycache__/**"],
        ),
        f"publish to {repo}",
    )
    return str(made.oid)


def _tag(repo: str, tag: str, commit: str, token: str | None) -> None:
    from ecotaskset.hub import attempt, connect

    api = connect(token)
    attempt(lambda: api.create_tag(repo, tag=tag, revision=commit, exist_ok=False), f"tag {repo} {tag}")
