"""Tables out of packages of R, from a small database of our own."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdata import write_rds

from collectors.tasks.sources.r_package import table
from ecotaskset.errors import UsageError

FILMS = pd.DataFrame({"userId": np.array([1, 1, 2], dtype=np.int32), "rating": [4.0, 2.5, 5.0]})


def database(folder: Path, cut: int = 0) -> Path:
    """The two files, with the table `films` behind some other bytes; `cut` bytes are missing at its end."""
    write_rds(folder / "films.rds", FILMS, compression=None)
    plain = (folder / "films.rds").read_bytes()
    packed = struct.pack(">I", len(plain)) + zlib.compress(plain)
    (folder / "Rdata.rdb").write_bytes(b"before" + packed[: len(packed) - cut])
    place = np.array([6, len(packed)], dtype=np.int32)
    write_rds(folder / "Rdata.rdx", {"variables": {"films": place}, "compressed": True}, compression="gzip")
    return folder


def test_a_table_is_read(tmp_path: Path) -> None:
    found = table(database(tmp_path), "films")
    assert found["userId"].tolist() == [1, 1, 2] and found["rating"].tolist() == [4.0, 2.5, 5.0]


def test_an_unknown_table_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no table 'books'") as caught:
        table(database(tmp_path), "books")
    assert "films" in caught.value.hint


def test_a_cut_off_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="films"):
        table(database(tmp_path, cut=10_000), "films")
    with pytest.raises(UsageError, match="films"):
        table(database(tmp_path, cut=20), "films")
