"""EcoTaskSet: what trainings cost in energy and how good they became, epoch by epoch.

    from ecotaskset import load_dataset
    load_dataset("cv", split="train")

Names are imported on first use, so that command lines start fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ecotaskset._version import __version__

if TYPE_CHECKING:
    from ecotaskset.errors import EcoTaskSetError, RefusedError, UsageError
    from ecotaskset.load import load_dataset, load_runs
    from ecotaskset.recipe import Recipe
    from ecotaskset.run import Run
    from ecotaskset.store import Store

_EXPORTS = {
    "EcoTaskSetError": "errors",
    "RefusedError": "errors",
    "UsageError": "errors",
    "load_dataset": "load",
    "load_runs": "load",
    "Recipe": "recipe",
    "Run": "run",
    "Store": "store",
}

__all__ = [
    "EcoTaskSetError",
    "Recipe",
    "RefusedError",
    "Run",
    "Store",
    "UsageError",
    "__version__",
    "load_dataset",
    "load_runs",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'ecotaskset' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ecotaskset.{_EXPORTS[name]}"), name)
