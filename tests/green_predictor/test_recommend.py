"""`recommend` on the shipped snapshot: limits, descriptions, evidence, and answers in every form."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ecotaskset.errors import UsageError
from ecotaskset.recipe import Recipe
from green_predictor import estimate, recommend
from green_predictor.link import logit
from green_predictor.targets import usable
from green_predictor.tasks import known_tasks

TASKS = {"cv": "digits", "nlp": "movie_reviews", "recsys": "movielens_100k"}


@pytest.fixture(scope="module")
def answer():
    return recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}, country="FR")


@pytest.mark.parametrize("domain", TASKS)
def test_every_domain_is_answered_with_a_runnable_command(domain):
    made = recommend(domain=domain, dataset=TASKS[domain], prefer={"energy": 0.5})
    words = shlex.split(made.command)
    assert words[:5] == ["green-collect", "--domain", domain, "--dataset", TASKS[domain]]
    assert made.command == made.best.recipe.command() and made.n_candidates >= 10_000
    for pick in (made.best, made.most_accurate, *made.front):
        assert 0 <= pick.quality_low <= pick.quality <= pick.quality_high <= 1
        assert 0 < pick.energy_low_kwh <= pick.energy_kwh <= pick.energy_high_kwh < float("inf")
        assert 0 < pick.duration_low_s <= pick.duration_s <= pick.duration_high_s


def test_the_best_is_on_the_front_which_is_sorted_from_cheap_to_dear(answer):
    energies = [p.energy_kwh for p in answer.front]
    assert answer.best.recipe in [p.recipe for p in answer.front]
    assert len({p.recipe.recipe_id for p in answer.front}) == len(answer.front)
    assert energies[0] <= answer.best.energy_kwh <= answer.most_accurate.energy_kwh * 1.5


def test_limits_are_kept(answer):
    top = answer.most_accurate
    frugal = recommend(domain="cv", dataset="digits", prefer=0.0, budget_kwh=top.energy_kwh / 5)
    assert frugal.best.energy_kwh <= top.energy_kwh / 5 * 1.01
    kept = recommend(domain="cv", dataset="digits", max_quality_loss=0.02)
    beyond = max(0.0, 0.98 - kept.best.quality / kept.most_accurate.quality)
    assert beyond < 0.03 and (beyond < 0.001 or "more than the 2.0% allowed" in kept.verdict)
    assert kept.best.energy_kwh <= kept.most_accurate.energy_kwh * 0.5 ** (100 * beyond), "loss has a price"
    hours = top.duration_s / 3600 / 5
    assert recommend(domain="cv", dataset="digits", prefer=0.0, max_hours=hours).best.duration_s <= hours * 3600 * 1.01


def test_emissions_follow_the_grid(answer):
    grams, source = answer.intensity
    assert answer.best.emissions_kg == pytest.approx(answer.best.energy_kwh * grams / 1000)
    assert "France" in source
    doubled = recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}, country=2 * grams)
    assert doubled.best.emissions_kg == pytest.approx(2 * answer.best.emissions_kg)
    with pytest.raises(UsageError, match="unknown country"):
        recommend(domain="cv", dataset="digits", country="XX")


def test_alternatives_are_a_step_in_their_direction(answer):
    cheaper, better = answer.alternatives["cheaper"], answer.alternatives["better"]
    assert cheaper is None or cheaper.energy_kwh < answer.best.energy_kwh
    assert better is None or better.quality > answer.best.quality


def test_curves_rise_in_energy_and_end_where_the_pick_says(answer):
    curve = answer.curve()
    assert list(curve.epoch) == list(range(1, answer.best.recipe.epochs + 1))
    assert (np.diff(curve.prediction.energy_kwh) >= 0).all()
    assert curve.prediction.quality[-1] == pytest.approx(answer.best.quality, abs=1e-4)


def test_all_forms_agree(answer, tmp_path):
    plain = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    table = answer.to_pandas()
    assert plain["best"]["energy_kwh"] == answer.best.energy_kwh
    assert len(table) == len(plain["front"]) and table["best"].sum() == 1
    assert table.loc[table["best"], "command"].item() == answer.command == plain["command"]
    assert answer.best.recipe.model in answer.verdict and plain["verdict"] == answer.verdict
    answer.plot(tmp_path / "front.png")
    answer.plot(tmp_path / "front.svg")
    assert (tmp_path / "front.png").read_bytes()[:4] == b"\x89PNG" and (tmp_path / "front.svg").stat().st_size > 1000
    with pytest.raises(UsageError, match="figure"):
        answer.plot(tmp_path / "front.bad")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["front.png", "front.svg"]


def test_equal_questions_get_equal_answers(answer):
    again = recommend(domain="cv", dataset="digits", prefer={"energy": 0.7}, country="FR")
    assert again.to_dict() == answer.to_dict()


def test_a_task_never_seen_can_be_described_and_says_what_it_stands_on():
    made = recommend(domain="cv", dataset={"name": "mine", "n_train": 50_000, "n_classes": 10, "image_size": 32})
    assert made.best.recipe.dataset == "mine" and made.support.runs_on_task == 0
    assert made.support.level in ("thin", "far") and made.support.basis == "unseen"
    assert "landmark_quality" in made.support.sentence
    same = made.best.recipe.model_copy(update={"dataset": "digits"})
    known = recommend(domain="cv", dataset="digits", candidates=[same])
    wide, narrow = (np.diff(logit([pick.quality_low, pick.quality_high]))[0] for pick in (made.best, known.best))
    assert wide > 1.2 * narrow


def test_more_training_data_costs_more():
    def one(n):
        task = {"n_train": n, "n_validation": 300, "n_classes": 10, "image_size": 8, "landmark_quality": 0.9}
        recipe = {"model": "resnet-tiny", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
        return recommend(domain="cv", dataset=task, candidates=[recipe]).best.energy_kwh

    assert one(12_000) > 3 * one(1_200)


def test_observed_runs_move_the_prediction_towards_what_was_seen():
    task = {"n_train": 1_500, "n_classes": 10, "image_size": 8, "landmark_quality": 0.9, "majority_quality": 0.1}
    recipe = {"model": "resnet-tiny", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
    before = recommend(domain="cv", dataset=task, candidates=[recipe])
    seen = {**recipe, "energy_kwh": 20 * before.best.energy_kwh, "quality": 0.5, "duration_s": 20.0}
    after = recommend(domain="cv", dataset=task, candidates=[recipe], observed=[seen])
    assert before.best.energy_kwh < after.best.energy_kwh <= seen["energy_kwh"] * 1.2
    assert after.best.quality < before.best.quality


def test_a_run_cut_after_an_epoch_is_evidence_too():
    task = {"n_train": 1_500, "n_classes": 10, "image_size": 8, "landmark_quality": 0.9}
    recipe = {"model": "resnet-tiny", "epochs": 4, "batch_size": 32, "learning_rate": 1e-3}
    before = recommend(domain="cv", dataset=task, candidates=[recipe]).best.energy_kwh
    first = {"curve_validation_quality": [0.3], "curve_energy_kwh": [10 * before], "curve_duration_s": [9.0]}
    cut = {**recipe, **first, "status": "interrupted", "energy_kwh": 10 * before}
    assert recommend(domain="cv", dataset=task, candidates=[recipe], observed=[cut]).best.energy_kwh > 1.2 * before


def test_own_candidates_are_the_only_ones():
    mine = [
        Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=4),
        {"model": "resnet-tiny", "epochs": 4, "knobs": {"data_fraction": 0.5}},
    ]
    made = recommend(domain="cv", dataset="digits", candidates=mine, prefer=0.0)
    assert made.n_candidates == 2 and made.best.recipe.model in ("mlp", "resnet-tiny")


def test_another_source_of_runs_is_learned_from(digits):
    fewer = [r for r in digits if r["model"] != "vit-tiny"]
    made = recommend(domain="cv", dataset="digits", data=fewer)
    assert made.support.runs == sum(map(usable, fewer))
    assert "vit-tiny" not in {p.recipe.model for p in made.front}


def test_a_training_far_longer_than_any_run_is_called_an_extrapolation():
    """Said to be close to what was run and to reach 0.71, such a one reached 0.92."""
    settings = {"domain": "cv", "dataset": "fashion_mnist", "model": "resnet-tiny", "learning_rate": 0.001}
    long, short = (Recipe.create(**settings, batch_size=size, epochs=60) for size in (32, 4096))
    found = recommend(domain="cv", dataset="fashion_mnist", candidates=[long])
    assert found.support.level == "far" and "steps, the longest run has" in found.support.sentence
    assert found.verdict.startswith("This is an extrapolation") and "an extrapolation from" in estimate(long).sentence
    assert "steps" not in recommend(domain="cv", dataset="fashion_mnist", candidates=[short]).support.sentence
    assert "predicted from" in estimate(short).sentence


@pytest.mark.parametrize(
    ("dataset", "model"), [("fashion_mnist", "resnet-tiny"), ("digits", "resnet-tiny"), ("mnist", "mlp")]
)
def test_a_longer_training_is_not_said_to_unlearn(dataset, model):
    """A square of log steps, fitted to short trainings, bent down beyond them: 0.88 with one epoch, 0.71 with nine."""
    lengths = [10, 30, 100, 300]
    recipes = [Recipe.create(domain="cv", dataset=dataset, model=model, epochs=n, learning_rate=0.001) for n in lengths]
    expected = [recommend(domain="cv", dataset=dataset, candidates=[recipe]).best.quality for recipe in recipes]
    # a recipe's own runs, which may have been lucky, count too
    assert all(longer > shorter - 0.02 for shorter, longer in pairwise(expected)), expected


def test_of_a_machine_nobody_ran_anything_on_less_is_known():
    """On another processor energy came out 1.5 times what was said, and 4 % of it inside intervals of 90 %."""
    asked = {"domain": "nlp", "dataset": "tweets", "max_quality_loss": 0.01}
    known = recommend(**asked, hardware="Genoa")
    run = {**known.best.recipe.model_dump(), "quality": known.best.quality, "energy_kwh": 2 * known.best.energy_kwh}
    another = {**known.hardware, "cpu_model": "some other processor", "matmul_gflops": None}
    strange = recommend(**asked, hardware=another)
    told = recommend(**asked, hardware=another, observed=[run])

    def factor(answer):
        return answer.best.energy_high_kwh / answer.best.energy_low_kwh

    assert factor(strange) > 2 * factor(known) and factor(told) < factor(strange)
    assert strange.best.energy_kwh == pytest.approx(known.best.energy_kwh) and strange.best.quality_low > 0
    assert "made on this machine: one short training" in strange.support.sentence
    assert "made on this machine" not in known.support.sentence + told.support.sentence
    assert recommend(**asked, hardware=known.hardware).support == known.support, "described, but in the data"


def test_energy_and_time_on_another_processor_go_with_its_speed_and_qualities_stay():
    asked = {"domain": "nlp", "dataset": "tweets", "max_quality_loss": 0.01}
    known = recommend(**asked, hardware="Genoa")
    another = {**known.hardware, "cpu_model": "some other processor", "cpu_threads": 1}
    half = {**another, "matmul_gflops": known.hardware["matmul_gflops"] / 2}
    slow, unknown = recommend(**asked, hardware=half), recommend(**asked, hardware={**another, "matmul_gflops": None})
    assert slow.best.recipe == known.best.recipe and slow.best.quality == known.best.quality
    assert slow.best.energy_kwh == pytest.approx(2 * known.best.energy_kwh, rel=1e-3)
    assert slow.best.duration_s == pytest.approx(2 * known.best.duration_s, rel=1e-3)
    assert slow.curve(0).prediction.energy_kwh[-1] == pytest.approx(slow.front[0].energy_kwh, rel=1e-3)
    widths = [a.best.energy_high_kwh / a.best.energy_low_kwh for a in (known, slow, unknown)]
    assert widths == sorted(widths) and len(set(widths)) == 3, "known better than not at all, worse than in the data"
    assert "made on this machine: one short training" in slow.support.sentence
    budget = 3 * known.best.energy_kwh
    limited = recommend(**{**asked, "max_quality_loss": None}, hardware=half, budget_kwh=budget)
    assert limited.best.energy_kwh <= budget, "limits are on what this machine needs"
    assert recommend(**asked, hardware=half, observed=[]).best == slow.best


def test_runs_observed_on_another_processor_are_of_its_speed():
    asked = {"domain": "recsys", "dataset": {"n_train": 3000, "n_users": 500, "n_items": 900}, "max_quality_loss": 0.01}
    known = recommend(**asked, hardware="Genoa")
    half = {
        **known.hardware,
        "cpu_model": "some other one",
        "cpu_threads": 1,
        "matmul_gflops": known.hardware["matmul_gflops"] / 2,
    }
    best = known.best
    run = {**best.recipe.model_dump(), "quality": best.quality, "energy_kwh": 2 * best.energy_kwh,
           "duration_s": 2 * best.duration_s}  # fmt: skip
    told = recommend(**asked, hardware=half, observed=[run], candidates=[best.recipe])
    assert told.best.energy_kwh == pytest.approx(2 * best.energy_kwh, rel=0.05), "nothing is left to be explained"


def test_an_estimate_is_a_line_or_an_honest_no():
    known = estimate(Recipe.create(domain="cv", dataset="digits", model="resnet-tiny", epochs=3))
    assert known.energy_kwh > 0 and "about" in known.sentence
    unknown = estimate(Recipe.create(domain="cv", dataset="no-such-set", model="resnet-tiny"))
    assert unknown.energy_kwh is None and unknown.sentence.startswith("cost not known")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"domain": "cvv"}, "did you mean 'cv'"),
        ({"dataset": "digit"}, "did you mean 'digits'"),
        ({"dataset": {"n_trian": 5}}, "did you mean 'n_train'"),
        ({"dataset": {"n_classes": 5}}, "no n_train"),
        ({"dataset": {"n_train": -5}}, "n_train=-5"),
        ({"dataset": {"n_train": 5, "landmark_quality": 97}}, "not a share"),
        ({"country": ["FR"]}, "not a country"),
        ({"dataset": "{not json"}, "not JSON"),
        ({"hardware": "H20"}, "did you mean 'H200'"),
        ({"hardware": {"gpus": 1}}, "unknown hardware column"),
        ({"prefer": {"energy": 2}}, "weight of energy"),
        ({"budget_kwh": -1}, "budget_kwh=-1"),
        ({"budget_kwh": 1e-30}, "the least is"),
        ({"candidates": []}, "empty"),
        ({"candidates": 0}, "candidates=0"),
        ({"candidates": [{"model": "resnet-tny"}]}, "did you mean 'resnet-tiny'"),
        ({"energy": "guessed"}, "unknown kind of energy"),
        ({"data": "/no/such/place"}, "no runs at"),
        ({"observed": [{"model": "resnet-tiny"}]}, "has no quality"),
        ({"observed": [{"epochs": 3}]}, "no model"),
    ],
)
def test_bad_input_gets_one_line_that_names_it(asked, says):
    with pytest.raises(UsageError) as caught:
        recommend(**{"domain": "cv", "dataset": "digits", **asked})
    assert (says in str(caught.value) and caught.value.hint is not None) or says in str(caught.value)


def test_accelerators_are_known_by_name_and_extrapolation_is_said():
    made = recommend(domain="cv", dataset="digits", hardware="H200")
    assert made.hardware["gpu_tdp_w"] == 700
    if not any(r.get("device") == "cuda" for r in made.model.runs):
        assert made.support.level in ("thin", "far", "run")


def test_known_tasks_are_those_of_the_runs(digits):
    assert known_tasks(digits) == ["digits"]


def test_a_recipe_of_a_tenth_of_the_energy_is_told_apart_and_an_equal_one_is_not():
    from green_predictor.verdict import differ

    assert differ(np.log(10.0), np.log(1.0), 0.1) and not differ(0.0, 0.1, 0.1)


def test_energy_is_compared_as_energy_not_as_what_physics_leaves_over(answer):
    """Two picks alike but for their epochs differ in cost, though the model corrects physics by the same for both."""
    from green_predictor.targets import ENERGY
    from green_predictor.verdict import verdict

    best, dear = answer.best, replace(answer.best, energy_kwh=100 * answer.best.energy_kwh)
    dear = replace(dear, recipe=dear.recipe.model_copy(update={"epochs": 100}))
    same = np.zeros(3)
    said = verdict(best, dear, {}, "accuracy", answer.support, same, same, np.full(3, 0.1))
    assert ENERGY == 1 and "expected to save 99%" in said


def test_a_task_larger_than_all_that_were_run_is_an_extrapolation():
    """A thousand classes at 224 pixels were once "little run near", with 96 % accuracy."""
    made = recommend(domain="cv", dataset={"n_train": 50_000, "n_classes": 1000, "image_size": 224})
    assert made.support.level == "far" and "extrapolation" in made.verdict
    assert (
        "n_classes is 1000, the most that was run 10" in made.support.sentence and "image_size" in made.support.sentence
    )
    known = {"n_train": 50_000, "n_classes": 10, "image_size": 32}
    assert recommend(domain="cv", dataset=known).support.level != "far"
    in_colour = recommend(domain="cv", dataset={**known, "n_channels": 3}).support
    assert in_colour.level == "far" and "n_channels is 3" in in_colour.sentence, "no run is of colour images"


@pytest.mark.parametrize("domain", TASKS)
def test_no_early_stopping_is_advised_that_cannot_stop_anything(domain):
    for dataset in (TASKS[domain], {"n_train": 2000}):
        made = recommend(domain=domain, dataset=dataset, max_quality_loss=0.05)
        waits = [(p.recipe.knobs.get("early_stopping", 0), p.recipe.epochs) for p in made.front]
        assert all(not patience or epochs >= patience + 2 for patience, epochs in waits)


@pytest.mark.parametrize("domain", TASKS)
@pytest.mark.parametrize("count", [1, 100, 400_000])
def test_as_many_candidates_are_considered_as_were_asked_for(domain, count):
    """Recipes with an idle knob are left out; once 17,000 of 400,000 were missing then."""
    assert recommend(domain=domain, dataset=TASKS[domain], candidates=count).n_candidates == count


def test_an_accelerator_by_name_is_the_same_however_it_is_told():
    named, told = (recommend(domain="cv", dataset="digits", hardware=h) for h in ("H200", {"gpu_model": "H200"}))
    assert named.support.level == told.support.level == "thin" and told.hardware["device"] == "cuda"
    assert told.best.energy_kwh == named.best.energy_kwh


def test_what_is_far_from_all_runs_is_left_out_of_a_design():
    made = recommend(domain="nlp", dataset="movie_reviews", max_quality_loss=0.01)
    assert made.support.level != "far"


@pytest.mark.parametrize("domain", sorted(TASKS))
def test_the_front_is_shown_cheapest_first(domain):
    made = recommend(domain=domain, dataset=TASKS[domain])
    spent = [pick.energy_kwh for pick in made.front]
    assert spent == sorted(spent) and made.best in made.front


@pytest.mark.parametrize("domain", TASKS)
def test_nothing_dearer_on_the_front_promises_less(domain):
    """A front is found on cautious values and shown by expected ones: drawn as it was found it went up and down."""
    made = recommend(domain=domain, dataset=TASKS[domain], prefer={"energy": 0.5}, hardware="Genoa")
    kept = (made.best.recipe, made.most_accurate.recipe)
    others = [pick.quality for pick in made.front if pick.recipe not in kept]
    assert len(others) > 3 and all(dearer > cheaper for cheaper, dearer in pairwise(others))
    assert made.best.recipe in [pick.recipe for pick in made.front]


def test_bfloat16_is_for_machines_that_are_known_to_multiply_it():
    asked = {"domain": "recsys", "dataset": "movielens_100k-dense", "prefer": {"energy": 0.5}}

    def in_bf16(answer):
        return sum(pick.recipe.knobs.get("precision") == "bf16" for pick in answer.front)

    known, strange = (recommend(**asked, hardware=h) for h in ("Genoa", {"device": "cpu", "cpu_model": "some other"}))
    assert in_bf16(known) and not in_bf16(strange)
    assert "bfloat16 is left out" in strange.support.sentence and "bfloat16" not in known.support.sentence
    own = [pick.recipe for pick in known.front if pick.recipe.knobs.get("precision") == "bf16"]
    chosen = recommend(**asked, hardware={"device": "cpu", "cpu_model": "some other"}, candidates=own)
    assert in_bf16(chosen) and "left out" not in chosen.support.sentence, "who asks about it is told of it"


def test_a_run_of_the_recipe_itself_counts_in_what_is_shown_of_it():
    """One run at 0.45 of a recipe said to reach 0.97 once left it at 0.80, and the interval left the run out."""
    recipe = {"model": "resnet-tiny", "epochs": 5, "batch_size": 32, "learning_rate": 1e-3}
    task = {"name": "mine", "n_train": 1_500, "n_classes": 10, "image_size": 8}
    runs = [{**recipe, "quality": 0.45, "energy_kwh": 1e-6, "duration_s": 5.0, "seed": seed} for seed in range(3)]
    none, one, three = (
        recommend(domain="cv", dataset=task, candidates=[recipe], observed=made) for made in (None, runs[:1], runs)
    )
    assert none.best.quality > 0.9 and abs(three.best.quality - 0.45) < abs(one.best.quality - 0.45) < 0.15
    assert one.best.quality_low < 0.45 < one.best.quality_high
    for made in (none, one, three):
        ends = made.curve().prediction
        assert (ends.quality[-1], ends.quality_low[-1]) == pytest.approx((made.best.quality, made.best.quality_low))
        assert made.cloud[0][0] == pytest.approx(made.best.quality)
