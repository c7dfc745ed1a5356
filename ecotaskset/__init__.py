"""EcoTaskSet: what trainings cost in energy and how good they became, epoch by epoch."""

from ecotaskset._version import __version__
from ecotaskset.errors import EcoTaskSetError, RefusedError, UsageError
from ecotaskset.load import load_dataset, load_runs
from ecotaskset.recipe import Recipe
from ecotaskset.run import Run
from ecotaskset.store import Store

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
