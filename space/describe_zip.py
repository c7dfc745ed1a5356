"""A zip of images, one folder a class → an image task. Only the list of files and a few image headers are read.

Nothing is ever extracted, so a path in the archive can touch nothing; an archive whose claims are unsafe or absurd is
refused all the same, because no honest data set looks like that.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from ecotaskset.errors import RefusedError
from space.describe_upload import Described

MOST_FILES = 200_000
MOST_UNPACKED_BYTES = 4_000_000_000
MOST_RATIO = 300
"""Unpacked over packed bytes of a file; images hardly shrink, bombs shrink a thousandfold."""
RATIO_MATTERS_FROM = 1_000_000
HEADERS_READ = 20
HEADER_BYTES = 65_536
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".bmp"}
_WANTED = "put the images into one folder a class, and zip the folders"


def describe_zip(path: Path, shown: str) -> Described:
    """Raises RefusedError: damaged, unsafe, or no images in folders."""
    try:
        with zipfile.ZipFile(path) as archive:
            # not is_dir(), which fails on an empty name in older Pythons
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            _check(entries, shown)
            images = [entry for entry in entries if _suffix(entry) in IMAGES and not _hidden(entry)]
            counts = Counter(_class_of(entry) for entry in images)
            if len(images) < 2 or len(counts) < 2:
                raise RefusedError(f"“{shown}” has {len(images):,} image(s) in {len(counts)} folder(s)", hint=_WANTED)
            step = max(1, len(images) // HEADERS_READ)
            sizes = [found for entry in images[::step][:HEADERS_READ] if (found := _size(archive, entry))]
    except (zipfile.BadZipFile, NotImplementedError, struct.error, UnicodeDecodeError) as error:
        raise RefusedError(f"“{shown}” is not a readable zip: {error}", hint="make it again") from None
    task: dict[str, float] = {
        "n_train": len(images),
        "n_classes": len(counts),
        "majority_quality": round(max(counts.values()) / len(images), 4),
    }
    if sizes:
        sides = sorted(max(width, height) for width, height, _ in sizes)
        task["image_size"] = sides[len(sides) // 2]
        task["n_channels"] = Counter(channels for _, _, channels in sizes).most_common(1)[0][0]
    how = f"Read {len(images):,} images in {len(counts):,} folders, one folder a class."
    notes = [] if sizes else ["The size of the images could not be read; type it."]
    return Described("cv", task, how, notes)


def _check(entries: list[zipfile.ZipInfo], shown: str) -> None:
    if len(entries) > MOST_FILES:
        raise RefusedError(f"“{shown}” holds {len(entries):,} files", hint=f"at most {MOST_FILES:,} are looked at")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_UNPACKED_BYTES:
        raise RefusedError(f"“{shown}” would unpack to {total / 1e9:,.0f} GB; it was not opened", hint=_WANTED)
    for entry in entries:
        parts = PurePosixPath(entry.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in "".join(parts.parts[:1]):
            raise RefusedError(f"“{shown}” has a path that leaves its folder: “{entry.filename[:60]}”", hint=_WANTED)
        if entry.flag_bits & 1:
            raise RefusedError(f"“{shown}” is protected by a password", hint="drop it without one")
        if entry.file_size > RATIO_MATTERS_FROM and entry.file_size > MOST_RATIO * max(1, entry.compress_size):
            raise RefusedError(
                f"“{entry.filename[:60]}” in “{shown}” unpacks to {entry.file_size / max(1, entry.compress_size):,.0f} "
                "times its size; it was not opened",
                hint=_WANTED,
            )


def _suffix(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).suffix.lower()


def _hidden(entry: zipfile.ZipInfo) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(entry.filename).parts)


def _class_of(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).parent.name


def _size(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[int, int, int] | None:
    """Width and height in pixels and channels, from the first `HEADER_BYTES` of one file; None where not readable."""
    try:
        with archive.open(entry) as file:
            return image_size(file.read(HEADER_BYTES))
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, OSError, RuntimeError, EOFError):
        return None


def image_size(start: bytes) -> tuple[int, int, int] | None:
    """(width, height, channels) from the first bytes of a PNG, JPEG, GIF or BMP; None for anything else."""
    if start[:8] == b"\x89PNG\r\n\x1a\n" and len(start) >= 26:
        width, height, _, colour = struct.unpack(">IIBB", start[16:26])
        return width, height, {0: 1, 4: 1}.get(colour, 3)
    if start[:6] in (b"GIF87a", b"GIF89a") and len(start) >= 10:
        return (*struct.unpack("<HH", start[6:10]), 3)
    if start[:2] == b"BM" and len(start) >= 26:
        width, height = struct.unpack("<ii", start[18:26])
        return abs(width), abs(height), 3
    return _jpeg_size(start) if start[:2] == b"\xff\xd8" else None


def _jpeg_size(start: bytes) -> tuple[int, int, int] | None:
    """Walk the segments to the frame header (ITU-T T.81, B.2.2)."""
    position = 2
    while position + 9 < len(start):
        if start[position] != 0xFF:
            return None
        marker = start[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        length = struct.unpack(">H", start[position + 2 : position + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack(">HHB", start[position + 5 : position + 10])
            return width, height, 1 if channels == 1 else 3
        position += 2 + length
    return None
