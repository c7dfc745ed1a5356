"""Publishing and loading back, against a real Hub server on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement

from ecotaskset.console import Output
from ecotaskset.errors import HubError, RefusedError, UsageError
from green_predictor import GreenPredictor, recommend, storage
from green_predictor.hub import fetch_model, publish, publish_space
from green_predictor.publish_command import publish_command

HUB_TESTS = Path(__file__).parent.parent / "hub"
sys.path.insert(0, str(HUB_TESTS))
_spec = importlib.util.spec_from_file_location("hub_fixtures", HUB_TESTS / "conftest.py")
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)
_server, hub, go_offline = _fixtures._server, _fixtures.hub, _fixtures.go_offline

REPO = "lab/green"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(digits, tmp_path_factory):
    green = GreenPredictor(families=["linear", "kernel"]).fit(digits)
    return green.save(tmp_path_factory.mktemp("model"), snapshot="abc")


@pytest.fixture
def owner(hub):
    return hub.add_user("ada", orgs=("lab",))


def test_published_and_loaded_back_it_recommends_the_same(hub, owner, folder, go_offline):
    done = publish(REPO, folder, tag="v1.0.0", token=owner.token)
    assert set(done.files) == {"model.json", "model.npz", "README.md"} and done.commit
    asked = {"domain": "cv", "dataset": "digits", "prefer": {"energy": 0.5}}
    before = GreenPredictor.load(folder).recommend(**asked)
    loaded = GreenPredictor.from_pretrained(REPO, revision="v1.0.0")
    assert loaded.recommend(**asked).to_dict() == before.to_dict()
    go_offline()
    assert GreenPredictor.from_pretrained(REPO, revision="v1.0.0").recommend(**asked).command == before.command


def test_the_card_says_what_it_was_fitted_on_and_how_good_it_is(hub, owner, folder):
    figures = {"energy_saved_mean": 0.41, "quality_kept_mean": 0.993, "n_tasks": 7}
    publish(
        REPO, folder, token=owner.token, evaluation={"protocols": {"leave_one_dataset_out": figures}}, dataset="a/b"
    )
    card = (fetch_model(REPO) / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0") and "- a/b" in card
    assert "`abc`" in card and "41%" in card and "99.3%" in card and "leave one dataset out: 7" in card


def test_a_maliciously_edited_model_is_refused(hub, owner, folder, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    for name in ("model.json", "model.npz"):
        (bad / name).write_bytes((folder / name).read_bytes())
    head = json.loads((bad / "model.json").read_text())
    head["domains"]["cv"]["names"][0] = "__class__"
    (bad / "model.json").write_text(json.dumps(head))
    with pytest.raises(RefusedError):
        publish(REPO, bad, token=owner.token)
    publish(REPO, folder, token=owner.token)
    sent = Path(fetch_model(REPO)) / "model.npz"
    real = sent.resolve()
    real.chmod(0o644)
    content = bytearray(real.read_bytes())
    content[-30] ^= 0xFF
    real.write_bytes(bytes(content))
    with pytest.raises(RefusedError, match="does not match"):
        GreenPredictor.from_pretrained(REPO)


def test_a_model_of_another_format_is_refused(folder, tmp_path):
    head = json.loads((folder / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**head, "format": storage.FORMAT + 1}))
    (tmp_path / "model.npz").write_bytes((folder / "model.npz").read_bytes())
    with pytest.raises(RefusedError, match="format"):
        GreenPredictor.from_pretrained(tmp_path)


def test_a_dry_run_sends_nothing_and_wrong_names_and_rights_are_said(hub, owner, folder):
    assert publish(REPO, folder, dry_run=True).commit is None
    assert not any(entry.method == "POST" for entry in hub.faults.log)
    with pytest.raises(UsageError, match="owner/name"):
        publish("nowhere", folder)
    with pytest.raises(HubError, match="may not write"):
        publish("others/green", folder, token=owner.token)
    with pytest.raises(HubError, match="no Hub token"):
        publish(REPO, folder)
    with pytest.raises(HubError):
        GreenPredictor.from_pretrained("lab/none")
    with pytest.raises(RefusedError):
        GreenPredictor.from_pretrained("no model here")


def test_the_published_page_starts_from_what_is_in_its_repository_alone(hub, owner, tmp_path, monkeypatch):
    from huggingface_hub import HfApi, snapshot_download

    would = publish_space("lab/page", dry_run=True)
    done = publish_space("lab/page", token=owner.token)
    assert done.commit and done.files == would.files
    assert not any("__pycache__" in name for name in done.files)
    assert set(HfApi().list_repo_files("lab/page", repo_type="space")) >= set(done.files)
    folder = Path(snapshot_download("lab/page", repo_type="space"))
    card = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    assert card["sdk"] == "gradio" and (folder / card["app_file"]).is_file()
    wanted = {Requirement(line).name for line in (folder / "requirements.txt").read_text().splitlines()}
    assert {"gradio", "plotly", "scikit-learn"} <= wanted and not {"torch", "ray", "pytest"} & wanted
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outside = "import sys, runpy; sys.path = [p for p in sys.path if p != sys.argv[2]]; sys.path.insert(0, '.'); "
    page = subprocess.Popen(
        [sys.executable, "-c", outside + "runpy.run_path('app.py', run_name='__main__')", "", str(ROOT)],
        cwd=folder,
        env={**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)},
    )
    try:
        answer = _wait_for(f"http://127.0.0.1:{port}/", page)
    finally:
        page.terminate()
        page.wait(30)
    assert "GREEN" in answer


def _wait_for(address: str, page: subprocess.Popen, seconds: float = 120) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until and page.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as reply:
            return reply.read().decode()
        time.sleep(0.2)
    raise AssertionError(f"the page did not answer (exit code {page.poll()})")


def test_a_published_model_is_asked_by_name_and_version(hub, owner, folder, go_offline):
    publish(REPO, folder, tag="v1.0.0", token=owner.token)
    asked = {"domain": "cv", "dataset": "digits", "prefer": {"energy": 0.5}}
    expected = GreenPredictor.load(folder).recommend(**asked)
    assert recommend(**asked, data=f"model:{REPO}").to_dict() == expected.to_dict()
    words = ("--domain", "cv", "--dataset", "digits", "--prefer", "energy=0.5", "-q")
    command = [Path(sys.executable).parent / "green-recommend", *words, "--data", f"model:{REPO}@v1.0.0"]
    assert subprocess.run(command, capture_output=True, text=True).stdout == expected.command + "\n"
    go_offline()
    assert recommend(**asked, data=f"model:{REPO}@v1.0.0").command == expected.command
    done = subprocess.run([*command[:-1], f"model:{REPO}@v9.9.9"], capture_output=True, text=True)
    assert done.returncode == 6 and "v9.9.9" in done.stderr
    with pytest.raises(UsageError, match="owner/name"):
        recommend(**asked, data="model:nowhere")


def test_a_model_that_is_too_large_is_refused_before_it_is_downloaded(hub, owner, folder, monkeypatch):
    publish(REPO, folder, token=owner.token)
    monkeypatch.setattr(storage, "MOST_BYTES", (folder / "model.npz").stat().st_size - 1)
    with pytest.raises(RefusedError, match=r"model\.\w+ of lab/green is too large"):
        fetch_model(REPO)
    assert not any("/resolve/" in entry.path for entry in hub.faults.log)


@pytest.mark.parametrize(
    "given", [{"tag": "v1.0.0"}, {"folder": Path("m")}, {"evaluation": Path("e")}, {"dataset": "a/b"}]
)
def test_the_page_is_published_as_it_is(given):
    asked = {"folder": None, "evaluation": None, "dataset": None, "tag": None, **given}
    with pytest.raises(UsageError, match="cannot be used with --space"):
        publish_command(Output(quiet=True), "lab/page", **asked, space=True, dry_run=True)


def test_update_learns_from_old_and_new_runs_and_a_loaded_model_says_it_cannot(digits, folder):
    green = GreenPredictor(families=["linear"]).fit(digits[:20])
    rows = [r for r in digits if r["run_id"] not in {k["run_id"] for k in digits[:20]}]
    green.update([*rows, *digits[:5]])
    assert len(green.runs_) == len(digits)
    whole = GreenPredictor(families=["linear"]).fit([*digits[:20], *rows])
    np.testing.assert_allclose(green.predict(digits)["energy_kwh"], whole.predict(digits)["energy_kwh"])
    with pytest.raises(UsageError, match="no runs to add to"):
        GreenPredictor.load(folder).update(rows)


def test_the_estimator_follows_scikit_learns_rules(digits):
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError

    green = clone(GreenPredictor(energy="all", families=["linear"], random_state=3))
    assert green.get_params() == {"energy": "all", "families": ["linear"], "random_state": 3}
    with pytest.raises(NotFittedError):
        green.predict(digits)
    made = green.fit(digits).predict(digits)
    assert len(made) == len(digits) and (made["energy_low_kwh"] <= made["energy_high_kwh"]).all()
    curve = green.predict_curve(digits[0])
    assert list(curve["epoch"]) == list(range(1, digits[0]["epochs"] + 1))
