"""Snippets with human sentiment scores, from the archive that travels with the vaderSentiment package.

Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014:
each snippet was rated by 20 people from −4 to +4. The label is the sign of the mean score; a mean of exactly 0 says
neither, so such snippets are left out.
"""

from __future__ import annotations

import html
from pathlib import Path

from collectors.tasks.sources.packages import MEGABYTE, Package, fetch
from collectors.tasks.sources.raw import Texts

SNIPPETS = Package(
    manager="pip",
    name="vaderSentiment",
    version="3.3.2",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    members=("vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",),
    max_bytes=4 * MEGABYTE,
    from_source=True,
    inner=("hutto_ICWSM_2014/*_GroundTruth.txt",),
)
CLASS_NAMES = ("negative", "positive")
KINDS = ("amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets", "tweets")


def snippets(kind: str, root: Path) -> Texts:
    """The snippets of one kind (see KINDS), labelled by the sign of their mean score, in the order of the file."""
    import numpy as np

    texts, scores = [], []
    for line in _lines(kind, root):
        _, score, text = line.split("\t", 2)
        if float(score) != 0:
            texts.append(html.unescape(text.strip()))
            scores.append(float(score))
    strength = np.array(scores)
    return Texts(tuple(texts), (strength > 0).astype(np.int64), CLASS_NAMES, strength=strength)


def which_source(root: Path) -> Texts:
    """All four kinds together; the class is the kind, the problem to tell where a snippet was written."""
    import numpy as np

    texts, labels = [], []
    for number, kind in enumerate(KINDS):
        lines = _lines(kind, root)
        texts += [html.unescape(line.split("\t", 2)[2].strip()) for line in lines]
        labels += [number] * len(lines)
    return Texts(tuple(texts), np.array(labels, dtype=np.int64), ("amazon", "movies", "nyt", "tweets"))


def _lines(kind: str, root: Path) -> list[str]:
    folder = (fetch(SNIPPETS, root) / SNIPPETS.members[0]).parent / "hutto_ICWSM_2014"
    text = (folder / f"{kind}_GroundTruth.txt").read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.count("\t") >= 2]
