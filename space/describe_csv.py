"""A CSV or TSV file → a text task (a text and a label a row) or a recommendation task (a user and an item a row)."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ecotaskset.errors import RefusedError
from space.describe_upload import Described

MOST_ROWS = 500_000
MOST_SKIPPED = 0.05
"""Share of rows that may be left out. Rows with a comma too many are not just any: they can be a whole class. So few
move a count by a twentieth, which is less than the energy of one recipe varies by from seed to seed."""
MOST_FIELD_CHARACTERS = 200_000
MOST_COLUMNS = 1_000
MOST_CLASSES = 1_000
MOST_WORDS = 2_000_000
"""Distinct words counted; beyond, the vocabulary is said to be at least this."""

_USER = ("user_id", "userid", "user", "customer_id", "customer", "visitor_id", "session_id", "reviewer_id")
_ITEM = ("item_id", "itemid", "item", "product_id", "product", "movie_id", "movieid", "article_id", "book_id", "asin")
_LABEL = ("label", "labels", "class", "target", "category", "sentiment", "intent", "y")
_WORD = re.compile(r"\w+|[^\w\s]")
_WANTED = "it needs a text and a label column, or a user and an item column, with a header line"


def describe_csv(path: Path, shown: str) -> Described:
    """Read at most `MOST_ROWS` rows.

    Raises:
        RefusedError: not text, no header, no columns a task can be read from, or too many rows that do not fit it.
    """
    with path.open("rb") as file:
        if b"\0" in file.read(65_536):
            raise RefusedError(f"“{shown}” is neither a zip nor text", hint="drop a CSV file or a zip of images")
    csv.field_size_limit(MOST_FIELD_CHARACTERS)
    with path.open("r", encoding="utf-8-sig", errors="replace", newline="") as file:
        sample = file.read(65_536)
        file.seek(0)
        rows = _rows(file, sample, shown)
        header = [name.strip() for name in next(rows, [])]
        if len(header) < 2 or len(header) > MOST_COLUMNS:
            raise RefusedError(f"“{shown}” has {len(header)} column(s)", hint=_WANTED)
        lowered = [name.lower() for name in header]
        user, item = _find(lowered, _USER), _find(lowered, _ITEM)
        notes: list[str] = []
        kept = _complete(rows, len(header), shown, notes)
        if user is not None and item is not None:
            return _interactions(kept, user, item, header, shown, notes)
        return _texts(list(kept), lowered, header, shown, notes)


def _rows(file: io.TextIOBase, sample: str, shown: str) -> Iterator[list[str]]:
    first = sample.splitlines()[0] if sample else ""
    delimiter = max(",\t;|", key=first.count)
    try:
        yield from csv.reader(file, delimiter=delimiter)
    except csv.Error as error:
        raise RefusedError(f"“{shown}” is not a CSV file: {error}", hint=_WANTED) from None


def _complete(rows: Iterator[list[str]], fields: int, shown: str, notes: list[str]) -> Iterator[list[str]]:
    """The rows with as many fields as the header, of the first `MOST_ROWS`; at the end `notes` tells what was left out.

    Raises:
        RefusedError: at the end, if it was more than `MOST_SKIPPED`.
    """
    kept = skipped = 0
    for row in filter(None, rows):  # a line with nothing on it is no row
        if kept + skipped == MOST_ROWS:
            notes.append(f"Only the first {MOST_ROWS:,} rows were read.")
            break
        if len(row) == fields:
            kept += 1
            yield row
        else:
            skipped += 1
    share = f"{skipped:,} of {kept + skipped:,} rows"
    if skipped > MOST_SKIPPED * (kept + skipped):
        raise RefusedError(
            f"{share} of “{shown}” have more or fewer fields than its header",
            hint="put texts that hold the separator into quotes",
        )
    if skipped:
        notes.append(f"{share} were left out: they have more or fewer fields than the header.")


def _interactions(
    rows: Iterator[list[str]], user: int, item: int, header: Sequence[str], shown: str, notes: list[str]
) -> Described:
    per_user: Counter[str] = Counter()
    items: set[str] = set()
    for row in rows:
        per_user[row[user]] += 1
        items.add(row[item])
    total = sum(per_user.values())
    if len(per_user) < 2 or len(items) < 2:
        raise RefusedError(
            f"“{shown}” has {len(per_user)} user(s) and {len(items)} item(s)",
            hint="a recommender needs several of each",
        )
    task = {
        "n_users": len(per_user),
        "n_items": len(items),
        "n_interactions": total,
        "sequence_length": min(max(per_user.values()), 200),
    }
    how = f"Read as interactions of “{header[user]}” with “{header[item]}”: {total:,} rows."
    return Described("recsys", task, how, notes)


def _texts(rows: list[list[str]], lowered: list[str], header: Sequence[str], shown: str, notes: list[str]) -> Described:
    if len(rows) < 2:
        raise RefusedError(f"“{shown}” has {len(rows)} complete row(s) below its header", hint=_WANTED)
    columns = range(len(header))
    length = [sum(len(row[c]) for row in rows[:2_000]) for c in columns]
    text = max(columns, key=lambda c: (not _numeric(rows[:200], c), length[c]))
    if _numeric(rows[:200], text):
        raise RefusedError(f"“{shown}” has numbers only; tables of numbers are not a task here yet", hint=_WANTED)
    label = _find(lowered, _LABEL)
    if label is None or label == text:
        counts = {c: len({row[c] for row in rows}) for c in columns if c != text}
        few = {c: n for c, n in counts.items() if 2 <= n <= min(MOST_CLASSES, len(rows) // 2)}
        if not few:
            raise RefusedError(f"no column of “{shown}” looks like a label", hint="name it “label”; " + _WANTED)
        label = min(few, key=lambda c: (few[c], c))
    labels = Counter(row[label] for row in rows)
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise RefusedError(
            f"“{header[label]}” of “{shown}” has {len(labels):,} different values",
            hint=f"a label column has 2 to {MOST_CLASSES:,}",
        )
    lengths, vocabulary = _words(rows, text)
    task = {
        "n_train": len(rows),
        "n_classes": len(labels),
        "sequence_length": lengths[max(0, math.ceil(0.95 * len(lengths)) - 1)],
        "mean_length": round(sum(lengths) / len(lengths), 2),
        "vocab_size": vocabulary,
        "majority_quality": round(max(labels.values()) / len(rows), 4),
    }
    how = f"Read “{header[text]}” as the text and “{header[label]}” as the label: {len(rows):,} rows."
    return Described("nlp", task, how, notes)


def _words(rows: list[list[str]], text: int) -> tuple[list[int], int]:
    """Sorted lengths in words and punctuation marks, and how many distinct ones there are."""
    lengths: list[int] = []
    seen: set[str] = set()
    for row in rows:
        words = _WORD.findall(row[text].lower())
        lengths.append(max(1, len(words)))
        if len(seen) < MOST_WORDS:
            seen.update(words)
    return sorted(lengths), len(seen)


def _find(lowered: Sequence[str], names: Sequence[str]) -> int | None:
    return next((lowered.index(name) for name in names if name in lowered), None)


def _numeric(rows: Sequence[Sequence[str]], column: int) -> bool:
    def number(text: str) -> bool:
        try:
            float(text)
        except ValueError:
            return not text.strip()
        return True

    return all(number(row[column]) for row in rows)
