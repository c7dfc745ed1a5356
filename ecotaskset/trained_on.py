"""Whose work the models were trained on: licence and citation of every public data set, declared once.

A task made from a data set is called `<data set>-<variant>` and owes the same citation.
"""

from __future__ import annotations

_SNIPPETS = ("MIT (package); research data, cite the paper", "Hutto and Gilbert, VADER, ICWSM 2014")
_LENET = "LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning, Proceedings of the IEEE 86(11), 1998"
_MOVIELENS = (
    "GroupLens: research use, no redistribution",
    "Harper and Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015",
)
_CHECK_INS = ("research use", "Yang et al., Modeling User Activity Preference, IEEE TSMC 45(1), 2015")
_TINY_IMAGES = ("unknown", "Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009")
_SEE_HUB = "as its card on the Hub says"

TRAINED_ON: dict[str, tuple[str, str]] = {
    "digits": (
        "CC BY 4.0",
        "Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998",
    ),
    "fashion_mnist": ("MIT", "Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017"),
    "mnist": ("MIT (package)", _LENET),
    "mnist_full": ("MIT", _LENET),
    "cifar10": _TINY_IMAGES,
    "cifar100": _TINY_IMAGES,
    "food101": ("unknown", "Bossard et al., Food-101, ECCV 2014"),
    "movie_reviews": _SNIPPETS,
    "amazon_reviews": _SNIPPETS,
    "nyt_editorials": _SNIPPETS,
    "tweets": _SNIPPETS,
    "all_snippets": _SNIPPETS,
    "spam_assassin": ("PDDL 1.0", "The Apache SpamAssassin public mail corpus, 2002 to 2005"),
    "device_tweets": ("Artistic 2.0 (package)", "Irizarry and Gill, dslabs: Data Science Labs, R package, 2021"),
    "rotten_tomatoes": (_SEE_HUB, "Pang and Lee, Seeing Stars, ACL 2005"),
    "boolq": (_SEE_HUB, "Clark et al., BoolQ, NAACL 2019"),
    "emotion": (_SEE_HUB, "Saravia et al., CARER, EMNLP 2018"),
    "imdb": (_SEE_HUB, "Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011"),
    "movielens_100k": _MOVIELENS,
    "movielens_small": _MOVIELENS,
    "movielens_1m": _MOVIELENS,
    "foursquare_nyc": _CHECK_INS,
    "foursquare_tky": _CHECK_INS,
}
"""Data set → (licence, citation)."""


def credit(dataset: str) -> dict[str, str]:
    """`licence` and `citation` of a data set that is listed.

    Raises:
        KeyError: it is not listed.
    """
    licence, citation = TRAINED_ON[dataset]
    return {"licence": licence, "citation": citation}


def base_name(task: str) -> str:
    """The data set a task was made from: `digits-parity` → `digits`."""
    base = task.split("-")[0]
    return base if base in TRAINED_ON else task
