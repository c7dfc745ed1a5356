"""What the shipped model says of runs that it never saw, beside what came out: on another machine, or simply later.

green-collect --campaign plateau --jobs 2 --store plateau
python tests/benchmarks/bench_new_runs.py --store plateau --json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset.store import Store
from green_predictor import domain_model, targets
from green_predictor.protocols import machine_of
from green_predictor.source import models_for
from green_predictor.targets import usable


def main() -> None:
    """Compare, domain by domain and machine by machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="a local store with runs of tasks in the data")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    groups = defaultdict(list)
    for run in Store(words.store).runs():
        record = run.model_dump()
        if usable(record):
            groups[run.domain, machine_of(record)].append(record)
    found = [compared(domain, machine, records) for (domain, machine), records in sorted(groups.items())]
    if words.json:
        print(json.dumps(found, indent=2))
    else:
        for figures in found:
            print(" · ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                             for name, value in figures.items()))  # fmt: skip


def compared(domain: str, machine: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of the runs of one domain on one machine; their tasks are known to the model, they are not."""
    model = models_for()[domain]
    strange = machine not in {machine_of(run) for run in model.runs}
    known = {run.get("recipe_id") for run in model.runs}
    energy, covered = [], {"energy": [], "quality": []}
    missed = []
    for task in sorted({r["dataset"] for r in records}):
        data = targets.prepare([r for r in records if r["dataset"] == task], "all", model.reference)
        said = domain_model.predict_rows(model, data.subset(data.last).rows, domain_model.evidence(model, task))
        said = domain_model.on_strange_machine(said) if strange else said
        quality, kwh, _ = targets.restore(data.y[data.last], data.subset(data.last).rows, model.reference)
        energy += list(np.log(kwh / said.energy_kwh))
        missed += list(np.abs(quality - said.quality))
        covered["energy"] += list((kwh >= said.energy_low_kwh) & (kwh <= said.energy_high_kwh))
        covered["quality"] += list((quality >= said.quality_low) & (quality <= said.quality_high))
    return {
        "domain": domain,
        "machine": machine,
        "in the model": not strange,
        "runs": len(energy),
        "of recipes the model has": sum(r["recipe_id"] in known for r in records),
        "energy came out times what was said, median": float(np.exp(np.median(energy))),
        "energy error beyond that, median factor": float(np.exp(np.median(np.abs(energy - np.median(energy))))),
        "energies inside 90 % intervals": float(np.mean(covered["energy"])),
        "quality error, median": float(np.median(missed)),
        "qualities inside 90 % intervals": float(np.mean(covered["quality"])),
    }


if __name__ == "__main__":
    main()
