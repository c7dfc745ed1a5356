"""Sequential recommendation tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import earliest, frequent, liked, recent
from collectors.tasks.sources.by_hand import FOURSQUARE, MOVIELENS_1M, ByHand
from collectors.tasks.sources.dslabs import DSLABS
from collectors.tasks.sources.ratings import RECBOLE, movielens_100k, movielens_small
from ecotaskset.trained_on import credit


def _by_hand(name: str, source: ByHand) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain="recsys",
        source=f"file:{source.archive} from {source.page}",
        **credit(name),
        load_hub=source.load,
        sequence_length=32,
    )


MOVIELENS_100K = DatasetEntry(
    name="movielens_100k",
    domain="recsys",
    source=RECBOLE.label,
    **credit("movielens_100k"),
    load=movielens_100k,
    sequence_length=32,
)
MOVIELENS_SMALL = DatasetEntry(
    name="movielens_small",
    domain="recsys",
    source=DSLABS.label,
    **credit("movielens_small"),
    load=movielens_small,
    sequence_length=32,
    note="671 people drawn from twenty years of MovieLens; movielens_100k is of 1997 and 1998",
)

DATASETS = (
    MOVIELENS_100K,
    variant(MOVIELENS_100K, "recent", recent(0.5), "the later half of all ratings"),
    variant(MOVIELENS_100K, "early", earliest(0.5), "the earlier half of all ratings"),
    variant(MOVIELENS_100K, "dense", frequent("items", at_least=100), "films that at least 100 people rated"),
    variant(MOVIELENS_100K, "niche", frequent("items", at_most=150), "films that at most 150 people rated"),
    variant(MOVIELENS_100K, "active", frequent("users", at_least=100), "people with at least 100 ratings"),
    variant(MOVIELENS_100K, "casual", frequent("users", at_most=100), "people with at most 100 ratings"),
    variant(MOVIELENS_100K, "liked", liked(4), "ratings of 4 and 5 only"),
    MOVIELENS_SMALL,
    variant(MOVIELENS_SMALL, "dense", frequent("items", at_least=30), "films that at least 30 people rated"),
    variant(MOVIELENS_SMALL, "casual", frequent("users", at_most=150), "people with at most 150 ratings"),
    variant(MOVIELENS_SMALL, "liked", liked(4), "ratings of 4 and more only"),
    _by_hand("movielens_1m", MOVIELENS_1M),
    _by_hand("foursquare_nyc", FOURSQUARE["NYC"]),
    _by_hand("foursquare_tky", FOURSQUARE["TKY"]),
)
