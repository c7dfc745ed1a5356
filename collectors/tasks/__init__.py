"""Tasks: what can be trained, on what, and with which architecture.

Importing this is cheap: torch, transformers and datasets are imported when a task is loaded.

To add a data set, write one entry in `catalogue/cv.py`, `nlp.py` or `recsys.py`; a task made from data that is there
already is one line:

    variant(FASHION_MNIST, "tops", relabel({"t-shirt": (0,), "pullover": (2,)}), "two kinds of tops", n_classes=2)

To add an architecture, write a build function `(inputs, width) -> model` and one entry in a file of `architectures/`:

    Architecture("resnet-tiny", "cv", "resnet", _resnet_tiny, min_side=16)

Both are then in `green-collect --list`, and the tests of the contract run on them.
"""

from __future__ import annotations

from collectors.tasks.listing import listing
from collectors.tasks.load import load_task
from collectors.tasks.task import Task, descriptors

__all__ = ["Task", "descriptors", "listing", "load_task"]
