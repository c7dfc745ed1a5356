"""Text classification tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import relabel, strong, words
from collectors.tasks.sources.dslabs import DSLABS, device_tweets
from collectors.tasks.sources.hub import hub_texts
from collectors.tasks.sources.mail import SPAM_ASSASSIN, spam_assassin, spam_assassin_subject
from collectors.tasks.sources.sentiment import SNIPPETS, snippets, which_source
from ecotaskset.trained_on import credit


def _snippets(name: str, kind: str, about: str) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain="nlp",
        source=SNIPPETS.label,
        **credit(name),
        load=partial(snippets, kind),
        n_classes=2,
        sequence_length=32,
        note=f"{about}; label = sign of the mean human score, exactly 0 left out",
    )


def _on_hub(name: str, hub_id: str, n_classes: int, length: int, **columns: object) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain="nlp",
        source=f"hub:{hub_id}",
        **credit(name),
        load_hub=partial(hub_texts, hub_id=hub_id, **columns),
        hub_id=hub_id,
        n_classes=n_classes,
        sequence_length=length,
    )


MOVIES = _snippets("movie_reviews", "movieReviewSnippets", "sentences of film reviews")
AMAZON = _snippets("amazon_reviews", "amazonReviewSnippets", "sentences of product reviews")
EDITORIALS = _snippets("nyt_editorials", "nytEditorialSnippets", "sentences of newspaper editorials")
TWEETS = _snippets("tweets", "tweets", "tweets")
SPAM = DatasetEntry(
    name="spam_assassin",
    domain="nlp",
    source=SPAM_ASSASSIN.label,
    **credit("spam_assassin"),
    load=spam_assassin,
    n_classes=2,
    sequence_length=64,
    note="subject and start of the body of a mail",
)
DEVICE_TWEETS = DatasetEntry(
    name="device_tweets",
    domain="nlp",
    source=DSLABS.label,
    **credit("device_tweets"),
    load=device_tweets,
    n_classes=3,
    sequence_length=32,
    note="which device a politician's posts were sent from",
)

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
        **credit("all_snippets"),
        load=which_source,
        n_classes=4,
        sequence_length=32,
        note="which of the four sources wrote it: shop, film page, newspaper, tweet",
    ),
    SPAM,
    replace(
        SPAM,
        name="spam_assassin-subject",
        load=spam_assassin_subject,
        sequence_length=16,
        note="spam or not, by the subject line alone",
    ),
    DEVICE_TWEETS,
    variant(DEVICE_TWEETS, "phones", relabel({"android": (1,), "iphone": (2,)}), "the two phones only", n_classes=2),
    _on_hub("rotten_tomatoes", "cornell-movie-review-data/rotten_tomatoes", 2, 48),
    _on_hub("boolq", "google/boolq", 2, 128, text=("question", "passage"), label="answer"),
    _on_hub("emotion", "dair-ai/emotion", 6, 48),
    _on_hub("imdb", "stanfordnlp/imdb", 2, 256),
)
