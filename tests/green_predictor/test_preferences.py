"""What people ask for is what they get."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import UsageError
from green_predictor.link import expit, logit
from green_predictor.preferences import QUALITY_PRICE, RULES, Preference, choose, costs, preference

candidates = st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(1e-6, 10)), min_size=2, max_size=40)


@given(candidates, st.floats(0, 1))
def test_the_choice_is_on_the_front_and_within_the_loss(pairs, loss):
    quality, energy = np.array(pairs).T
    made = choose(preference(max_quality_loss=loss), quality, energy)
    assert quality[made.best] >= (1 - loss) * quality.max() - 1e-12
    within = quality >= (1 - loss) * quality.max()
    assert energy[made.best] == energy[within].min()
    assert made.best in made.front


@given(candidates, st.floats(0, 1), st.floats(0, 3))
def test_doubt_only_lets_cheaper_ones_of_the_front_through(pairs, loss, most):
    quality, energy = np.array(pairs).T
    wanted = preference(max_quality_loss=loss)
    strict, none = choose(wanted, quality, energy), choose(wanted, quality, energy, doubt=lambda a, *_: 0.0 * a)
    lenient = choose(wanted, quality, energy, doubt=lambda among, top, _: np.where(among == top, 0.0, most))
    assert none.best == strict.best
    assert energy[lenient.best] <= energy[strict.best]
    assert not ((quality > quality[lenient.best]) & (energy < energy[lenient.best])).any()
    best = expit(logit(quality.max()) - most)
    assert quality[lenient.best] >= (1 - loss) * best - 1e-9


def test_what_cannot_be_told_from_the_best_may_be_chosen_and_what_can_may_not():
    quality, energy = np.array([0.88, 0.885, 0.90]), np.array([1.0, 2.0, 9.0])
    sure_of_the_second = np.array([1.0, 0.1, 0.0])
    wanted = preference(max_quality_loss=0.01)
    assert choose(wanted, quality, energy, doubt=lambda among, top, _: sure_of_the_second[among]).best == 0
    assert choose(wanted, quality, energy, doubt=lambda among, top, _: 0.1 * sure_of_the_second[among]).best == 2


@given(candidates, st.floats(0, 1), st.floats(0, 1))
def test_more_weight_on_energy_never_costs_more(pairs, one, other):
    quality, energy = np.array(pairs).T
    low, high = sorted((one, other))
    for rule in ("chebyshev", "weighted_sum"):
        careful, saving = (choose(Preference(w, rule), quality, energy).best for w in (low, high))
        assert energy[saving] <= energy[careful] * (1 + 1e-9)


def test_extreme_weights_take_the_ends():
    quality, energy = np.array([0.2, 0.6, 0.9]), np.array([1.0, 2.0, 9.0])
    assert choose(preference({"energy": 1.0}), quality, energy).best == 0
    assert choose(preference({"quality": 1.0}), quality, energy).best == 2


def test_chebyshev_reaches_a_concave_front_where_the_weighted_sum_cannot():
    quality, energy = np.array([0.0, 0.45, 1.0]), np.exp(np.array([0.0, 0.75, 1.0]))
    weights = np.linspace(0, 1, 101)
    by_chebyshev, by_sum = (
        {choose(Preference(w, rule, traded=0), quality, energy).best for w in weights} for rule in RULES[:2]
    )
    assert 1 not in by_sum and by_chebyshev == {0, 1, 2}


def test_knee_is_where_the_front_bends():
    quality, energy = np.array([0.1, 0.88, 0.9]), np.array([1.0, 1.5, 100.0])
    assert choose(preference("knee"), quality, energy).best == 1


def test_limits_hold_and_an_impossible_one_says_how_near_it_gets():
    quality, energy, seconds = np.array([0.5, 0.9]), np.array([1.0, 5.0]), np.array([3600.0, 7200.0])
    assert choose(preference(0.0, budget_kwh=2), quality, energy, seconds).best == 0
    assert choose(preference(0.0, max_hours=1), quality, energy, seconds).best == 0
    assert choose(preference(0.0, max_emissions_kg=0.1), quality, energy, seconds, 0.05).best == 0
    assert choose(preference(1.0, min_quality=0.8), quality, energy, seconds).best == 1
    with pytest.raises(UsageError, match="the least is 1 kWh"):
        choose(preference(budget_kwh=0.5), quality, energy, seconds)
    with pytest.raises(UsageError, match=r"most that is sure enough is 0\.900"):
        choose(preference(min_quality=0.95), quality, energy, seconds)
    with pytest.raises(UsageError, match="country"):
        choose(preference(max_emissions_kg=0.1), quality, energy, seconds)


@pytest.mark.parametrize(
    "asked",
    [
        {"prefer": {"energy": 1.2}},
        {"prefer": {"energy": -0.1}},
        {"prefer": {"energy": float("nan")}},
        {"prefer": {"speed": 0.5}},
        {"prefer": {"energy": 0, "quality": 0}},
        {"prefer": "kne"},
        {"budget_kwh": -1},
        {"max_hours": -1},
        {"max_quality_loss": 1.5},
        {"min_quality": "high"},
        {"rule": "best"},
    ],
)
def test_what_makes_no_sense_is_refused(asked):
    with pytest.raises(UsageError):
        preference(**asked)


def test_contradicting_or_empty_wishes_are_refused():
    with pytest.raises(UsageError, match="no weight"):
        preference({})
    with pytest.raises(UsageError, match="two rules"):
        preference("knee", rule="cheapest")
    assert preference("knee", rule="knee").rule == "knee"


def test_quality_beyond_what_was_allowed_has_its_price():
    """Once a twentieth of the quality went for a fifth of the energy, where only nobody could be sure of it."""
    even, wanted = (lambda among, top, best: np.full(len(among), 0.5)), preference(max_quality_loss=0.0)
    quality = np.array([0.80, 0.80 * 1.01, 0.85])
    price = math.exp(QUALITY_PRICE * (1 - quality[0] / quality[2]))  # of the energy, in a factor
    assert choose(wanted, quality, np.array([1.01 / price, 1.0, 1.0]), doubt=even).best == 2
    assert choose(wanted, quality, np.array([0.99 / price, 1.0, 1.0]), doubt=even).best == 0
    assert choose(wanted, quality, np.array([0.99 / price, 1.0, 1.0])).best == 2, "what can be told apart is kept"


@given(candidates, st.floats(0, 0.2), st.floats(0, 3))
def test_what_is_given_up_beyond_the_loss_is_worth_it(pairs, loss, most):
    quality, energy = np.array(pairs).T
    wanted = preference(max_quality_loss=loss)
    strict, lenient = choose(wanted, quality, energy), choose(wanted, quality, energy, doubt=lambda a, *_: 0 * a + most)
    beyond = max(0.0, (1 - loss) - quality[lenient.best] / quality.max())
    saved = math.log(energy[strict.best] / energy[lenient.best])
    assert saved >= QUALITY_PRICE * beyond - 1e-9
    assert set(strict.front) <= set(lenient.front)


@pytest.mark.parametrize(
    ("limits", "best"),
    [({"budget_kwh": 2.5}, 1), ({"min_quality": 0.7}, 0), ({"min_quality": 0.85}, 1), ({"max_quality_loss": 0.07}, 1)],
)
def test_a_limit_alone_says_what_is_wanted(limits, best):
    """A budget is there to be used, a quality to be reached as cheaply as can be."""
    assert choose(preference(**limits), np.array([0.8, 0.9, 0.95]), np.array([1.0, 2.0, 4.0])).best == best


def test_useless_recipes_do_not_stretch_the_scale_of_a_weight():
    """Once half the weight on energy took 90 % for 0.10 mWh where 96 % cost 0.16: the front began at 43 %."""
    quality = np.array([0.43, 0.60, 0.90, 0.96, 0.977, 0.99])
    energy = np.array([0.04, 0.05, 0.10, 0.16, 0.40, 2.3])
    assert quality[choose(Preference(0.5, traded=0), quality, energy).best] == 0.90
    assert quality[choose(preference({"energy": 0.5}), quality, energy).best] == 0.96
    assert choose(preference(1.0), quality, energy).best == 0, "energy alone is energy alone"
    assert choose(preference(0.0), quality, energy).best == 5


def test_one_recipe_far_above_all_others_can_still_be_traded():
    """Once the range of the best alone was the scale, and the most useless recipe won whatever was asked."""
    quality, energy = np.array([0.2, 0.6, 0.9]), np.array([1.0, 2.0, 4.0])
    assert [choose(preference(w), quality, energy).best for w in (0.0, 0.5, 1.0)] == [2, 1, 0]


def test_a_slightly_better_second_does_not_turn_the_choice_over():
    energy = np.array([1.0, 2.0, 4.0, 8.0])
    picks = [
        choose(preference({"energy": 0.5}), np.array([0.3, 0.5, second, 0.7]), energy).best for second in (0.62, 0.64)
    ]
    assert picks == [2, 2]


@given(candidates, st.floats(0, 1), st.sampled_from(RULES))
def test_what_is_chosen_costs_least_of_all_by_the_same_rule(pairs, weight, rule):
    """Choices are judged by what they cost on the scale on which they were made."""
    quality, energy = np.array(pairs).T
    wanted = Preference(weight, rule)
    made = choose(wanted, quality, energy)
    cost = costs(wanted, quality, energy, made.front)
    assert cost[made.best] <= cost.min() + 1e-9 * max(1, abs(cost.min()))
