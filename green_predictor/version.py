"""Which fitted models belong to this code: a cached model of another version is fitted again."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_SHAPES_A_MODEL = (
    "accelerators.py",
    "alone.py",
    "calibration.py",
    "domain_model.py",
    "features.py",
    "fit_domain.py",
    "held_out.py",
    "link.py",
    "nearby.py",
    "pareto.py",
    "physics.py",
    "processors.py",
    "preferences.py",
    "probe_calibration.py",
    "recipe_effect.py",
    "rows.py",
    "selection.py",
    "targets.py",
    "threads.py",
    "variogram.py",
)


def files_that_shape_a_model() -> list[Path]:
    """All that fitting imports of this package."""
    here = Path(__file__).parent
    return [*(here / name for name in _SHAPES_A_MODEL), *sorted((here / "families").glob("*.py"))]


@cache
def model_version() -> str:
    """8 hexadecimal characters over the files that decide what a fitted model is."""
    found = hashlib.sha256()
    for path in files_that_shape_a_model():
        found.update(path.read_bytes())
    return found.hexdigest()[:8]
