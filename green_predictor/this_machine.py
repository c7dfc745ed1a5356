"""This machine: its accelerator, its processor and how fast one of its threads computes, found without loading much."""

from __future__ import annotations

import os
import platform
import re
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock

_TIMING = Lock()

SIDE, PRODUCTS = 512, 8
"""Side of the matrices and number of products that are timed: some 40 ms in all."""

BF16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls such instructions on x86 and on Arm."""


def gpu_model() -> str | None:
    """The first NVIDIA accelerator that the driver lists and that is not hidden."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    for described in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with suppress(OSError):
            found = re.search(r"^Model:\s*(.+)$", described.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
            if found:
                return found.group(1).strip()
    return None


def is_cpu(name: str | None) -> bool:
    """Is this the name of this machine's processor? Where the brand hides the product line, as clouds have it, the name
    that a run has says family and model too: `AMD EPYC (Genoa, family 25 model 17)`; so it does on Arm."""
    arm = _cpuinfo("CPU implementer")
    brand = _cpuinfo("model name") or ("ARM" if arm else platform.processor())
    if not name or not brand:
        return False
    family, model = (arm, _cpuinfo("CPU part")) if arm else (_cpuinfo("cpu family"), _cpuinfo("model"))
    line = f"family {_decimal(family)} model {_decimal(model)})"
    return name == brand or (name.startswith(f"{brand} (") and name.endswith(line))


def threads() -> int:
    """How many threads of the processor a training may use here."""
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(free, max(1, int(said))) if said.isdecimal() else free


def multiplies_bf16() -> bool:
    """Has this processor instructions that multiply bfloat16? False too where nothing says so."""
    said = f"{_cpuinfo('flags') or ''} {_cpuinfo('Features') or ''}".split()
    return not BF16.isdisjoint(said)


def _decimal(number: str | None) -> str | None:
    return str(int(number, 0)) if number and re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", number) else number


def thread_gflops() -> float | None:
    """Rate of a float32 matrix product on one thread of this machine, GFLOP/s, the best of a few; None where the
    library that multiplies cannot be held to one thread."""
    with _TIMING:  # limits that overlap would not be lifted in order
        return _thread_gflops()


@cache
def _thread_gflops() -> float | None:
    import numpy as np
    from threadpoolctl import threadpool_info, threadpool_limits

    factor = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    if not any(library["user_api"] == "blas" for library in threadpool_info()):
        return None
    best = float("inf")
    with threadpool_limits(1, user_api="blas"):
        for _ in range(PRODUCTS):
            start = time.perf_counter()
            factor @ factor
            best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best / 1e9


def _cpuinfo(field: str) -> str | None:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{field}\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else None
