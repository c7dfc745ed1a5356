"""Which fitted models belong to this code: a cached model of another version is fitted again."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_SHAPES_A_MODEL = (
    "features.py",
    "targets.py",
    "physics.py",
    "rows.py",
    "calibration.py",
    "selection.py",
    "preferences.py",
    "fit_domain.py",
)


@cache
def model_version() -> str:
    """8 hexadecimal characters over the files that decide what a fitted model is."""
    found = hashlib.sha256()
    here = Path(__file__).parent
    for path in (*(here / name for name in _SHAPES_A_MODEL), *sorted((here / "families").glob("*.py"))):
        found.update(path.read_bytes())
    return found.hexdigest()[:8]
