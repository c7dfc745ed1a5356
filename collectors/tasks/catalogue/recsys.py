"""Sequential recommendation tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import dense, liked, recent
from collectors.tasks.sources.ratings import RECBOLE, movielens_100k

MOVIELENS_100K = DatasetEntry(
    name="movielens_100k",
    domain="recsys",
    source=RECBOLE.label,
    licence="GroupLens: research use, no redistribution",
    citation="Harper and Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015",
    load=movielens_100k,
    sequence_length=32,
)

DATASETS = (
    MOVIELENS_100K,
    variant(MOVIELENS_100K, "recent", recent(0.5), "the later half of all ratings"),
    variant(MOVIELENS_100K, "dense", dense(100), "films that at least 100 people rated"),
    variant(MOVIELENS_100K, "liked", liked(4), "ratings of 4 and 5 only"),
)
