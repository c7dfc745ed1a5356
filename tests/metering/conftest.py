"""Trees on disk that stand for other machines, and a pynvml on top of a stand-in library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nvml_library import NvmlLibrary

from collectors.metering.discover import Surroundings


@pytest.fixture
def no_powercap(tmp_path: Path) -> Surroundings:
    """This machine as one without RAPL."""
    return Surroundings(powercap=str(tmp_path / "nothing"), environ={})


class Powercap:
    """A powercap tree on disk, written as the kernel lays it out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def zone(self, entry: str, name: str, uj: int = 0, range_uj: int | None = 262_143_328_850) -> Path:
        path = self.root / entry
        path.mkdir()
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{uj}\n")
        if range_uj is not None:
            (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
        return path

    def counts(self, entry: str, uj: int) -> None:
        (self.root / entry / "energy_uj").write_text(f"{uj}\n")


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
