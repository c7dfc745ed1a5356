"""Pictures of any size, from a folder of the user or from a data set on the Hub, to square arrays of one side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.tasks.sources.raw import TEST, TRAIN, VALIDATION, Images
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
MAX_SIDE = 64
"""Larger pictures are stored at this side: more would not fit the small networks, and fill the memory."""
SPLIT_FOLDERS = {"train": TRAIN, "validation": VALIDATION, "valid": VALIDATION, "val": VALIDATION, "test": TEST}


def image_folder(folder: Path) -> Images:
    """`folder/<class>/<picture>`, or `folder/{train,validation,test}/<class>/<picture>`; read in sorted order."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    files = picture_files(folder)
    parts = [path.relative_to(folder).parts for path in files]
    split = None
    if all(part[0] in SPLIT_FOLDERS and len(part) > 2 for part in parts):
        split = np.array([SPLIT_FOLDERS[part[0]] for part in parts], dtype=np.int8)
        parts = [part[1:] for part in parts]
    if any(len(part) < 2 for part in parts):
        raise UsageError(f"{folder} has pictures outside of class folders", hint="put them into <folder>/<class>/")
    names = sorted({part[0] for part in parts})

    def pictures() -> Iterable[Image]:
        for path in files:
            try:
                with Image.open(path) as picture:
                    picture.load()
                    yield picture
            except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
                raise UsageError(f"{path} is no readable picture: {error}", hint="repair it or leave it out") from None

    labels = np.array([names.index(part[0]) for part in parts], dtype=np.int64)
    return Images(to_squares(pictures), labels, tuple(names), split)


def picture_files(folder: Path) -> list[Path]:
    """All pictures below the folder, sorted by path. Raises UsageError if there are none."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="check the path after 'folder:'")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise UsageError(
            f"{folder} holds no pictures", hint=f"looked for {', '.join(SUFFIXES[:3])}, … in class folders"
        )
    return files


def folder_version(folder: Path) -> str:
    """Changes when a picture is added, removed or rewritten."""
    stats = [(str(path.relative_to(folder)), path.stat()) for path in picture_files(folder)]
    listing = "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)
    return hashlib.sha256(f"{folder.resolve()}\n{listing}".encode()).hexdigest()


def to_squares(pictures: Sequence[Image] | object, side: int | None = None) -> np.ndarray:
    """Pixels (n, side, side, channels) uint8 of pictures given by a callable that can be run twice.

    The middle square is cut out. Without `side`, it is the median of the shorter sides, at most MAX_SIDE. Pictures
    become grey if all are, else RGB.
    """
    import numpy as np

    shapes = [(min(picture.size), picture.mode in ("L", "1", "I", "I;16", "F")) for picture in pictures()]
    side = side or int(min(MAX_SIDE, np.median([short for short, _ in shapes])))
    mode = "L" if all(grey for _, grey in shapes) else "RGB"
    out = np.empty((len(shapes), side, side, 1 if mode == "L" else 3), dtype=np.uint8)
    for row, picture in enumerate(pictures()):
        out[row] = np.asarray(_square(picture, side, mode)).reshape(side, side, -1)
    return out


def _square(picture: Image, side: int, mode: str) -> Image:
    from PIL.Image import Resampling

    width, height = picture.size
    short = min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    return picture.convert(mode).crop((left, top, left + short, top + short)).resize((side, side), Resampling.BILINEAR)
