"""Tables of dslabs, a package of R with real data for teaching (Irizarry and Gill); only its data file is read."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.tasks.sources.packages import MEGABYTE, Package, fetch
from collectors.tasks.sources.r_package import table
from collectors.tasks.sources.raw import Texts

if TYPE_CHECKING:
    import pandas as pd

_FOLDER = "usr/lib/R/site-library/dslabs/data"
DSLABS = Package(
    manager="apt",
    name="r-cran-dslabs",
    version="0.7.4-1",
    sha256="c3f93382c44d4581de9561792a87b110cb239c70771cac5ad63fa0a259e71ef3",
    members=(f"{_FOLDER}/Rdata.rdx", f"{_FOLDER}/Rdata.rdb"),
    max_bytes=8 * MEGABYTE,
)
DEVICES = {"web": "Twitter Web Client", "android": "Twitter for Android", "iphone": "Twitter for iPhone"}


def teaching_table(name: str, root: Path) -> pd.DataFrame:
    """One of the tables; errors as `fetch` and `r_package.table`."""
    return table(fetch(DSLABS, root) / _FOLDER, name)


def device_tweets(root: Path) -> Texts:
    """19,332 public posts of one politician, 2009 to 2017, labelled by the device each was sent from."""
    import numpy as np

    frame = teaching_table("trump_tweets", root)
    frame = frame[frame["source"].isin(list(DEVICES.values()))]
    numbers = {source: number for number, source in enumerate(DEVICES.values())}
    labels = np.array([numbers[source] for source in frame["source"]], dtype=np.int64)
    return Texts(tuple(html.unescape(str(text)) for text in frame["text"]), labels, tuple(DEVICES))
