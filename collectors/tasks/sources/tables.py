"""Tables of the user: a CSV of texts and labels, or of users, items and times; and recommendation data by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from collectors.tasks.sources.raw import Interactions, Texts
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEXT_NAMES = ("text", "sentence", "content", "review", "message", "question")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "sentiment")
USER_NAMES = ("user", "user_id", "userid", "user_id:token")
ITEM_NAMES = ("item", "item_id", "itemid", "movie_id", "movieid", "item_id:token")
TIME_NAMES = ("time", "timestamp", "date", "datetime", "timestamp:float")


def text_table(path: Path, text: str | None, label: str | None) -> Texts:
    """A CSV with a column of texts and one of labels; the labels may be words. Columns are found by usual names."""
    table = read_table(path)
    texts = tuple(table[column_of(table, text, TEXT_NAMES, "text", path)])
    codes, names = encode_labels(table[column_of(table, label, LABEL_NAMES, "label", path)].to_numpy(), path.name)
    return Texts(texts, codes, names)


def interaction_table(path: Path, user: str | None, item: str | None, time: str | None) -> Interactions:
    """A CSV of (user, item, time), columns found by usual names; times are numbers or dates."""
    table = read_table(path)
    users, items, times = (
        table[column_of(table, wanted, names, what, path)]
        for wanted, names, what in (
            (user, USER_NAMES, "user"),
            (item, ITEM_NAMES, "item"),
            (time, TIME_NAMES, "time"),
        )
    )
    return interactions(users.to_numpy(), items.to_numpy(), times, path.name)


def interactions(users: np.ndarray, items: np.ndarray, times: pd.Series, where: str) -> Interactions:
    """Codes for users and items, seconds (or the given numbers) for times."""
    import numpy as np

    codes = [np.unique(column.astype(str), return_inverse=True)[1].astype(np.int64) for column in (users, items)]
    return Interactions(*codes, times=_times(times, where))


def read_table(path: Path) -> pd.DataFrame:
    """A table of strings. Raises UsageError for what is not a table."""
    import pandas as pd

    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="check the path after 'csv:'")
    separator = "\t" if path.suffix in (".tsv", ".inter", ".tab") else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        raise UsageError(f"{path.name} is empty", hint="the first line names the columns") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        problem = str(error).strip().splitlines()[0]
        raise UsageError(f"{path.name} is no CSV in UTF-8: {problem}", hint="check delimiter and encoding") from None
    if table.empty:
        raise UsageError(f"{path.name} has no rows", hint="the first line names the columns")
    return table


def column_of(table: pd.DataFrame, wanted: str | None, names: tuple[str, ...], what: str, path: Path) -> str:
    """The column asked for, or the first with a usual name. Raises UsageError that shows the columns there are."""
    import difflib

    columns = [str(column) for column in table.columns]
    if wanted:
        if wanted in columns:
            return wanted
        near = difflib.get_close_matches(wanted, columns, n=1)
        suggestion = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(
            f"{path.name} has no column '{wanted}'{suggestion}", hint=f"its columns are: {', '.join(columns)}"
        )
    by_name = {column.strip().lower(): column for column in columns}
    for name in names:
        if name in by_name:
            return by_name[name]
    raise UsageError(
        f"{path.name} has no column for the {what} (looked for {', '.join(names[:3])})",
        hint=f"its columns are: {', '.join(columns)}; name the right ones after the path, separated by ':'",
    )


def encode_labels(values: np.ndarray, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers and names of labels of any kind, in sorted order (numbers by value, then words)."""
    import numpy as np

    words = [str(value).strip() for value in values]
    for row, word in enumerate(words):
        if word.lower() in ("", "nan", "none"):
            raise UsageError(f"{where}: row {row + 1} has no label", hint="give it one or leave the row out")
    names = sorted(set(words), key=lambda word: (not _is_number(word), float(word) if _is_number(word) else 0, word))
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[word] for word in words], dtype=np.int64), tuple(names)


def _is_number(word: str) -> bool:
    try:
        return abs(float(word)) < float("inf")
    except ValueError:
        return False


def _times(column: pd.Series, where: str) -> np.ndarray:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if not numbers.isna().any():
        return numbers.to_numpy(dtype=float)
    dates = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    if not dates.isna().any():
        return dates.map(pd.Timestamp.timestamp).to_numpy(dtype=float)
    wrong = min(numbers.isna(), dates.isna(), key=lambda missing: missing.sum())
    row = int(wrong.to_numpy().argmax())
    raise UsageError(
        f"{where}: row {row + 1} has the time {str(column.iloc[row])!r}, which is no number and no date",
        hint="is this the column of the times?",
    )
