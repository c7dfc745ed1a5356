"""The whole way, with the commands people type, in processes of their own; and the commands' own manners."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import huggingface_hub.constants
import pytest
from people import REPO, a_run, a_store
from typer.testing import CliRunner

from ecotaskset.console import Output
from ecotaskset.errors import HubError, RefusedError, UsageError
from ecotaskset.hub import push, release, review

EXAMPLE = Path(__file__).parents[2] / "examples" / "hub_flow.py"


@pytest.mark.timeout(600)
def test_two_contributors_a_review_a_release_and_a_fresh_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    told = runpy.run_path(str(EXAMPLE))["flow"](tmp_path, reproduce=False)
    sent = {ids[0] for ids in told["pushed"]}
    assert [(r["author"], r["verdict"], r["done"]) for r in told["reviews"]][2] == ("mallory", "refused", "closed")
    assert {(r["author"], r["done"]) for r in told["reviews"][:2]} == {("ada", "merged"), ("eve", "merged")}
    assert len(sent) == 2 and sent < {row["run_id"] for row in told["first"]["v1.1.0"]}
    assert {row["contributor"] for row in told["first"]["v1.0.0"]} == {"maintainer"}
    assert {row["contributor"] for row in told["first"]["v1.1.0"]} == {"maintainer", "ada", "eve"}
    assert told["advice"]["command"].startswith("green-collect --domain cv --dataset digits --model mlp")


@pytest.fixture
def boss(hub):
    hub.add_repo(REPO)
    return hub.add_user("boss", orgs=("green",))


def test_a_reproduction_makes_the_recipe_reproduced(hub, boss, tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    from collectors.hub_commands import push_runs, reproduce_run
    from collectors.train import train
    from ecotaskset import load_dataset
    from ecotaskset.recipe import Recipe

    # on one thread and long enough: beside other work, two waiting threads make a short training cost many times more
    fields = {"epochs": 20, "learning_rate": 0.002, "knobs": {"cpu_threads": 1}}
    recipe = Recipe.create(domain="cv", dataset="digits", model="mlp", **fields)
    train(recipe, cache_dir=tmp_path / "cache")  # the first training of a process costs several times as much
    original = train(recipe, cache_dir=tmp_path / "cache")
    ada, eve = hub.add_user("ada"), hub.add_user("eve")
    push(a_store(tmp_path / "ada", original, a_run(1)), REPO, token=ada.token)
    assert review(REPO, token=boss.token)[0].done == "merged"
    release("1.0.0", REPO, token=boss.token)

    monkeypatch.setenv("HF_TOKEN", eve.token)
    with pytest.raises(UsageError, match="no run begins with 'ffffffffffff'"):
        reproduce_run("ffffffffffff", tmp_path / "eve", REPO, Output(quiet=True))
    capsys.readouterr()
    reproduce_run(original.run_id[:12], tmp_path / "eve", REPO, Output(json=True), cache_dir=tmp_path / "cache")
    pair = json.loads(capsys.readouterr().out)
    assert pair["original"] == original.run_id and pair["agree"] is True
    assert json.loads((tmp_path / "eve" / "reproductions" / f"{pair['reproduction']}.json").read_text()) == pair
    push_runs(tmp_path / "eve", REPO, Output(quiet=True), yes=True)
    assert capsys.readouterr().out.split() == [pair["reproduction"]]
    outcomes = review(REPO, token=boss.token, accept_held=True)
    assert [o.done for o in outcomes] == ["merged"]
    release("1.1.0", REPO, token=boss.token)
    rows = [row for split in load_dataset("cv", repo=REPO, revision="v1.1.0").values() for row in split]
    assert {row["recipe_id"]: row["trust"] for row in rows} == {
        original.recipe_id: "reproduced",
        a_run(1).recipe_id: "self_reported",
    }


def commands(*words: str):
    import typer

    from collectors.hub_commands import mount

    app = typer.Typer()
    mount(app)
    return CliRunner().invoke(app, list(words))


def test_push_shows_what_would_leave_and_dry_run_sends_nothing(hub, boss, tmp_path, capsys):
    from collectors.hub_commands import push_runs

    bad = a_run(1, cpu_energy_kwh=5.0, energy_kwh=5.0, ram_energy_kwh=None)
    store = a_store(tmp_path, a_run(0), bad)
    push_runs(store, REPO, Output(json=True), dry_run=True)
    printed = capsys.readouterr()
    data = json.loads(printed.out)
    assert (data["runs"], data["refused"]) == ([a_run(0).run_id], [bad.run_id])
    assert "P101" in printed.err and hub.faults.log == []


def test_push_says_what_to_do(hub, boss, tmp_path, monkeypatch, capsys):
    from collectors.hub_commands import push_runs

    store = a_store(tmp_path / "s", a_run(0))
    with pytest.raises(HubError, match="no Hub token"):
        push_runs(store, REPO, Output(quiet=True), yes=True)
    monkeypatch.setenv("HF_TOKEN", boss.token)
    push_runs(store, REPO, Output(), yes=True)
    printed = capsys.readouterr()
    assert "/commit/" in printed.out and "next release" in printed.err
    push_runs(store, REPO, Output(), yes=True)
    assert "nothing to push" in capsys.readouterr().err
    absurd = a_run(1, cpu_energy_kwh=5.0, energy_kwh=5.0, ram_energy_kwh=None)
    with pytest.raises(RefusedError, match="accept none"):
        push_runs(a_store(tmp_path / "t", absurd), REPO, Output(quiet=True), yes=True)


def test_review_and_release_commands(hub, boss, tmp_path, monkeypatch):
    push(a_store(tmp_path, a_run(0), a_run(1)), REPO, token=hub.add_user("ada").token)
    monkeypatch.setenv("HF_TOKEN", boss.token)
    seen = commands("review", "--repo", REPO, "--dry-run", "--json")
    assert json.loads(seen.stdout)[0]["verdict"] == "accepted"
    assert "merged" in commands("review", "--repo", REPO).stdout
    assert "no open pull request" in commands("review", "--repo", REPO).stderr
    done = commands("release", "1.0.0", "--repo", REPO, "--yes", "--json")
    assert (json.loads(done.stdout)["tag"], json.loads(done.stdout)["runs"]) == ("v1.0.0", 2)
    again = commands("release", "1.0.0", "--repo", REPO, "--yes")
    assert isinstance(again.exception, UsageError) and "never remade" in again.exception.hint
