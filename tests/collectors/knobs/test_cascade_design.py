"""The cascade campaign holds what it promises: baseline, every knob that applies, every pair across phases, stacks."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.campaign.design import load_campaign
from collectors.campaigns.cascade import (
    CHOICES,
    DOES_NOT_APPLY,
    IMAGE,
    TEXT,
    applicable,
    design,
    pairs_across_phases,
    stacks,
)
from ecotaskset.knobs import KNOBS

COMPILED_KNOBS = {"torch_compile", "inference_compile"}
NEVER_ALONE = {"data_sampling"}
"""Says how a share is drawn: comes with a share."""


@pytest.fixture(scope="module")
def recipes():
    return load_campaign("cascade").recipes


def test_every_recipe_comes_with_three_seeds_and_the_first_third_is_the_whole_design(recipes):
    assert set(Counter(recipe.recipe_id for recipe in recipes).values()) == {3}
    quick = [recipe for recipe in recipes if not recipe.knobs.keys() & COMPILED_KNOBS]
    third = quick[: len(quick) // 3]
    assert {recipe.seed for recipe in third} == {0} and not third[0].knobs
    assert list(recipes[: len(quick)]) == quick  # compiling is slow and comes last


@pytest.mark.parametrize("task", [TEXT, IMAGE], ids=["text", "image"])
def test_the_baseline_and_every_applicable_knob_alone_are_there(task):
    alone = {name for fields in design(task) if len(fields["knobs"]) == 1 for name in fields["knobs"]}
    wanted = {
        name for name, knob in KNOBS.items() if not knob.needs and task["domain"] in knob.domains
    } - DOES_NOT_APPLY[task["domain"]] - NEVER_ALONE - COMPILED_KNOBS - {"progressive_resizing"}  # fmt: skip
    assert design(task)[0]["knobs"] == {} and alone == wanted


def test_image_sides_that_change_have_a_network_and_a_baseline_of_their_own(recipes):
    convolution = [recipe.knobs for recipe in recipes if recipe.model == "resnet-tiny" and recipe.seed == 0]
    assert {"input_size": 32} in convolution and {"input_size": 32, "progressive_resizing": True} in convolution


def test_compiled_runs_are_there_for_both_tasks(recipes):
    compiled = {(recipe.domain, *recipe.knobs) for recipe in recipes if recipe.knobs.keys() & COMPILED_KNOBS}
    assert compiled == {(domain, knob) for domain in ("nlp", "cv") for knob in COMPILED_KNOBS}


def pairs_of(choices, domain):
    options = [(phase, knob) for phase, knobs in choices.items() for knob in knobs]
    return [a | b for (p, a), (q, b) in combinations(options, 2) if p != q and applicable(a | b, domain)]


@given(st.sampled_from(["nlp", "cv"]), st.data())
@settings(max_examples=25)
def test_rows_hold_every_pair_across_phases_and_one_choice_a_phase(domain, data):
    choices = {phase: data.draw(st.lists(st.sampled_from(knobs), unique_by=str)) for phase, knobs in CHOICES.items()}
    rows = pairs_across_phases(choices, domain)
    for pair in pairs_of(choices, domain):
        assert any(pair.items() <= row.items() for row in rows), pair
    for row in rows:
        assert applicable(row, domain)
        assert max(Counter(KNOBS[name].phase for name in row).values()) == 1


def test_covering_takes_far_fewer_rows_than_there_are_pairs():
    for domain in ("nlp", "cv"):
        assert len(pairs_across_phases(CHOICES, domain)) < len(pairs_of(CHOICES, domain)) / 4


def test_stacks_grow_by_one_knob_and_leave_out_what_does_not_fit():
    grown = stacks([{"lora": 8}, {"freeze_backbone": True}, {"precision": "bf16"}, {"channels_last": True}], "nlp")
    assert grown == [{"lora": 8}, {"lora": 8, "precision": "bf16"}]
