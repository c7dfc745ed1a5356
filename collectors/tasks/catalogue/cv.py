"""Image classification tasks. To add one: a DatasetEntry (or a `variant`) in DATASETS."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from collectors.tasks.catalogue.declaration import DatasetEntry, variant
from collectors.tasks.catalogue.variants import relabel
from collectors.tasks.sources.bitmaps import FASHION, MNIST, fashion_mnist, mnist_10k
from collectors.tasks.sources.hub import hub_images
from collectors.tasks.sources.raw import Images
from ecotaskset.trained_on import credit

PARITY = {"even": (0, 2, 4, 6, 8), "odd": (1, 3, 5, 7, 9)}
LOW = {str(digit): (digit,) for digit in range(5)}
TOPS = {"t-shirt": (0,), "pullover": (2,), "coat": (4,), "shirt": (6,)}
FOOTWEAR = {"sandal": (5,), "sneaker": (7,), "ankle boot": (9,)}
COARSE = {"top": (0, 2, 4, 6), "trouser": (1,), "dress": (3,), "footwear": (5, 7, 9), "bag": (8,)}


def _digits(_: Path) -> Images:
    import numpy as np
    from sklearn.datasets import load_digits

    bunch = load_digits()
    pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    return Images(pixels, bunch.target.astype(np.int64), tuple(str(name) for name in bunch.target_names))


def _on_hub(name: str, hub_id: str, n_classes: int, side: int, label: str) -> DatasetEntry:
    return DatasetEntry(
        name=name,
        domain="cv",
        source=f"hub:{hub_id}",
        **credit(name),
        load_hub=partial(hub_images, hub_id=hub_id, label=label, side=side),
        hub_id=hub_id,
        n_classes=n_classes,
        image_side=side,
    )


DIGITS = DatasetEntry(
    name="digits",
    domain="cv",
    source="scikit-learn",
    **credit("digits"),
    load=_digits,
    n_classes=10,
    image_side=8,
)
FASHION_MNIST = DatasetEntry(
    name="fashion_mnist",
    domain="cv",
    source=FASHION.label,
    **credit("fashion_mnist"),
    load=fashion_mnist,
    load_hub=partial(hub_images, hub_id="zalando-datasets/fashion_mnist", side=28),
    hub_id="zalando-datasets/fashion_mnist",
    n_classes=10,
    image_side=28,
)
MNIST_10K = DatasetEntry(
    name="mnist",
    domain="cv",
    source=MNIST.label,
    **credit("mnist"),
    load=mnist_10k,
    n_classes=10,
    image_side=28,
    note="10,000 of the 70,000 digits; the whole is mnist_full",
)

DATASETS = (
    DIGITS,
    variant(DIGITS, "parity", relabel(PARITY), "odd or even digit", n_classes=2),
    variant(DIGITS, "0to4", relabel(LOW), "the digits 0 to 4 only", n_classes=5),
    FASHION_MNIST,
    variant(
        FASHION_MNIST,
        "binary",
        relabel({"other": (0, 1, 2, 3, 4, 6, 8), "footwear": (5, 7, 9)}),
        "footwear or not",
        n_classes=2,
    ),
    variant(FASHION_MNIST, "coarse", relabel(COARSE), "five groups of clothes", n_classes=5),
    variant(FASHION_MNIST, "tops", relabel(TOPS), "the four kinds that are easily confused", n_classes=4),
    variant(FASHION_MNIST, "footwear", relabel(FOOTWEAR), "sandal, sneaker or ankle boot", n_classes=3),
    MNIST_10K,
    variant(MNIST_10K, "parity", relabel(PARITY), "odd or even digit", n_classes=2),
    variant(MNIST_10K, "0to4", relabel(LOW), "the digits 0 to 4 only", n_classes=5),
    _on_hub("mnist_full", "ylecun/mnist", 10, 28, "label"),
    _on_hub("cifar10", "uoft-cs/cifar10", 10, 32, "label"),
    _on_hub("cifar100", "uoft-cs/cifar100", 100, 32, "fine_label"),
    _on_hub("food101", "ethz/food101", 101, 64, "label"),
)
