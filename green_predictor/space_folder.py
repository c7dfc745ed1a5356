"""The folder that becomes a Hub Space: the page and all it stands on, as installed here; nothing else is needed.

README.md         the Space's card: which file to start, which version of Gradio
app.py            starts the page
requirements.txt  what the packages below need, from the metadata of this installation
ecotaskset/, green_predictor/, space/
"""

from __future__ import annotations

import shutil
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

from ecotaskset.errors import UsageError

PACKAGES = ("ecotaskset", "green_predictor", "space")
EXTRA = "space"
ENTRY = '''"""Starts the page; the Hub runs this file."""

from space.app import launch

if __name__ == "__main__":
    launch().block_thread()
'''


def write_space(target: Path) -> None:
    """Write the Space's files to an empty folder.

    Raises:
        UsageError: the page is not installed here.
    """
    for package in PACKAGES:
        shutil.copytree(_home(package), target / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.move(target / "space" / "README.md", target / "README.md")
    (target / "app.py").write_text(ENTRY, encoding="utf-8")
    (target / "requirements.txt").write_text("\n".join(requirements()) + "\n", encoding="utf-8")


def requirements() -> list[str]:
    """What the package and its page need, one requirement a line."""
    from packaging.requirements import Requirement

    found = [Requirement(line) for line in requires("ecotaskset") or []]
    needed = [r for r in found if r.marker is None or (r.marker.evaluate({"extra": EXTRA}))]
    for requirement in needed:
        requirement.marker = None
    return sorted(str(requirement) for requirement in needed)


def _home(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError("the page is not installed here", hint="install ecotaskset[space]")
    return Path(next(iter(spec.submodule_search_locations)))
