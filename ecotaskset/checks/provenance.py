"""Where does this row come from? Enough to tell the software, the data, the machine and the meter."""

from __future__ import annotations

from ecotaskset.checks.finding import Finding, shown
from ecotaskset.run import COMPONENTS, Run

REQUIRED = (
    "collected_at",
    "collector_version",
    "seed",
    "epochs",
    "batch_size",
    "device",
    "cpu_model",
)
UNKNOWN_REVISION = (
    "a run without dataset_revision stays on this machine; give the recorder dataset_revision=…, "
    "a name for this version of the data"
)
REQUIRED_OF_COMPLETED = ("dataset_revision", "quality_metric", "quality_validation", "duration_s", "epochs_run")


def check_provenance(run: Run) -> list[Finding]:
    """Columns without which nobody could say what was measured. Imported rows keep what their source had."""
    found = []
    if run.origin == "collected":
        needed = REQUIRED + (REQUIRED_OF_COMPLETED if run.status in ("completed", "early_stopped") else ())
        missing = [name for name in needed if getattr(run, name) is None]
        if missing:
            hint = f"; {UNKNOWN_REVISION}" if "dataset_revision" in missing else ""
            found.append(Finding("V401", f"not known: {', '.join(missing)}{hint}", run.run_id))
    for name in COMPONENTS:
        kwh, source = getattr(run, f"{name}_energy_kwh"), getattr(run, f"{name}_energy_source")
        quality = getattr(run, f"{name}_energy_quality")
        if kwh is not None and (source is None or quality not in ("measured", "modelled")):
            found.append(Finding("V402", f"{name}_energy_kwh has no source or quality", run.run_id))
        if source in ("cpu_time_model", "ram_model") and quality == "measured":
            found.append(Finding("V402", f"{name}_energy_kwh is modelled but marked measured", run.run_id))
    return found


def check_contributor(run: Run, account: str) -> list[Finding]:
    """The row names the account that sends it, and claims no trust: that is derived."""
    if run.contributor != account:
        return [
            Finding("V403", f"contributor is {shown(run.contributor)}, the account is {shown(account)}", run.run_id)
        ]
    if run.trust is not None:
        return [Finding("V403", "trust is derived at release and cannot be claimed", run.run_id)]
    return []
