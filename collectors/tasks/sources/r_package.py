"""Tables that lie inside packages of R, which keep all their objects in one file with an index beside it."""

from __future__ import annotations

import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def table(folder: Path, name: str) -> pd.DataFrame:
    """A data frame of the lazy-load database `Rdata.rdb` and `Rdata.rdx` in a folder.

    An object starts with its unpacked size, 4 bytes big-endian, then zlib data (R Internals, section 1.11).

    Raises:
        UsageError: there is no such object, or it is cut off or damaged.
    """
    from rdata.conversion import convert
    from rdata.parser import parse_data

    index = convert(parse_data((folder / "Rdata.rdx").read_bytes(), extension=".rds"))
    places = {str(key): place for key, place in index["variables"].items()}
    if name not in places:
        raise UsageError(f"the package has no table '{name}'", hint=f"it has {', '.join(sorted(places))}")
    start, length = (int(number) for number in places[name])
    packed = (folder / "Rdata.rdb").read_bytes()[start : start + length]
    size = int.from_bytes(packed[:4], "big")
    try:
        unpacked = zlib.decompressobj().decompress(packed[4:], size)
    except zlib.error as error:
        raise UsageError(f"table '{name}' cannot be unpacked: {error}", hint="fetch the package again") from error
    if len(unpacked) != size or not size:
        raise UsageError(f"table '{name}' is cut off", hint="fetch the package again")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # columns of classes it does not know stay what they are: numbers
        return convert(parse_data(unpacked, extension=".rds"))
