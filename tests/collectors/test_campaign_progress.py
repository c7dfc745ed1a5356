"""What is said of a campaign: plain lines, JSON events, what is left to do; and `--list`."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from collectors.campaign import make_campaign, run_campaign
from collectors.campaign.cost import cost_words, expected_cost
from collectors.campaign.lost import lost_run
from collectors.campaign.progress import Reporter, clock
from collectors.campaign.run import remaining
from collectors.listing import show_list
from collectors.plan import public_recipe
from ecotaskset.checks import check_runs
from ecotaskset.console import Output
from ecotaskset.errors import UsageError
from ecotaskset.knobs import KNOBS
from ecotaskset.recipe import Recipe
from ecotaskset.store import Store

RECIPE = Recipe.create(domain="cv", dataset="digits", model="mlp", epochs=2)
EPOCH = {
    "event": "epoch", "epoch": 1, "epochs": 2, "metric": "accuracy", "quality": 0.5, "train_loss": float("nan"),
    "validation_loss": 1.0, "energy_kwh": 2e-6, "duration_s": 1.5,
}  # fmt: skip


def killed(seed: int = 0, exit_code: int | None = -9, out_of_memory: bool = False):
    recipe = RECIPE.model_copy(update={"seed": seed})
    return lost_run(recipe, [EPOCH], exit_code=exit_code, out_of_memory=out_of_memory, threads=1)


def test_plain_lines_where_there_is_no_terminal(capsys):
    with Reporter(Output(), 2, 1) as reporter:
        reporter.tell(RECIPE, EPOCH)
        reporter.tell(RECIPE, {"event": "run", "run": killed()})
    said = capsys.readouterr()
    assert said.out == "" and "\r" not in said.err and "\x1b" not in said.err
    assert "1/2  digits · mlp · seed 0  interrupted" in said.err and "left" in said.err


def test_json_events_are_one_legal_line_each_with_a_time(capsys):
    with Reporter(Output(json=True), 1, 1) as reporter:
        reporter.event("plan", n_runs=1)
        reporter.tell(RECIPE, {"event": "run_started", "n_parameters": 3, "epochs": 2, "pid": 1})
        reporter.tell(RECIPE, EPOCH)
        reporter.tell(RECIPE, {"event": "run", "run": killed()})
        reporter.event("summary", **reporter.summary())
    lines = [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["plan", "run_started", "epoch", "run_finished", "summary"]
    assert all(datetime.fromisoformat(line["ts"]).tzinfo for line in lines)
    assert lines[2]["train_loss"] is None and lines[3]["energy_kwh"] == 2e-6
    assert lines[4]["statuses"] == {"interrupted": 1} and lines[4]["run_ids"] == [lines[3]["run_id"]]


@pytest.mark.parametrize(
    "exit_code, out_of_memory, status",
    [(-9, False, "interrupted"), (-9, True, "out_of_memory"), (1, False, "failed"), (1, True, "failed")],
)
def test_a_process_that_died_is_a_run_with_what_it_had_told(exit_code, out_of_memory, status):
    run = killed(exit_code=exit_code, out_of_memory=out_of_memory)
    assert run.status == status and run.energy_kwh == 2e-6 and run.quality_validation == 0.5
    assert run.curve_train_loss == [None] and run.recipe_id == RECIPE.recipe_id
    nothing = lost_run(RECIPE, [], exit_code=exit_code, out_of_memory=False, threads=1)
    assert nothing.energy_kwh is None and nothing.epochs_run == 0


@pytest.mark.parametrize(
    "device, visible, used", [("cuda", 8, 1), ("cuda", None, None), ("mps", 0, 0), ("cpu", 8, 0), ("cpu", None, 0)]
)
def test_a_killed_run_can_be_shared_and_used_as_many_cards_as_its_like(monkeypatch, device, visible, used):
    monkeypatch.setattr("torch.cuda.is_available", lambda: device == "cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: device == "mps")
    monkeypatch.setattr("collectors.campaign.lost.hardware", lambda: {"cpu_model": "One", "gpu_count": visible})
    run = killed(out_of_memory=True)
    assert (run.device, run.n_processes, run.gpu_count) == (device, 1, used)
    assert check_runs([run]).findings == []


def test_a_killed_run_on_an_own_file_says_nothing_of_its_place_and_is_found_again(tmp_path):
    place = tmp_path / "acme" / "reviews.csv"
    place.parent.mkdir()
    place.write_text("body,stars\ngood,5\n")
    own = Recipe.create(domain="nlp", dataset=f"csv:{place}:body:stars", model="bag-of-embeddings")
    run = lost_run(own, [EPOCH], exit_code=-9, out_of_memory=True, threads=1)
    assert "acme" not in run.model_dump_json() and run.recipe_id == public_recipe(own).recipe_id
    store = Store(tmp_path / "store")
    store.append(run)
    assert remaining([own], store) == []


def test_what_is_finished_is_left_out_and_what_was_interrupted_is_not(tmp_path, capsys):
    store = Store(tmp_path)
    store.append(killed(seed=0, exit_code=1))  # failed: done
    store.append(killed(seed=1))  # interrupted: to be done again
    design = {"designs": [{"list": [{**RECIPE.model_dump(exclude={"seed"})}], "seeds": 3}]}
    campaign = make_campaign(design)
    run_campaign(campaign, tmp_path, Output(json=True), dry_run=True)
    plan = json.loads(capsys.readouterr().out)
    assert plan["n_already_done"] == 1 and [recipe["seed"] for recipe in plan["recipes"]] == [1, 2]
    run_campaign(campaign, tmp_path, Output(json=True), dry_run=True, resume=False, limit=2)
    plan = json.loads(capsys.readouterr().out)
    assert plan["n_runs"] == 2 and len(store.runs()) == 2


def test_a_dry_run_says_so_on_every_line(tmp_path, capsys):
    campaign = make_campaign({"designs": [{"list": [RECIPE.model_dump()]}]})
    run_campaign(campaign, tmp_path / "store", Output(), dry_run=True)
    said = capsys.readouterr().out.splitlines()
    assert said and all(line.startswith("[dry-run] would train: green-collect") for line in said)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("change, words", [({"engine": "slurm"}, "engine"), ({"limit": 0}, "--limit"),
                                           ({"jobs": 0}, "--jobs 0")])  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_runs(tmp_path, change, words):
    campaign = make_campaign({"designs": [{"list": [RECIPE.model_dump()]}]})
    with pytest.raises(UsageError, match=words):
        run_campaign(campaign, tmp_path, Output(quiet=True), **change)


def test_a_campaign_under_a_launcher_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="one process a recipe"):
        run_campaign("starter", tmp_path, Output(quiet=True))


def test_cost_is_null_where_nobody_knows_it(monkeypatch):
    monkeypatch.setattr("collectors.campaign.cost.predicted_cost", lambda recipe: None)
    assert expected_cost([RECIPE], 1, 1) == {"n_runs": 1, "energy_kwh": None, "duration_h": None}
    assert cost_words(expected_cost([RECIPE], 1, 1)) == "cost not known yet"
    monkeypatch.setattr("collectors.campaign.cost.predicted_cost", lambda recipe: (0.001, 3600.0))
    assert expected_cost([RECIPE] * 640, 2, 1) == {
        "n_runs": 640, "energy_kwh": pytest.approx(0.64), "duration_h": pytest.approx(320)
    }  # fmt: skip


def test_cost_is_that_on_the_threads_that_a_run_gets(monkeypatch):
    asked = []
    monkeypatch.setattr("collectors.campaign.cost.predicted_cost", lambda recipe: asked.append(recipe) or (0.1, 1.0))
    three = Recipe.create(domain="cv", dataset="digits", model="mlp", knobs={"cpu_threads": 3})
    expected_cost([RECIPE, three], jobs=2, threads=4)
    assert [recipe.knobs["cpu_threads"] for recipe in asked] == [4, 3] and RECIPE.knobs == {}


def test_more_threads_than_a_run_gets_are_refused_before_anything_is_trained(tmp_path):
    asks = {"domain": "cv", "dataset": "digits", "model": "mlp", "knobs": {"cpu_threads": 500}}
    campaign = make_campaign({"designs": [{"list": [asks]}]})
    with pytest.raises(UsageError, match="a recipe wants 500 threads") as refused:
        run_campaign(campaign, tmp_path, Output(quiet=True))
    assert "take these recipes out" in refused.value.hint, "fewer side by side than one there cannot be"
    with pytest.raises(UsageError, match="a run gets 1 here") as refused:
        run_campaign(campaign, tmp_path, Output(quiet=True), engine="ray")
    assert "ECOTASKSET_RAY_CORES" in refused.value.hint


@pytest.mark.parametrize("said", ["abc", "0", "-1", "1.5", ""])
def test_cores_that_are_no_number_are_refused_in_one_line(monkeypatch, tmp_path, said):
    monkeypatch.setenv("ECOTASKSET_RAY_CORES", said)
    with pytest.raises(UsageError, match=f"ECOTASKSET_RAY_CORES={said} is not a number of cores"):
        run_campaign("starter", tmp_path, Output(quiet=True), engine="ray", dry_run=True)


def test_seconds_are_said_as_people_say_them():
    assert [clock(s) for s in (40, 720, 12_600)] == ["40 s", "12 min", "3.5 h"]


def test_the_list_for_scripts_has_what_they_rely_on(capsys):
    show_list(Output(json=True))
    found = json.loads(capsys.readouterr().out)
    assert {"name", "domain", "family", "params"} <= found["architectures"][0].keys()
    assert {"name", "domain", "source", "needs_hub"} <= found["datasets"][0].keys()
    assert {knob["name"]: knob["values"] for knob in found["knobs"]} == {n: list(k.values) for n, k in KNOBS.items()}
    assert len(found["architectures"]) >= 24 and sum(not d["needs_hub"] for d in found["datasets"]) >= 6
    assert all(entry["params"] > 0 for entry in found["architectures"])


def test_the_list_for_people_names_everything(capsys):
    show_list(Output())
    said = capsys.readouterr().out
    assert all(name in said for name in ("resnet-tiny", "movielens_100k", "gradient_checkpointing"))
