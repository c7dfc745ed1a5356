"""`ecotaskset://` opens the shipped snapshot from any directory, and nothing else."""

from __future__ import annotations

import fsspec
import pandas
import pytest

from ecotaskset import load
from ecotaskset.errors import UsageError
from ecotaskset.fs import EcoTaskSetFileSystem
from ecotaskset.snapshot import build_snapshot


@pytest.fixture
def files(tmp_path, monkeypatch, make_run) -> EcoTaskSetFileSystem:
    runs = [make_run(learning_rate=1e-4 * (1 + n)) for n in range(30)]
    build_snapshot(runs, tmp_path / "package" / "data", "1.0.0")
    monkeypatch.setattr(load, "SNAPSHOT", tmp_path / "package" / "data")
    fsspec.register_implementation("ecotaskset", EcoTaskSetFileSystem, clobber=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return EcoTaskSetFileSystem()


def test_short_and_long_names_and_patterns_give_the_same_rows(files):
    short = pandas.read_parquet("ecotaskset://cv/train.parquet")
    assert len(short) == len(pandas.read_parquet("ecotaskset://cv/train-00000-of-00001.parquet")) > 0
    assert files.glob("ecotaskset://cv/train-*.parquet") == ["cv/train-00000-of-00001.parquet"]
    assert {entry["name"] for entry in files.ls("")} == {"cv", "manifest.json"}


def test_info_tells_the_content_hash_so_that_caches_notice_new_data(files, tmp_path, make_run):
    before = files.info("cv/train.parquet")["etag"]
    build_snapshot([make_run(learning_rate=1e-4 * (1 + n)) for n in range(40)], tmp_path / "package" / "data", "1.1.0")
    assert files.info("cv/train.parquet")["etag"] != before


@pytest.mark.parametrize(
    "path", ["cv/nothing.parquet", "nothing", "cv/../../secret.parquet", "../x", "cv/%2e%2e/x.parquet"]
)
def test_what_is_not_there_is_file_not_found(files, path, tmp_path):
    (tmp_path / "package" / "secret.parquet").write_bytes(b"x")
    with pytest.raises(FileNotFoundError):
        files.open(f"ecotaskset://{path}")


def test_read_only(files):
    with pytest.raises(UsageError, match="cannot be written"):
        files.open("ecotaskset://cv/train.parquet", "wb")
