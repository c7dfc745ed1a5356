"""What the Hub remembers: users, blobs, commits, references. No HTTP in here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

HEADS, TAGS, PULLS = "refs/heads/", "refs/tags/", "refs/pr/"


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class User:
    """An account. ``role`` is that of its token: ``write`` or ``read``; ``orgs`` are namespaces it may write to."""

    name: str
    token: str
    role: str = "write"
    orgs: tuple[str, ...] = ()

    def may_write(self, repo_id: str) -> bool:
        return self.role == "write" and repo_id.split("/")[0] in (self.name, *self.orgs)


@dataclass(frozen=True)
class Blob:
    """The content of one file. Large files are stored in git as a pointer, hence two identifiers."""

    data: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return b"version lfs/v1\noid sha256:%s\nsize %d\n" % (self.sha256.encode(), len(self.data))

    @property
    def git_oid(self) -> str:
        content = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.git_oid


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    title: str
    message: str
    author: str
    date: str
    files: Mapping[str, Blob]


@dataclass
class Repo:
    """One repository: every commit it ever had, and the references into them."""

    kind: str
    repo_id: str
    private: bool = False
    created: str = field(default_factory=now)
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    discussions: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commit(HEADS + "main", {".gitattributes": Blob(b"*.parquet filter=lfs\n", False)}, "initial commit", "hub")

    @property
    def prefix(self) -> str:
        return {"model": "", "dataset": "datasets/", "space": "spaces/"}[self.kind]

    def ref_of(self, revision: str) -> str:
        """The full name of a branch or pull request named by a client (``main``, ``refs/pr/3``)."""
        return revision if revision.startswith("refs/") else HEADS + revision

    def resolve(self, revision: str) -> Commit | None:
        """The commit a client means: a branch, a tag, a pull request reference, or (a prefix of) a sha."""
        for name in (revision, HEADS + revision, TAGS + revision):
            if name in self.refs:
                return self.commits[self.refs[name]]
        found = [commit for oid, commit in self.commits.items() if len(revision) >= 7 and oid.startswith(revision)]
        return found[0] if len(found) == 1 else None

    def commit(self, ref: str, files: Mapping[str, Blob], title: str, author: str, message: str = "") -> Commit:
        """Put a new commit with exactly these files on a reference."""
        parent = self.refs.get(ref)
        date = now()
        tree = "".join(f"{path}\0{blob.etag}\n" for path, blob in sorted(files.items()))
        seed = f"{self.kind}\0{self.repo_id}\0{parent}\0{len(self.commits)}\0{title}\0{author}\0{date}\0{tree}"
        oid = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, message, author, date, dict(files))
        self.refs[ref] = oid
        return self.commits[oid]

    def history(self, start: Commit) -> list[Commit]:
        chain, commit = [], start
        while commit is not None:
            chain.append(commit)
            commit = self.commits.get(commit.parent) if commit.parent else None
        return chain


@dataclass
class State:
    """Everything: accounts, repositories, and the store of large objects that all repositories share."""

    users: dict[str, User] = field(default_factory=dict)
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
