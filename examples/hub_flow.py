"""Try the whole Hub flow on your machine: no account, no network, about a minute.

    python examples/hub_flow.py

A small Hub is started on 127.0.0.1, and everything else is the real thing: commands, client library, trainings.

1. a maintainer collects some runs and releases version 1.0.0;
2. two contributors train at the same time and push at the same time;
3. somebody sends a run that cannot have happened;
4. the maintainer reviews: two pull requests are merged, one is refused with the reason; version 1.1.0 is released;
5. a fresh process, with an empty cache, loads both versions by their tags;
6. the predictor is fitted on version 1.1.0 and published; a fresh process loads it by its name and asks what to train;
7. one contributor repeats the other's run; in version 1.2.0 that recipe is `reproduced`.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "hub")]

os.environ["HF_HUB_DISABLE_XET"] = "1"  # the small Hub has no such storage; read when the client is imported

from loopback_hub import LoopbackHub, User  # noqa: E402

REPO = "green/ecotaskset"
COLLECT = (sys.executable, "-m", "collectors")
MAINTAIN = (sys.executable, "-m", "collectors.hub_commands")
PREDICT = (sys.executable, "-c", "from green_predictor.cli import main; main()")
SHOWN = {COLLECT: "green-collect", MAINTAIN: "green-collect", PREDICT: "green-predictor"}
MODEL = "green/green-predictor"
TRAIN = ("--domain", "cv", "--dataset", "digits", "--model", "mlp", "--epochs", "2")

FEW_RUNS = {
    "name": "few-runs",
    "designs": [{"grid": {"learning_rate": [0.0005, 0.001, 0.002, 0.004], "epochs": [1, 2, 3]}}],
    "defaults": {"domain": "cv", "dataset": "digits", "model": "mlp"},
}
RECOMMEND = """
import json, sys
from green_predictor import GreenPredictor
answer = GreenPredictor.from_pretrained(sys.argv[1], revision=sys.argv[2]).recommend(
    domain="cv", dataset="digits", prefer={"energy": 0.5})
print(json.dumps({"verdict": answer.verdict, "command": answer.command}))
"""

LOAD = """
import json, sys
from datasets import load_dataset
from ecotaskset import load_dataset as ours
found = {}
for tag in sys.argv[2:]:
    rows = [row for split in load_dataset(sys.argv[1], "cv", revision=tag).values() for row in split]
    again = sum(len(split) for split in ours("cv", repo=sys.argv[1], revision=tag).values())
    assert again == len(rows)
    keep = ("run_id", "contributor", "trust", "learning_rate")
    found[tag] = sorted(({k: row[k] for k in keep} for row in rows), key=lambda row: row["run_id"])
print(json.dumps(found))
"""


class Person:
    """Somebody with an account, a store of runs and a cache of their own."""

    def __init__(self, hub: LoopbackHub, folder: Path, user: User) -> None:
        self.name, self.token, self.folder = user.name, user.token, folder / user.name
        self.folder.mkdir(parents=True)
        self.environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(self.folder / "hf"),
            "HF_TOKEN": user.token,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "ECOTASKSET_REPO": REPO,
            "ECOTASKSET_STORE": str(self.folder / "store"),
            "ECOTASKSET_CACHE": str(folder / "prepared-data"),
        }

    def start(self, command: tuple[str, ...], *words: str) -> subprocess.Popen[str]:
        """Run a command in the background; its talk goes to the screen."""
        print(f"\n{self.name} $ {SHOWN[command]} {shlex.join(words)}", flush=True)
        return subprocess.Popen(
            [*command, *words], env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, text=True
        )

    def run(self, command: tuple[str, ...], *words: str) -> str:
        """Run a command to its end and show its result."""
        return finish(self.start(command, *words))


def finish(process: subprocess.Popen[str]) -> str:
    """Wait, show what came out, and stop everything if it failed."""
    output, _ = process.communicate()
    print(output.rstrip(), flush=True)
    if process.returncode:
        raise SystemExit(f"the command before failed with exit code {process.returncode}")
    return output


def load_fresh(hub: LoopbackHub, folder: Path, name: str, *tags: str) -> dict[str, list[dict[str, Any]]]:
    """What a process with an empty cache and no account gets, by tag."""
    reader = Person(hub, folder, User(name, ""))
    del reader.environment["HF_TOKEN"]
    print(f'\n{name} $ python -c \'load_dataset("{REPO}", "cv", revision=…)\'   # {", ".join(tags)}', flush=True)
    command = [sys.executable, "-c", LOAD, REPO, *tags]
    done = subprocess.run(
        command, env=reader.environment, cwd=reader.folder, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    for tag, rows in found.items():
        counts = Counter(f"{row['contributor']} ({row['trust']})" for row in rows)
        print(f"{tag}: {len(rows)} runs, " + ", ".join(f"{count} of {whom}" for whom, count in counts.items()))
    return found


def recommend_fresh(hub: LoopbackHub, folder: Path, name: str, tag: str) -> dict[str, str]:
    """What a process with an empty cache and no account is told to train by the published predictor."""
    reader = Person(hub, folder, User(name, ""))
    del reader.environment["HF_TOKEN"]
    print(
        f'\n{name} $ python -c \'GreenPredictor.from_pretrained("{MODEL}", revision="{tag}").recommend(…)\'', flush=True
    )
    command = [sys.executable, "-c", RECOMMEND, MODEL, tag]
    done = subprocess.run(
        command, env=reader.environment, cwd=reader.folder, check=True, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    print(found["verdict"], found["command"], sep="\n")
    return found


def send_impossible_run(hub: LoopbackHub, liar: Person, honest: Person) -> None:
    """Take an honest run, make it a thousand times cheaper to brag, keep all hashes right, send it by hand."""
    from huggingface_hub import CommitOperationAdd, HfApi

    from ecotaskset.hub import pack
    from ecotaskset.run import Run
    from ecotaskset.store import Store

    row = Store(honest.folder / "store").runs()[0].model_dump(exclude={"run_id", "contributor", "trust"})
    lie = Run.model_validate(row | {"energy_kwh": row["energy_kwh"] / 1000, "quality_test": 1.0})
    packed = pack([lie], liar.name)
    print(f"\n{liar.name} sends a run that claims a thousandth of the energy", flush=True)
    HfApi(endpoint=hub.url, token=liar.token).create_commit(
        REPO,
        [
            CommitOperationAdd(packed.data_path, packed.parquet),
            CommitOperationAdd(packed.manifest_path, packed.manifest),
        ],
        commit_message=packed.title,
        repo_type="dataset",
        create_pr=True,
    )


def flow(folder: Path, *, reproduce: bool = True) -> dict[str, Any]:
    """The whole story, or the part before the repetition; returns what it led to."""
    with LoopbackHub() as hub:
        hub.add_repo(REPO)
        boss = Person(hub, folder, hub.add_user("maintainer", orgs=("green",)))
        ada, eve, liar = (Person(hub, folder, hub.add_user(name)) for name in ("ada", "eve", "mallory"))

        campaign = folder / "few-runs.yaml"
        campaign.write_text(json.dumps(FEW_RUNS), encoding="utf-8")
        boss.run(COLLECT, "--campaign", str(campaign), "--quiet")
        boss.run(COLLECT, "--push", "--yes")
        boss.run(MAINTAIN, "release", "1.0.0", "--yes")

        both = [
            ada.start(COLLECT, *TRAIN, "--learning-rate", "0.003", "--push", "--yes", "--quiet"),
            eve.start(COLLECT, *TRAIN, "--learning-rate", "0.01", "--push", "--yes", "--quiet"),
        ]
        pushed = [finish(process).split() for process in both]
        send_impossible_run(hub, liar, ada)

        reviews = json.loads(boss.run(MAINTAIN, "review", "--json"))
        boss.run(MAINTAIN, "release", "1.1.0", "--yes")
        first = load_fresh(hub, folder, "reader", "v1.0.0", "v1.1.0")
        boss.run(PREDICT, "fit", "--data", f"{REPO}@v1.1.0", "--output", "model")
        boss.run(PREDICT, "publish", "--repo", MODEL, "--model", "model", "--dataset", REPO, "--tag", "v1.1.0")
        advice = recommend_fresh(hub, folder, "trainer", "v1.1.0")
        told = {"pushed": pushed, "reviews": reviews, "first": first, "advice": advice}
        if not reproduce:
            return told

        of_ada = next(row["run_id"] for row in first["v1.1.0"] if row["contributor"] == "ada")
        eve.run(COLLECT, "--reproduce", of_ada)
        eve.run(COLLECT, "--push", "--yes")
        again = json.loads(boss.run(MAINTAIN, "review", "--json"))
        boss.run(MAINTAIN, "release", "1.2.0", "--yes")
        second = load_fresh(hub, folder, "reader2", "v1.1.0", "v1.2.0")
        print("\n" + hub.repo(REPO).resolve("v1.2.0").files["CHANGELOG.md"].data.decode())
    return told | {"again": again, "second": second}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="an empty folder for stores and caches, kept afterwards")
    asked = parser.parse_args()
    if asked.keep:
        flow(asked.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="hub-flow-") as folder:
            flow(Path(folder))


if __name__ == "__main__":
    main()
