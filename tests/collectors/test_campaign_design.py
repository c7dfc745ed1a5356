"""Designs: what becomes of them, and what is refused before anything runs, with the culprit named."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.campaign import load_campaign, make_campaign
from collectors.campaign.expand import EXPANSIONS
from collectors.campaigns import everywhere
from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS
from ecotaskset.load import load_tables
from ecotaskset.run import from_table

BASE = {"domain": "cv", "dataset": "digits", "model": "resnet-tiny"}


def design(*blocks, **top):
    return {"defaults": BASE, "designs": list(blocks), **top}


def test_a_grid_is_every_combination_times_every_seed():
    block = {"grid": {"learning_rate": [0.1, 0.01, 0.001], "knobs": {"precision": ["fp32", "bf16"]}}}
    recipes = make_campaign(design(block, seeds=[3, 5])).recipes
    assert len(recipes) == 3 * 2 * 2 and {r.seed for r in recipes} == {3, 5}
    assert {(r.learning_rate, r.knob("precision")) for r in recipes} == {
        (rate, precision) for rate in (0.1, 0.01, 0.001) for precision in ("fp32", "bf16")
    }


def test_the_same_recipe_twice_is_trained_once():
    assert len(make_campaign(design({"grid": {"epochs": [5]}}, {"list": [{"epochs": 5}, {}]})).recipes) == 1


def test_what_is_wrong_in_a_python_campaign_is_what_is_reported(tmp_path):
    (tmp_path / "mine.py").write_text("DESIGN = nothing_here")
    with pytest.raises(NameError, match="nothing_here"):
        load_campaign(str(tmp_path / "mine.py"))
    (tmp_path / "mine.py").write_text("design = {}")
    with pytest.raises(UsageError, match="no DESIGN"):
        load_campaign(str(tmp_path / "mine.py"))


def test_fields_of_a_combination_go_together():
    pairs = [{"dataset": "digits", "model": "mlp"}, {"dataset": "mnist", "model": "vgg-tiny", "knobs": {"width": 0.5}}]
    recipes = make_campaign(design({"grid": {"task": pairs, "knobs": {"precision": ["bf16"]}}})).recipes
    assert [(r.dataset, r.model, r.knobs) for r in recipes] == [
        ("digits", "mlp", {"precision": "bf16"}),
        ("mnist", "vgg-tiny", {"precision": "bf16", "width": 0.5}),
    ]


@settings(max_examples=25)
@given(n=st.integers(1, 60), seed=st.integers(0, 99), method=st.sampled_from(["lhs", "sobol"]))
def test_space_filling_is_reproducible_and_in_bounds(n, seed, method):
    block = {"learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "epochs": {"low": 1, "high": 9, "whole": True}}
    options = {"n": n, "seed": seed, "method": method}
    first, again = (list(EXPANSIONS["space_filling"](block, options, "here")) for _ in range(2))
    assert first == again and len(first) == n
    assert all(1e-4 <= f["learning_rate"] <= 1e-1 and 1 <= f["epochs"] <= 9 for f in first)


def test_a_latin_hypercube_visits_every_level_equally_and_every_decade():
    block = {"batch_size": [16, 32, 64, 128], "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}
    fields = list(EXPANSIONS["space_filling"](block, {"n": 60, "seed": 1}, "here"))
    assert sorted(f["batch_size"] for f in fields) == sorted([16, 32, 64, 128] * 15)
    decades = [math.floor(math.log10(f["learning_rate"] * 1.0001)) for f in fields]
    assert all(abs(decades.count(decade) - 20) <= 1 for decade in (-4, -3, -2))


@pytest.mark.parametrize(
    "text, words",
    [
        ("designs: []", "at least one block"),
        ("- a list", "mapping"),
        ("desings: [{grid: {}}]", "did you mean 'designs'"),
        ("designs: [{gird: {epochs: 3}}]", "did you mean 'grid'"),
        ("designs: [{n: 4}]", "exactly one of"),
        ("designs: [{grid: {domain: cv, dataset: digts, model: mlp}}]", "block 1 (grid): unknown data set 'digts'"),
        ("designs: [{grid: {domain: cv, dataset: digits, model: resnet-tny}}]", "did you mean 'resnet-tiny'"),
        ("designs: [{grid: {domain: cv, dataset: digits, model: mlp, epoch: 3}}]", "did you mean 'epochs'"),
        ("designs: [{grid: {domain: cv, dataset: digits, model: mlp, epochs: 0}}]", "epochs=0"),
        ("designs: [{grid: {domain: cv, dataset: digits, model: mlp, knobs: {precision: fp4}}}]", "precision=fp4"),
        ("designs: [{grid: {domain: cv, dataset: digits, model: mlp, knobs: {lora: 4, freeze_backbone: true}}}]",
         "exclude each other"),
        ("designs: [{grid: {domain: cv, dataset: tweets, model: mlp}}]", "belongs to domain 'nlp'"),
        ("designs: [{grid: {epochs: []}}]", "'epochs' has no values"),
        ("designs: [{grid: {learning_rate: {low: 1, high: 2}}}]", "a grid needs a list"),
        ("designs: [{random: {domain: cv}}]", "n=None"),
        ("designs: [{random: {learning_rate: {low: 2, high: 1}}, n: 3}]", "range of 'learning_rate'"),
        ("designs: [{random: {learning_rate: {low: 0, high: 1, log: true}}, n: 3}]", "not positive"),
        ("designs: [{space_filling: {epochs: [1]}, n: 3, method: halton}]", "unknown method 'halton'"),
        ("designs: [{random: {epochs: [1]}, n: 3, seed: abc}]", "block 1 (random): seed='abc'"),
        ("designs: [{space_filling: {epochs: [1, 2]}, n: 3, seed: -1}]", "block 1 (space_filling): seed=-1"),
        ("designs: [{grid: {task: [{model: mlp, knobs: [lora]}]}}]", "block 1 (grid): ['lora'] should be a mapping"),
        ("designs: [{grid: {epochs: [1]}}]\nseeds: many", "seeds='many'"),
        ("designs: [{grid: {epochs: [1]}}]\nseeds: 1000000000000000000000", "seeds=1000000000000000000000"),
        ("designs: [{grid: {epochs: [1]}}, {random: {epochs: [1]}, n: 60000, seeds: 2}]", "block 2 (random): with it"),
        ("designs: [{grid: {epochs: [1]}", "is not YAML"),
    ],
)  # fmt: skip
def test_a_bad_design_is_one_line_with_the_culprit(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_campaign(str(path))
    assert words in str(caught.value) and "\n" not in caught.value.message
    assert "mine.yaml" in caught.value.message


def test_a_grid_nobody_could_train_is_refused_before_it_is_expanded():
    fields = ("epochs", "batch_size", "learning_rate", "weight_decay", "seed")
    block = {"grid": {name: list(range(1, 101)) for name in fields}}  # 10 thousand million
    with pytest.raises(UsageError, match=r"block 1 \(grid\): with it the campaign has more than 100,000 runs"):
        make_campaign(design(block))


def test_a_combination_without_knobs_may_say_so():
    (recipe,) = make_campaign(design({"grid": {"task": [{"model": "mlp", "knobs": None}]}})).recipes
    assert recipe.model == "mlp" and recipe.knobs == {}


@pytest.mark.parametrize("name, words", [("startr", "did you mean 'starter'"), ("no/where.yaml", "cannot be read")])
def test_a_campaign_that_is_not_there(name, words):
    with pytest.raises(UsageError, match=words):
        load_campaign(name)


def test_numbers_that_yaml_leaves_as_text_are_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("designs: [{grid: {domain: cv, dataset: digits, model: mlp, learning_rate: [1e-3]}}]")
    assert load_campaign(str(path)).recipes[0].learning_rate == 0.001


def test_starter_covers_three_domains_with_repeats():
    campaign = load_campaign("starter")
    seeds: dict[str, set[int]] = {}
    for recipe in campaign.recipes:
        seeds.setdefault(recipe.recipe_id, set()).add(recipe.seed)
    assert 100 <= len(campaign.recipes) <= 140
    assert {r.domain for r in campaign.recipes} == {"cv", "nlp", "recsys"}
    assert sum(len(s) >= 3 for s in seeds.values()) >= 12
    assert campaign == load_campaign("starter")


def test_ecotaskset_1_is_as_wide_as_promised():
    recipes = load_campaign("ecotaskset-1").recipes
    domains = [r.domain for r in recipes]
    seeds: dict[str, set[int]] = {}
    for recipe in recipes:
        seeds.setdefault(recipe.recipe_id, set()).add(recipe.seed)
    assert len(recipes) >= 1768 and all(domains.count(d) >= 450 for d in ("cv", "nlp", "recsys"))
    assert len({r.dataset for r in recipes}) >= 16 and len({r.model for r in recipes}) >= 20
    assert sum(len(s) >= 3 for s in seeds.values()) >= 150
    assert {KNOBS[name].phase for r in recipes for name in r.knobs} == {
        "data", "model", "training", "system", "inference"
    }  # fmt: skip
    assert max(r.learning_rate for r in recipes) / min(r.learning_rate for r in recipes) > 500
    by_dataset = {d: {r.model for r in recipes if r.dataset == d} for d in {r.dataset for r in recipes}}
    for domain in ("cv", "nlp", "recsys"):
        shared = set.intersection(*(m for d, m in by_dataset.items() if any(
            r.dataset == d and r.domain == domain for r in recipes)))  # fmt: skip
        assert len(shared) >= 2, f"{domain} has no anchor models on every data set"


def test_shuffled_campaigns_finish_repeated_recipes_first():
    repeated = {"list": [{"model": "mlp", "learning_rate": rate} for rate in (0.1, 0.01)], "seeds": 3}
    once = {"list": [{"model": "resnet-tiny", "learning_rate": rate} for rate in (0.1, 0.01, 0.001)]}
    design = {"designs": [once, repeated], "defaults": {"domain": "cv", "dataset": "digits"}, "shuffle": True}
    models = [recipe.model for recipe in make_campaign(design).recipes]
    assert models == ["mlp"] * 6 + ["resnet-tiny"] * 3


@pytest.mark.parametrize("name", ["finals", "elsewhere", "leaner", "rematch", "everywhere"])
def test_campaigns_that_share_the_processor_ask_for_no_threads_of_their_own(name):
    assert not any("cpu_threads" in recipe.knobs for recipe in load_campaign(name).recipes)


def test_everywhere_takes_recipes_to_tasks_of_their_domain_that_nobody_ran_them_on():
    def placeless(recipe):
        knobs = {name: value for name, value in recipe.knobs.items() if name != "cpu_threads"}
        return recipe.model_copy(update={"dataset": "digits", "domain": "cv", "knobs": knobs, "seed": 0}).recipe_id

    ran = {}
    for table in load_tables().values():
        for run in from_table(table):
            if run.status in ("completed", "early_stopped") and run.recipe_id:
                ran.setdefault((run.domain, placeless(run.recipe())), set()).add(run.dataset)
    asked = load_campaign("everywhere").recipes
    assert asked
    for recipe in asked:
        there = ran[recipe.domain, placeless(recipe)]
        assert recipe.dataset not in there and len(there) >= everywhere.TASKS[recipe.domain]


def test_on_two_threads_go_recipes_that_ran_on_one_and_some_go_on_one_again():
    counts = {}
    for recipe in load_campaign("threads").recipes:
        without = recipe.model_copy(update={"knobs": {n: v for n, v in recipe.knobs.items() if n != "cpu_threads"}})
        counts.setdefault((without.recipe_id, recipe.seed), []).append(recipe.knobs["cpu_threads"])
    assert len(counts) >= 30 and all(2 in of_one and set(of_one) <= {1, 2} for of_one in counts.values())
    assert sum(1 in of_one for of_one in counts.values()) >= len(counts) / 6
