"""`green-predictor fit`: learn, say what was chosen and why, write."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from rich.markup import escape

from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from green_predictor import source, storage
from green_predictor.fitting import fit_domains
from green_predictor.version import model_version


def fit_command(out: Output, data: str | None, energy: str, output: Path | None) -> None:
    """Fit all domains and write `model.json` and `model.npz`.

    Raises:
        UsageError: a model of other runs or of another energy in the place of the one that answers by default.
    """
    if output is None and (data is not None or energy != "all"):
        raise UsageError(
            "the package's own model is of the shipped runs and of all energy",
            hint="say where this one goes: --output FOLDER; then ask it: green-recommend --data FOLDER",
        )
    start = time.perf_counter()
    rows = source.records(data)
    stamp = source.snapshot_stamp() if data is None else source.fingerprint(rows)
    domains = fit_domains(rows, energy=energy)
    folder = output or source.SHIPPED_MODEL
    storage.save(domains, folder, {"snapshot": stamp, "energy": energy, "code": model_version()})
    size = sum((folder / name).stat().st_size for name in (storage.JSON_NAME, storage.ARRAYS_NAME))
    seconds = time.perf_counter() - start
    facts = {
        "folder": str(folder), "bytes": size, "seconds": round(seconds, 2), "snapshot": stamp,
        "domains": {name: {**model.summary, "family": model.family} for name, model in domains.items()},
    }  # fmt: skip
    lines = [
        f"{name}: {model.summary['runs']} runs of {len(model.summary['tasks'])} tasks · "
        f"chosen {model.family} (regret {model.summary['comparison']['chosen']['regret']:.3f} on held-out "
        f"{model.summary['comparison']['held_out']}s)"
        for name, model in domains.items()
    ]
    lines.append(escape(f"{size / 1e6:.2f} MB in {folder}, {seconds:.1f} s"))
    if output is not None:
        also = "" if energy == "all" else f" --energy {energy}"
        lines.append(escape(f"ask it: green-recommend --data {shlex.quote(str(folder))}{also} --domain …"))
    out.result(facts, lines, [str(folder)])
