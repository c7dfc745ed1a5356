"""Fronts against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from green_predictor.pareto import front, hypervolume, hypervolume_ratio

few = st.integers(0, 6).map(lambda v: v / 6)
points = st.lists(st.tuples(few, st.integers(1, 6).map(float)), min_size=1, max_size=30)


@given(points)
def test_front_is_what_nothing_beats_with_ties_kept_once(pairs):
    quality, energy = np.array(pairs).T
    chosen = front(quality, energy)

    def beaten(i):
        as_good = (quality >= quality[i]) & (energy <= energy[i])
        return (as_good & ((quality > quality[i]) | (energy < energy[i]))).any()

    assert not any(beaten(i) for i in chosen)
    values = {(quality[i], energy[i]) for i in chosen}
    assert values == {(quality[i], energy[i]) for i in range(len(quality)) if not beaten(i)}
    assert len(values) == len(chosen)
    assert (np.diff(energy[chosen]) > 0).all() and (np.diff(quality[chosen]) > 0).all()


def test_unknown_values_are_never_on_the_front():
    chosen = front(np.array([np.nan, 0.5, 0.4]), np.array([0.1, np.nan, 2.0]))
    assert chosen.tolist() == [2]
    assert len(front(np.array([np.nan]), np.array([1.0]))) == 0


def test_hypervolume_of_a_staircase():
    assert hypervolume(np.array([0.5, 1.0]), np.array([1.0, 2.0]), (0.0, 3.0)) == pytest.approx(0.5 * 2 + 0.5 * 1)


@given(points)
def test_the_front_has_the_whole_hypervolume(pairs):
    quality, energy = np.array(pairs).T
    assert hypervolume_ratio(quality, energy, front(quality, energy)) == pytest.approx(1.0)
    assert 0 <= hypervolume_ratio(quality, energy, np.array([0])) <= 1 + 1e-9
