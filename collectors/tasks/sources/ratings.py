"""Ratings of films that travel inside packages, as an example or for teaching (only the files are read)."""

from __future__ import annotations

from pathlib import Path

from collectors.tasks.sources.dslabs import teaching_table
from collectors.tasks.sources.packages import MEGABYTE, Package, fetch
from collectors.tasks.sources.raw import Interactions

RECBOLE = Package(
    manager="pip",
    name="recbole",
    version="1.2.1",
    sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
    members=("recbole/dataset_example/ml-100k/ml-100k.inter",),
    max_bytes=4 * MEGABYTE,
)


def movielens_100k(root: Path) -> Interactions:
    """100,000 ratings of 1,682 films by 943 people."""
    import numpy as np

    table = np.loadtxt(fetch(RECBOLE, root) / RECBOLE.members[0], skiprows=1, delimiter="\t")
    users, items = (np.unique(table[:, column], return_inverse=True)[1].astype(np.int64) for column in (0, 1))
    return Interactions(users, items, times=table[:, 3], ratings=table[:, 2])


def movielens_small(root: Path) -> Interactions:
    """100,004 ratings of 9,066 films by 671 people, drawn from twenty years of MovieLens (1995 to 2016)."""
    import numpy as np

    frame = teaching_table("movielens", root)
    users, items = (
        np.unique(frame[column].to_numpy(int), return_inverse=True)[1].astype(np.int64)
        for column in ("userId", "movieId")
    )
    return Interactions(users, items, times=frame["timestamp"].to_numpy(float), ratings=frame["rating"].to_numpy(float))
