"""A run as it would have been metered alone on its machine.

Where memory has no counter its constant draw is modelled, and runs side by side share it (`node_share` in
`ram_energy_method`). What a person asks is what a training costs when they start it: alone, with all of that draw.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SHARE = re.compile(r"node_share=([0-9.]+)")
_IN_PROPORTION = ("data_energy_kwh", "model_energy_kwh", "training_energy_kwh", "system_energy_kwh",
                  "evaluation_energy_kwh", "energy_low_kwh", "energy_high_kwh")  # fmt: skip


def as_if_alone(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the whole of the memory's modelled draw; itself where nothing was shared. Doing it twice changes
    nothing more."""
    found = _SHARE.search(record.get("ram_energy_method") or "")
    share, ram, total = float(found.group(1)) if found else 1.0, record.get("ram_energy_kwh"), record.get("energy_kwh")
    if not 0 < share < 1 or not ram or not total:
        return dict(record)
    factor = (total + ram * (1 / share - 1)) / total
    scaled = {name: record[name] * factor for name in _IN_PROPORTION if record.get(name) is not None}
    curve = [None if v is None else v * factor for v in record.get("curve_energy_kwh") or []]
    return {
        **record, **scaled, "curve_energy_kwh": curve, "energy_kwh": total * factor, "ram_energy_kwh": ram / share,
        "ram_energy_method": _SHARE.sub("node_share=1.0", record["ram_energy_method"]),
    }  # fmt: skip
