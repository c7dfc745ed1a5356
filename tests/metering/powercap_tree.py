"""A powercap tree on disk, laid out as the kernel does."""

from __future__ import annotations

from pathlib import Path


class Powercap:
    """Zones below one root; `counts` moves a counter on."""

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
