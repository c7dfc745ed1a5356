"""Recipes: one canonical form, one id, errors that name the culprit."""

from __future__ import annotations

import json
import random
import shlex

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecotaskset.errors import UsageError
from ecotaskset.knobs import DOMAINS, KNOBS, PHASES, check_knobs, parse_knob
from ecotaskset.recipe import Recipe, content_hash

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:/\-]{0,30}", fullmatch=True)


@st.composite
def knob_choices(draw, domain):
    """A legal combination: levels of knobs of the domain, none excluding another."""
    chosen = {}
    for name in draw(st.lists(st.sampled_from(sorted(KNOBS)), unique=True, max_size=8)):
        knob = KNOBS[name]
        clash = any(other in chosen for other in knob.excludes) or any(name in KNOBS[o].excludes for o in chosen)
        if domain in knob.domains and not clash:
            chosen[name] = draw(st.sampled_from(knob.values))
    return chosen


@st.composite
def recipe_fields(draw):
    domain = draw(st.sampled_from(DOMAINS))
    return {
        "domain": domain,
        "dataset": draw(NAMES),
        "model": draw(NAMES),
        "epochs": draw(st.integers(1, 1000)),
        "batch_size": draw(st.integers(1, 10_000)),
        "learning_rate": draw(st.floats(1e-8, 100)),
        "weight_decay": draw(st.floats(0, 10)),
        "pretrained": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**31 - 1)),
        "knobs": draw(knob_choices(domain)),
    }


@given(recipe_fields(), st.randoms(use_true_random=False), st.integers(0, 2**31 - 1))
def test_id_ignores_knob_order_defaults_and_seed(fields, rng, seed):
    recipe = Recipe.create(**fields)
    shuffled = list(fields["knobs"].items())
    for name, knob in KNOBS.items():
        clash = knob.excludes and any(other in fields["knobs"] for other in knob.excludes)
        if name not in fields["knobs"] and knob.default is not None and not clash:
            shuffled.append((name, knob.default))
    rng.shuffle(shuffled)
    other = Recipe.create(**{**fields, "knobs": dict(shuffled), "seed": seed})
    assert other.knobs == recipe.knobs and list(other.knobs) == sorted(other.knobs)
    assert other.recipe_id == recipe.recipe_id and len(recipe.recipe_id) == 16


@given(recipe_fields(), st.data())
def test_id_depends_on_everything_else(fields, data):
    recipe = Recipe.create(**fields)
    name = data.draw(st.sampled_from(["dataset", "model", "epochs", "batch_size", "learning_rate", "pretrained"]))
    changed = data.draw(recipe_fields())[name]
    assume(changed != fields[name])
    assert Recipe.create(**{**fields, name: changed}).recipe_id != recipe.recipe_id


@given(recipe_fields())
def test_words_and_json_give_the_same_recipe(fields):
    recipe = Recipe.create(**fields)
    typed = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in fields["knobs"].items()}
    assert Recipe.create(**{**fields, "knobs": typed}) == recipe
    assert Recipe.model_validate(json.loads(recipe.model_dump_json())) == recipe
    assert Recipe.model_validate_json(recipe.model_dump_json()).recipe_id == recipe.recipe_id


@given(recipe_fields())
def test_the_command_says_the_whole_recipe(fields):
    recipe = Recipe.create(**fields)
    words = shlex.split(recipe.command())
    assert words.pop(0) == "green-collect"
    typed, knobs = {}, {}
    while words:
        option = words.pop(0)
        if option == "--pretrained":
            typed["pretrained"] = True
        elif option == "--knob":
            name, value = parse_knob(words.pop(0))
            knobs[name] = value
        else:
            typed[option.removeprefix("--").replace("-", "_")] = words.pop(0)
    assert Recipe.create(**typed, knobs=knobs) == recipe


def test_equal_numbers_are_one_recipe():
    base = {"domain": "cv", "dataset": "digits", "model": "cnn"}
    pairs = [
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"learning_rate": "1e-3"}, {"learning_rate": 0.001}),
        ({"batch_size": "32"}, {"batch_size": 32}),
        ({"weight_decay": -0.0}, {"weight_decay": 0.0}),
        ({"knobs": {"width": "2"}}, {"knobs": {"width": 2.0}}),
        ({"knobs": {"lora": 4.0}}, {"knobs": {"lora": 4}}),
        ({"knobs": {"torch_compile": "yes"}}, {"knobs": {"torch_compile": True}}),
    ]
    for one, two in pairs:
        assert Recipe.create(**base, **one).recipe_id == Recipe.create(**base, **two).recipe_id, one


def test_the_id_of_a_recipe_never_changes():
    """Ids are in published data: a change here orphans every row that was ever shared."""
    recipe = Recipe.create(
        domain="cv", dataset="digits", model="cnn", epochs=3, knobs={"precision": "bf16", "data_fraction": 0.3}
    )
    assert recipe.recipe_id == "c8ff4cfe406fae43"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"domain": "vision"}, "unknown domain 'vision'"),
        ({"domain": "nlpp"}, "did you mean 'nlp'"),
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": -3}, "batch_size=-3"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": float("inf")}, "learning_rate=inf"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"seed": 2**31}, "seed="),
        ({"dataset": ""}, "dataset=''"),
        ({"dataset": "../x y"}, "dataset="),
        ({"epoch": 3}, "epoch=3"),
        ({"knobs": {"precison": "bf16"}}, "did you mean 'precision'"),
        ({"knobs": {"precision": "bf17"}}, "precision=bf17"),
        ({"knobs": {"width": 100}}, "outside 0.125 to 4"),
        ({"knobs": {"lora": 1.5}}, "not a whole number"),
        ({"knobs": {"lora": float("nan")}}, "not a whole number"),
        ({"knobs": {"width": "1e999"}}, "not a number"),
        ({"knobs": {"torch_compile": "perhaps"}}, "not true or false"),
        ({"knobs": {"dynamic_padding": True}}, "does not apply to domain 'cv'"),
        ({"knobs": {"lora": 4, "freeze_backbone": True}}, "exclude each other"),
        ({"knobs": "precision=bf16"}, "knobs="),
        ({"knobs": {"precision": ["bf16"]}}, "precision"),
    ],
)
def test_a_wrong_field_is_one_line_that_names_it(change, message):
    with pytest.raises(UsageError) as caught:
        Recipe.create(**{"domain": "cv", "dataset": "digits", "model": "cnn", **change})
    assert message in caught.value.message and "\n" not in caught.value.message


def test_a_recipe_cannot_be_changed():
    recipe = Recipe.create(domain="cv", dataset="digits", model="cnn")
    with pytest.raises(ValueError, match="frozen"):
        recipe.epochs = 7


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda knob: knob.name)
def test_every_knob_is_declared_in_full(knob):
    assert knob.phase in PHASES and knob.description and len(knob.values) > 1
    assert set(knob.domains) <= set(DOMAINS) and knob.domains
    assert all(isinstance(value, knob.kind) for value in knob.values)
    for value in knob.values:
        assert knob.parse(value) == value == knob.parse(str(value))
        assert isinstance(knob.parse(str(value)), knob.kind)
    if knob.default is not None:
        assert knob.parse(knob.default) == knob.default
    for other in knob.excludes:
        assert knob.name in KNOBS[other].excludes, "exclusion must hold both ways"


def test_all_phases_have_knobs():
    assert {knob.phase for knob in KNOBS.values()} == set(PHASES)


@given(st.text(max_size=40))
def test_any_text_is_a_knob_or_a_usage_error(text):
    try:
        name, value = parse_knob(text)
    except UsageError as error:
        assert error.message
    else:
        assert name in KNOBS and KNOBS[name].parse(value) == value


@given(st.sampled_from(sorted(KNOBS)), st.text(max_size=12) | st.floats() | st.integers() | st.booleans() | st.none())
def test_what_a_knob_accepts_it_accepts_again(name, raw):
    try:
        value = KNOBS[name].parse(raw)
    except UsageError:
        return
    assert KNOBS[name].parse(value) == value and isinstance(value, KNOBS[name].kind)


def test_a_phase_may_stand_before_a_knob():
    assert parse_knob("training.precision=bf16") == parse_knob("precision=bf16") == ("precision", "bf16")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=6))
def test_content_hash_ignores_the_order_of_keys(content):
    items = list(content.items())
    random.Random(1).shuffle(items)
    assert content_hash(content) == content_hash(dict(items))


def test_check_knobs_leaves_out_what_changes_nothing():
    assert check_knobs({"width": None, "precision": "fp32", "lora": "8"}, domain="cv") == {"lora": 8}


@pytest.mark.parametrize(
    "name", ["csv:/data/my reviews (2024).csv:text:label", "folder:~/Bilder/Häuser", "csv:a+b.csv"]
)
def test_files_of_ones_own_may_be_called_anything(name):
    recipe = Recipe.create(domain="nlp", dataset=name, model="lstm")
    assert shlex.split(recipe.command())[4] == name


@pytest.mark.parametrize("name", ["my reviews", "csv:[red]", "csv:a\nb", "", "folder:\x1b[2J", "xyz:a b"])
def test_what_is_no_name_is_refused_in_words(name):
    with pytest.raises(UsageError, match="is not a name") as caught:
        Recipe.create(domain="nlp", dataset=name, model="lstm")
    assert "regex" not in str(caught.value) and "csv:" in caught.value.hint
