"""Text classification tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from functools import partial

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import strong, words
from collectors.tasks.sources.sentiment import SNIPPETS, snippets, which_source

VADER = "Hutto and Gilbert, VADER, ICWSM 2014"


def _snippets(name: str, kind: str, about: str) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain="nlp",
        source=SNIPPETS.label,
        licence="MIT (package); research data, cite the paper",
        citation=VADER,
        load=partial(snippets, kind),
        n_classes=2,
        sequence_length=32,
        note=f"{about}; label = sign of the mean human score, exactly 0 left out",
    )


MOVIES = _snippets("movie_reviews", "movieReviewSnippets", "sentences of film reviews")
AMAZON = _snippets("amazon_reviews", "amazonReviewSnippets", "sentences of product reviews")
EDITORIALS = _snippets("nyt_editorials", "nytEditorialSnippets", "sentences of newspaper editorials")
TWEETS = _snippets("tweets", "tweets", "tweets")

DATASETS = (
    MOVIES,
    variant(MOVIES, "strong", strong(2.0), "only clear opinions: mean score at least 2 away from neutral"),
    variant(MOVIES, "short", words(at_most=15), "at most 15 words", sequence_length=16),
    AMAZON,
    variant(AMAZON, "strong", strong(1.5), "only clear opinions: mean score at least 1.5 away from neutral"),
    EDITORIALS,
    TWEETS,
    variant(TWEETS, "strong", strong(2.0), "only clear opinions: mean score at least 2 away from neutral"),
    DatasetEntry(
        name="all_snippets",
        domain="nlp",
        source=SNIPPETS.label,
        licence=MOVIES.licence,
        citation=VADER,
        load=which_source,
        n_classes=4,
        sequence_length=32,
        note="which of the four sources wrote it: shop, film page, newspaper, tweet",
    ),
)
