"""Accelerators: what data sheets say of them, and what a training costs on one where no run was made on any.

On a processor a training does two things in turn: it prepares (reads examples, launches one layer after another, from
Python) and it computes. With an accelerator the host still prepares, at its own speed, and only the computing is
faster, by as much as large matrix products are. So small models cost hardly less time there, and more energy: the
accelerator waits, and draws a fifth of its limit while it does. The prices of preparing and computing are those that
the runs on a processor taught (see `physics`). How far off this is on public measurement sets:
tests/benchmarks/bench_accelerators.py.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from green_predictor.physics import TERMS, quantities
from green_predictor.rows import Rows

FP32_EFFICIENCY = 0.8
"""Share of the data-sheet rate that a large float32 matrix product reaches."""

# vendor data sheets: float32 TFLOP/s without tensor cores, power limit in W, memory in GB
ACCELERATORS = {
    "P100": (9.3, 250, 16),
    "V100": (15.7, 300, 32),
    "V100 PCIe": (14.0, 250, 32),
    "T4": (8.1, 70, 16),
    "A10": (31.2, 150, 24),
    "A30": (10.3, 165, 24),
    "A40": (37.4, 300, 48),
    "A100": (19.5, 400, 80),
    "A100 PCIe": (19.5, 250, 40),
    "L4": (30.3, 72, 24),
    "L40": (90.5, 300, 48),
    "L40S": (91.6, 350, 48),
    "H100": (67.0, 700, 80),
    "H100 PCIe": (51.0, 350, 80),
    "H200": (67.0, 700, 141),
    "B200": (75.0, 1000, 180),
    "GTX 1080 Ti": (11.3, 250, 11),
    "RTX 2080 Ti": (13.4, 250, 11),
    "RTX 3060": (12.7, 170, 12),
    "RTX 3070": (20.3, 220, 8),
    "RTX 3080": (29.8, 320, 10),
    "RTX 3090": (35.6, 350, 24),
    "RTX 4070": (29.1, 200, 12),
    "RTX 4080": (48.7, 320, 16),
    "RTX 4090": (82.6, 450, 24),
    "RTX 5090": (104.8, 575, 32),
    "Quadro RTX 5000": (11.2, 230, 16),
    "Quadro RTX 6000": (16.3, 260, 24),
    "RTX A6000": (38.7, 300, 48),
    "RTX 6000 Ada": (91.1, 300, 48),
}
WITHOUT_BF16 = {"P100", "V100", "V100 PCIe", "T4", "GTX 1080 Ti", "RTX 2080 Ti", "Quadro RTX 5000", "Quadro RTX 6000"}
"""Accelerators from before Ampere, which do not multiply bfloat16."""
VARIANTS = {"ti", "super", "laptop", "max", "pcie", "nvl", "mig", "pro", "d"}
"""Words that make a name that of another card, or of a part of one."""
MIDDLING = tuple(statistics.median(figures) for figures in zip(*ACCELERATORS.values(), strict=True))
"""What is taken for a card of which nothing is known."""

ON_HOST = np.isin(TERMS, ["layer step", "example", "epoch", "run"])
"""Which terms of the cost the host pays for, whatever computes."""

WAITING, LOADED = 0.2, 0.9
"""Shares of its power limit that an accelerator draws while it waits for the host (0.14 to 0.30 on the cards of the
Zeus traces) and when it never does (0.66 to 0.95)."""


@dataclass(frozen=True)
class Accelerator:
    """One beside the processor that runs were made on. `faster`: how many times as fast it multiplies large matrices;
    `watts`: its power limit; `host_watts`: what processor and memory drew in those runs."""

    faster: float
    watts: float
    host_watts: float


def more(rows: Rows, prices: tuple[float, ...], there: Accelerator) -> np.ndarray:
    """Natural logarithms of the factors by which energy and time differ from those on the processor, (n, 2)."""
    cost = quantities(rows) * np.asarray(prices)
    preparing, computing = cost[:, ON_HOST].sum(1), cost[:, ~ON_HOST].sum(1)
    faster = computing / there.faster
    longer = (preparing + faster) / (preparing + computing)
    busy = np.sqrt(faster / (preparing + faster))
    watts = there.host_watts + there.watts * (WAITING + (LOADED - WAITING) * busy)
    return np.log(np.column_stack([longer * watts / there.host_watts, longer]))


def beside(processor: Mapping[str, Any], host_watts: float | None, columns: Mapping[str, Any]) -> Accelerator | None:
    """The accelerator of a machine with these hardware columns, beside a processor; None where too little is known."""
    rates = [found.get("matmul_gflops") for found in (columns, processor)]
    watts, count = columns.get("gpu_tdp_w"), columns.get("gpu_count") or 1
    if not all(rates) or not watts or not host_watts:
        return None
    return Accelerator(count * rates[0] / rates[1], count * watts, host_watts)


def data_sheet(name: str) -> dict[str, Any] | None:
    """Hardware columns of an accelerator by its data sheet; None for one that is not listed."""
    card = listed_in(name)
    return None if card is None else {"gpu_model": card, **_columns(*ACCELERATORS[card])}


def middling() -> dict[str, Any]:
    """Hardware columns of an accelerator of which nothing is known."""
    return _columns(*MIDDLING)


def _columns(tflops: float, watts: float, memory: float) -> dict[str, Any]:
    return {
        "device": "cuda", "gpu_count": 1, "gpu_memory_gb": memory, "gpu_tdp_w": watts,
        "matmul_gflops": 1000 * tflops * FP32_EFFICIENCY, "n_processes": 1,
    }  # fmt: skip


def listed_in(name: str) -> str | None:
    """The accelerator of the data sheets that a name means, also a driver's: `NVIDIA H100 80GB HBM3`."""
    exact = [listed for listed in ACCELERATORS if plain(name) in (plain(listed), plain("NVIDIA " + listed))]
    words = set(re.split(r"[\s-]+", name.lower()))
    parts = {listed: set(listed.lower().split()) for listed in ACCELERATORS}
    found = [listed for listed, own in parts.items() if own <= words and words & VARIANTS <= own]
    return max(exact or found, key=len, default=None)


def is_same_card(one: str, other: str) -> bool:
    """Do two names mean the same accelerator?"""
    cards = listed_in(one), listed_in(other)
    return cards[0] == cards[1] if any(cards) else plain(one) == plain(other)


def multiplies_bf16(gpu: str | None) -> bool:
    """Is it an accelerator that is known to multiply bfloat16?"""
    card = None if gpu is None else listed_in(gpu)
    return card is not None and card not in WITHOUT_BF16


def plain(name: str) -> str:
    """A name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
