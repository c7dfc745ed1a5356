"""The sentences say what is expected, and what of it the data cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ecotaskset.recipe import Recipe
from green_predictor import recommend
from green_predictor.recommendation import Pick
from green_predictor.support import Support
from green_predictor.verdict import verdict

WITHIN = np.full(3, 0.01)
SUPPORT = Support("near", 100, 10, 0, 0.1, "seen")


def pick(model, quality, kwh):
    recipe = Recipe.create(domain="cv", dataset="digits", model=model)
    return Pick(recipe, quality, quality - 0.1, quality + 0.1, kwh, 0.9 * kwh, 1.1 * kwh, 1.0, 0.9, 1.1)


def said(best, top, allowed=None, support=SUPPORT, why="", cheaper=None):
    y = [np.array([np.log(p.quality / (1 - p.quality)), 0.0, 0.0]) for p in (best, top)]
    others = {"cheaper": cheaper, "better": None}
    return verdict(best, top, others, "accuracy", support, *y, WITHIN, allowed, why)


TOP = pick("resnet-tiny", 0.90, 1e-3)


@pytest.mark.parametrize(
    ("best", "parts"),
    [
        (pick("mlp", 0.60, 1e-4), ["saves 90%", "keeps 66.7%"]),
        (pick("mlp", 0.89, 1e-4), ["save 90%", "keep 98.9%", "really better, the data can't tell"]),
        (pick("mlp", 0.60, 9.5e-4), ["save 5%", "keep 66.7%", "needs less, the data can't tell"]),
        (pick("mlp", 0.60, 1.1e-3), ["need 110%", "needs less, the data can't tell"]),
    ],
)
def test_what_is_expected_is_always_said(best, parts):
    sentence = said(best, TOP)
    assert all(part in sentence for part in parts), sentence


def test_a_loss_beyond_what_was_allowed_is_said():
    assert "more than the 0.2% allowed, for a reason." in said(pick("mlp", 0.89, 1e-4), TOP, 0.002, why="for a reason")
    assert "allowed" not in said(pick("mlp", 0.89, 1e-4), TOP, allowed=0.02)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"budget_kwh": 2e-7, "max_quality_loss": 0.01}, "because the most accurate choice is beyond the limits"),
        (
            {"max_quality_loss": 0.001},
            "too small a one to be sure of, and for each percent of it the energy is at least halved",
        ),
    ],
)
def test_the_reason_for_a_loss_beyond_what_was_allowed_is_the_real_one(asked, reason):
    """Once a budget was passed over: "less than predictions can tell apart", it said of half the quality."""
    answers = [recommend(domain="cv", dataset=name, **asked) for name in ("digits", "digits-0to4", "mnist")]
    lost = [a for a in answers if round(1 - a.best.quality / a.most_accurate.quality, 3) > asked["max_quality_loss"]]
    assert lost and any(reason in a.verdict for a in lost)
    if "budget_kwh" in asked:
        assert all(reason in a.verdict for a in lost)


def test_the_most_accurate_choice_is_compared_with_a_cheaper_one():
    """A budget once led to 48 times the energy for 0.006 of accuracy, and nothing was said of it."""
    close, far, as_good = (pick("mlp", quality, 1e-4) for quality in (0.895, 0.60, 0.91))
    assert "better than mlp" in said(TOP, TOP, cheaper=close) and "the data can't tell" in said(TOP, TOP, cheaper=close)
    assert "can't tell" not in said(TOP, TOP, cheaper=far) and "also the most accurate" in said(TOP, TOP, cheaper=far)
    both = said(TOP, TOP, cheaper=as_good)
    assert "also the most accurate" not in both and "promises as much for 100 mWh" in both
    assert "promises as much" in said(pick("mlp", 0.85, 5e-4), TOP, cheaper=pick("vgg-tiny", 0.86, 1e-4))


def test_an_extrapolation_is_said_first():
    assert said(TOP, TOP, support=replace(SUPPORT, level="far")).startswith("This is an extrapolation")
