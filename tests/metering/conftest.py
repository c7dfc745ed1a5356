"""Trees on disk that stand for other machines, and a pynvml on top of a stand-in library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nvml_library import NvmlLibrary
from powercap_tree import Powercap

from collectors.metering.discover import Surroundings


@pytest.fixture
def no_powercap(tmp_path: Path) -> Surroundings:
    """This machine as one without RAPL."""
    return Surroundings(powercap=str(tmp_path / "nothing"), environ={})


@pytest.fixture
def powercap(tmp_path: Path) -> Powercap:
    return Powercap(tmp_path / "powercap")


@pytest.fixture
def nvml_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[NvmlLibrary], object]:
    """Puts a library under the real pynvml and returns the module."""

    def install(library: NvmlLibrary) -> object:
        pynvml = pytest.importorskip("pynvml")
        monkeypatch.setattr(pynvml, "nvmlLib", library)
        monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
        return pynvml

    return install
