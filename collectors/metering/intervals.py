"""How wrong a figure can be: reading edges, gain or model error, and draw that was left out.

Edge and gain errors of one source are independent and add in quadrature. Between components they add up linearly: a
model's error is systematic, and a sum of two guesses must not look better than either.
"""

from __future__ import annotations

import math

from collectors.metering.sources.source import Source

LOW_CONFIDENCE_EDGE = 0.05
"""A window whose edges alone can be wrong by more than this share of its energy is marked. A counter that steps
every 0.1 s needs 4 s for 5 % (and 20 s for 1 %)."""


def edge_share(update_s: float, seconds: float, spans: int) -> float:
    """Largest relative error from the edges: two reads a span, each off by up to one step at the span's mean power."""
    if update_s == 0:
        return 0.0
    return 2 * update_s * math.sqrt(spans) / seconds if seconds > 0 else math.inf


def shortest_confident_s(update_s: float) -> float:
    """Length of one window at which its edges stay within `LOW_CONFIDENCE_EDGE`, s."""
    return 2 * update_s / LOW_CONFIDENCE_EDGE


def interval_j(source: Source, joules: float, seconds: float, spans: int) -> tuple[float, float]:
    """Lowest and highest energy that the figure stands for, J."""
    edge = joules * min(1.0, edge_share(source.update_s, seconds, spans)) if joules else 0.0
    low_gain, high_gain = (abs(factor - 1) * joules for factor in source.gain)
    low = joules - math.hypot(low_gain, edge)
    high = joules + math.hypot(high_gain, edge) + source.unbooked_w * seconds
    return max(0.0, low), high
