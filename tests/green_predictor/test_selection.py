"""What is decided by regret on held-out tasks is not decided by chance."""

from __future__ import annotations

import numpy as np

from green_predictor.selection import least_caution


def test_caution_is_taken_only_where_it_helps_beyond_chance():
    rng = np.random.default_rng(0)
    plain = rng.uniform(1, 2, 12)
    assert least_caution({0.0: plain, 1.0: plain - 0.5, 2.0: plain - 0.4}) == 1.0, "it helps on every task"
    assert least_caution({0.0: plain, 1.0: plain - 0.001, 2.0: plain + 1}) == 0.0, "by next to nothing"
    lucky = plain.copy()
    lucky[3] -= 0.9
    assert least_caution({0.0: plain, 1.0: lucky, 2.0: plain}) == 0.0, "on one task of twelve"
    assert least_caution({0.0: plain, 2.0: plain, 1.0: plain}) == 0.0
