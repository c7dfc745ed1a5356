"""Image classification tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from pathlib import Path

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import relabel
from collectors.tasks.sources.raw import Images

PARITY = {"even": (0, 2, 4, 6, 8), "odd": (1, 3, 5, 7, 9)}


def _digits(_: Path) -> Images:
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    return Images(pixels, bunch.target.astype(np.int64), tuple(str(name) for name in bunch.target_names))


DIGITS = DatasetEntry(
    name="digits",
    domain="cv",
    source="scikit-learn",
    licence="CC BY 4.0",
    citation="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998",
    load=_digits,
    n_classes=10,
    image_side=8,
)

DATASETS = (
    DIGITS,
    variant(DIGITS, "parity", relabel(PARITY), "odd or even digit", n_classes=2),
    variant(DIGITS, "0to4", relabel({str(d): (d,) for d in range(5)}), "the digits 0 to 4 only", n_classes=5),
)
