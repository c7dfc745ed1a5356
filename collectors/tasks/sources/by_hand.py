"""Recommendation data that its owners let people fetch only themselves: put the archive into `<cache>/archives`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collectors.tasks.sources.archives import extract
from collectors.tasks.sources.packages import MEGABYTE, SourceUnavailable
from collectors.tasks.sources.raw import Interactions
from collectors.tasks.sources.tables import interactions

MAX_BYTES = 256 * MEGABYTE


@dataclass(frozen=True)
class ByHand:
    """One file of an archive, a table without a header: which columns say user, item, time (and rating)."""

    archive: str
    page: str
    member: str
    separator: str
    user: int
    item: int
    time: int
    rating: int | None = None
    time_format: str | None = None

    def load(self, root: Path) -> Interactions:
        """Read it. Raises SourceUnavailable where the archive is not there, and says where to get it."""
        from dataclasses import replace
        from tempfile import TemporaryDirectory

        import pandas as pd

        archive = root / "archives" / self.archive
        if not archive.is_file():
            raise SourceUnavailable(
                f"{self.archive} is not in {archive.parent}", hint=f"fetch it from {self.page} and put it there"
            )
        with TemporaryDirectory(dir=root) as scratch:
            (path,) = extract(archive, (self.member,), Path(scratch), MAX_BYTES)
            rows = [line.split(self.separator) for line in path.read_text(encoding="latin-1").splitlines() if line]
        table = pd.DataFrame(rows)
        times = table[self.time]
        if self.time_format:
            times = pd.to_datetime(times, format=self.time_format, utc=True).map(pd.Timestamp.timestamp)
        raw = interactions(table[self.user].to_numpy(), table[self.item].to_numpy(), times, self.archive)
        if self.rating is None:
            return raw
        return replace(raw, ratings=table[self.rating].astype(float).to_numpy())


MOVIELENS_1M = ByHand(
    "ml-1m.zip", "https://grouplens.org/datasets/movielens/1m/", "ml-1m/ratings.dat", "::", 0, 1, 3, rating=2
)
_FOURSQUARE_PAGE = "https://sites.google.com/site/yangdingqi/home/foursquare-dataset"
_CHECKIN_TIME = "%a %b %d %H:%M:%S %z %Y"
FOURSQUARE = {
    city: ByHand(
        "dataset_tsmc2014.zip",
        _FOURSQUARE_PAGE,
        f"*dataset_TSMC2014_{city}.txt",
        "\t",
        user=0,
        item=1,
        time=7,
        time_format=_CHECKIN_TIME,
    )
    for city in ("NYC", "TKY")
}
