"""The machine a recommendation is for: this one, one the runs were made on, a known accelerator, or a description."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from green_predictor.kept import kept

FP32_EFFICIENCY = 0.8
"""Share of the data-sheet rate that a large float32 matrix product reaches."""

IN_THE_DATA = ("a machine in the data", "this machine, which is in the data", "this machine's accelerator, which is in")
"""How the words begin that `machine` has for one that runs were made on."""

# vendor data sheets: float32 TFLOP/s without tensor cores, power limit in W, memory in GB
ACCELERATORS = {
    "P100": (9.3, 250, 16),
    "V100": (15.7, 300, 32),
    "T4": (8.1, 70, 16),
    "Quadro RTX 6000": (16.3, 260, 24),
    "RTX 3090": (35.6, 350, 24),
    "A40": (37.4, 300, 48),
    "A100": (19.5, 400, 80),
    "L4": (30.3, 72, 24),
    "L40S": (91.6, 350, 48),
    "RTX 4090": (82.6, 450, 24),
    "H100": (67.0, 700, 80),
    "H200": (67.0, 700, 141),
}


@cache
def hardware_columns() -> tuple[str, ...]:
    """The Run columns that describe a machine, software versions aside."""
    from ecotaskset.run import columns

    return tuple(n for n, i in columns().items() if i["group"] == "hardware" and not n.endswith("_version"))


@kept(8)
def machines(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct machines of the runs, the commonest first; for these runs always the same objects."""
    counted = Counter(tuple((c, r.get(c)) for c in _identity()) for r in runs)
    found = []
    for key, _ in counted.most_common():
        mine = [r for r in runs if tuple((c, r.get(c)) for c in _identity()) == key]
        # knobs and runs side by side change a run's columns; the machine itself is what most runs saw
        seen = {c: _typical([r.get(c) for r in mine]) for c in hardware_columns()}
        # what is recommended will be trained alone, on all threads that any run here was given
        seen["cpu_threads"] = max((r["cpu_threads"] for r in mine if r.get("cpu_threads")), default=None)
        found.append(seen)
    return found


def _typical(values: list[Any]) -> Any:
    """The median of measured numbers, else the commonest value."""
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, float) for v in known):
        return statistics.median_high(known)
    return Counter(values).most_common(1)[0][0]


def _identity() -> tuple[str, ...]:
    return ("device", "cpu_model", "cpu_count", "gpu_model", "gpu_count")


def machine(runs: Sequence[Mapping[str, Any]], wanted: str | Mapping[str, Any] = "auto") -> tuple[dict[str, Any], str]:
    """Hardware columns and a few words on where they come from. `wanted`: `auto`, a name, hardware columns, or those as
    JSON text.

    Raises:
        UsageError: a name that is neither in the data nor a known accelerator, or that fits several machines; an
            unknown column or an impossible value.
    """
    known = machines(runs)
    if isinstance(wanted, str) and wanted.lstrip().startswith("{"):
        try:
            wanted = json.loads(wanted)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UsageError(f"the description of the hardware is not JSON: {error}") from None
    if isinstance(wanted, Mapping):
        return _described(wanted), "as described"
    if wanted == "auto":
        return _here(known)
    fitting = _named(known, str(wanted))
    if len(fitting) == 1:
        return fitting[0], "a machine in the data"
    if fitting:
        names = sorted({_name(found) for found in fitting})
        raise UsageError(f"'{wanted}' fits several machines in the data", hint=f"one of: {', '.join(names)}")
    sheet = _data_sheet(known, str(wanted))
    if sheet is not None:
        return sheet, "from the data sheet of the accelerator"
    names = {n for f in known for n in (f.get("gpu_model"), f.get("cpu_model")) if n} | set(ACCELERATORS) | {"auto"}
    raise unknown_name("hardware", str(wanted), names)


def is_strange(runs: Sequence[Mapping[str, Any]], target: Mapping[str, Any], basis: str) -> bool:
    """Was no run made on this machine? Given what `machine` found."""
    named = target.get("gpu_model") or target.get("cpu_model")
    described = basis == "as described" and named is not None and named in {_name(found) for found in machines(runs)}
    return not described and not basis.startswith(IN_THE_DATA)


def _described(wanted: Mapping[str, Any]) -> dict[str, Any]:
    from ecotaskset.run import columns

    texts = {n for n, info in columns().items() if str(info["type"]) == "string"}
    for name, value in wanted.items():
        if name not in hardware_columns():
            raise unknown_name("hardware column", name, hardware_columns())
        if value is None:
            continue
        number = isinstance(value, (int, float)) and 0 <= value < 1e15
        if not (isinstance(value, str) if name in texts else number):
            raise UsageError(f"{name}={value!r} is not {'a name' if name in texts else 'a number of 0 or more'}")
    return dict(wanted)


def _name(found: Mapping[str, Any]) -> str:
    return str(found.get("gpu_model") or found.get("cpu_model") or "unknown")


def _named(known: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The machines a name means: those it names in full, else those whose name has all of its words. Of machines that
    differ in the number of processors only, the commonest."""
    words = set(wanted.lower().split())
    exact = [f for f in known if _plain(wanted) in {_plain(str(f.get(c) or "")) for c in ("gpu_model", "cpu_model")}]
    partly = [f for f in known if words and words <= set(f"{f.get('gpu_model')} {f.get('cpu_model')}".lower().split())]
    commonest: dict[str, dict[str, Any]] = {}
    for found in (exact if _plain(wanted) else []) or partly:
        commonest.setdefault(_name(found), found)
    return list(commonest.values())


def _data_sheet(known: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """An accelerator by its data sheet, on the commonest host of the data; None for one that is not listed."""
    for name, (tflops, watts, memory) in ACCELERATORS.items():
        if _plain(wanted) in (_plain(name), _plain("NVIDIA " + name)):
            host = known[0] if known else {}
            host = {c: v for c, v in host.items() if c.startswith(("cpu_", "ram_")) and c != "cpu_threads"}
            gpu = {
                "device": "cuda", "gpu_model": name, "gpu_count": 1, "gpu_memory_gb": memory, "gpu_tdp_w": watts,
                "matmul_gflops": 1000 * tflops * FP32_EFFICIENCY, "n_processes": 1,
            }  # fmt: skip
            return {**host, **gpu}
    return None


def _here(known: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    cpu, count, gpu = _cpu_model(), os.cpu_count(), _gpu_model()
    if gpu is not None:
        fitting = _named(known, gpu)
        if fitting:
            return fitting[0], "this machine's accelerator, which is in the data"
        listed = [name for name in ACCELERATORS if set(name.lower().split()) <= set(re.split(r"[\s-]+", gpu.lower()))]
        sheet = _data_sheet(known, max(listed, key=len)) if listed else None
        if sheet is not None:
            return sheet, f"this machine's {gpu}, from its data sheet"
    without = f"; its {gpu} is not known and was left out" if gpu else ""
    processors = [found for found in known if found.get("device") == "cpu"]
    for found in processors:
        if found.get("cpu_model") == cpu and found.get("cpu_count") == count:
            return found, f"this machine, which is in the data{without}"
    for alike in ((lambda f: f.get("cpu_model") == cpu), (lambda f: f.get("cpu_count") == count)):
        for found in filter(alike, processors):
            return found, f"the machine in the data that is most like this one{without}"
    if known:
        return known[0], f"the commonest machine in the data; this one is not in it{without}"
    return {}, "unknown"


def _gpu_model() -> str | None:
    """The first NVIDIA accelerator that the driver lists and that is not hidden; found without loading anything."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    for described in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with suppress(OSError):
            found = re.search(r"^Model:\s*(.+)$", described.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
            if found:
                return found.group(1).strip()
    return None


def _cpu_model() -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or None
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
