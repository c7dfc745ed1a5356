"""A snapshot is a function of its runs, keeps recipes whole, and loads by every spelling we promise."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ecotaskset import snapshot
from ecotaskset.errors import UsageError
from ecotaskset.load import load_tables
from ecotaskset.run import arrow_schema, to_table

ROOT = Path(__file__).parents[2]


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository root with a copy of the package, without its data."""
    root = tmp_path / "checkout"
    shutil.copytree(
        ROOT / "ecotaskset", root / "ecotaskset", ignore=shutil.ignore_patterns("__pycache__", "data", "README.md")
    )
    return root


def test_same_runs_in_any_order_give_the_same_bytes(tmp_path, make_runs):
    runs = make_runs(12)
    snapshot.build_snapshot(runs, tmp_path / "a" / "data", "1.0.0")
    random.Random(0).shuffle(runs)
    snapshot.build_snapshot(runs + runs[:5], tmp_path / "b" / "data", "1.0.0")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_all_runs_are_in_it_once_and_no_recipe_is_in_two_splits(tmp_path, make_runs):
    runs = make_runs(60)
    manifest = snapshot.build_snapshot(runs, tmp_path / "data", "1.0.0")
    pairs = [
        (row["run_id"], row["recipe_id"], Path(file["path"]).name.split("-")[0])
        for file in manifest["files"]
        for row in pq.read_table(tmp_path / "data" / file["path"]).to_pylist()
    ]
    assert sorted(run for run, _, _ in pairs) == sorted(run.run_id for run in runs)
    assert {split for _, _, split in pairs} == {"train", "validation", "test"}
    assert snapshot.leaks((recipe, split) for _, recipe, split in pairs) == []
    assert snapshot.changed_files(tmp_path / "data") == []


def test_leaks_are_found():
    assert snapshot.leaks([("a", "train"), ("b", "test"), ("a", "test"), ("", "train"), ("", "test")]) == ["a"]


def test_splits_are_eighty_ten_ten(make_run):
    run = make_run()
    splits = Counter(snapshot.split_of(run.model_copy(update={"recipe_id": f"{i:016x}"})) for i in range(5000))
    # 5 standard deviations of a binomial of 5,000 at 0.1 are 106
    assert abs(splits["test"] - 500) < 106 and abs(splits["validation"] - 500) < 106


def test_a_recipe_keeps_its_split_when_the_dataset_grows(tmp_path, make_runs):
    def where(count: int) -> dict[str, str]:
        folder = tmp_path / str(count) / "data"
        snapshot.build_snapshot(make_runs(count, seeds=1), folder, "1.0.0")
        tables = snapshot_tables(folder)
        return {recipe: split for split, table in tables.items() for recipe in table["recipe_id"].to_pylist()}

    small, large = where(10), where(40)
    assert small.items() <= large.items()


def snapshot_tables(folder: Path) -> dict:
    return {p.name.split("-")[0]: pq.read_table(p) for p in sorted(folder.glob("cv/*.parquet"))}


def test_a_smaller_rebuild_leaves_no_old_rows(tmp_path, make_runs, make_run):
    folder = tmp_path / "data"
    snapshot.build_snapshot([*make_runs(40), make_run(domain="nlp")], folder, "1.0.0")
    manifest = snapshot.build_snapshot(make_runs(1, seeds=1), folder, "1.0.1")
    kept = {str(p.relative_to(folder)) for p in folder.rglob("*.parquet")}
    assert kept == {file["path"] for file in manifest["files"]} and len(kept) == 1


def test_imported_rows_have_their_own_config(tmp_path, make_run):
    rows = [make_run(), make_run(origin="imported:zeus", recipe_id="0" * 16)]
    manifest = snapshot.build_snapshot(rows, tmp_path / "data", "1.0.0")
    assert {f["path"].split("/")[0]: f["rows"] for f in manifest["files"]} == {"cv": 1, "imported": 1}


def test_trust_says_who_stands_behind_a_row(make_run):
    data = {"dataset_revision": "fdb9a26e42733a56"}
    rows = [
        make_run(contributor="ann", **data),
        make_run(contributor="bob", seed=1, **data),
        make_run(contributor="ann", epochs=3, **data),
        make_run(origin="imported:zeus"),
    ]
    assert [r.trust for r in snapshot.with_trust(rows)] == ["reproduced", "reproduced", "self_reported", "imported"]


def test_damage_shows_against_the_manifest(tmp_path, make_runs):
    folder = tmp_path / "data"
    snapshot.build_snapshot(make_runs(30), folder, "1.0.0")
    train, test = (folder / "cv" / f"{s}-00000-of-00001.parquet" for s in ("train", "test"))
    train.write_bytes(train.read_bytes()[:-1])
    test.unlink()
    assert [line.split(": ")[1] for line in snapshot.changed_files(folder)] == [
        "content differs from the manifest",
        "missing",
    ]


def test_the_readme_keeps_its_text_and_other_front_matter(tmp_path, make_runs):
    readme = tmp_path / "README.md"
    readme.write_text("---\nlicense: cc-by-4.0\nconfigs:\n- config_name: old\n  x: 1\ntags:\n- energy\n---\n# Mine\n")
    for version in ("1.0.0", "1.1.0"):
        snapshot.build_snapshot(make_runs(30), tmp_path / "data", version)
    text = readme.read_text()
    assert text.startswith("---\nlicense: cc-by-4.0\ntags:\n- energy\nconfigs:\n- config_name: cv\n")
    assert text.endswith("---\n# Mine\n") and text.count("configs:") == 1
    assert "version: 1.1.0" in text and "1.0.0" not in text and "old" not in text


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["files"][0].update(path="../../etc/passwd"),
        lambda m: m["files"][0].update(path="cv/train-00000-of-00001.parquet/../x"),
        lambda m: m["files"][0].pop("sha256"),
        lambda m: m["files"][0].update(rows="1"),
        lambda m: m.update(version="1.0.0\n- config_name: evil"),
        lambda m: m.update(files={}),
        lambda m: m["files"].append("x"),
    ],
)
def test_a_strange_manifest_leads_nowhere(tmp_path, make_runs, change):
    manifest = snapshot.build_snapshot(make_runs(1), tmp_path / "data", "1.0.0")
    change(manifest)
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest))
    for use in (snapshot.read_manifest, snapshot.changed_files, snapshot.configs_yaml):
        with pytest.raises(UsageError, match="not a manifest"):
            use(tmp_path / "data")


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0rc1", ""])
def test_a_version_must_have_three_numbers(tmp_path, make_runs, version):
    with pytest.raises(UsageError, match=r"X\.Y\.Z"):
        snapshot.build_snapshot(make_runs(1), tmp_path / "data", version)
    assert not (tmp_path / "data").exists()


def test_nothing_to_build_from(tmp_path):
    with pytest.raises(UsageError, match="no runs"):
        snapshot.build_snapshot([], tmp_path / "data", "1.0.0")


def test_load_dataset_in_the_repository_root(checkout, make_runs, make_run, python):
    rows = [*make_runs(40), make_run(domain="nlp", dataset="snippets", model="gru")]
    snapshot.build_snapshot(rows, checkout / "ecotaskset" / "data", "1.0.0")
    code = (
        "import json; from datasets import load_dataset; from ecotaskset.run import features\n"
        "found = {name: load_dataset('ecotaskset', *name.split()) for name in ('', 'cv', 'nlp')}\n"
        "assert all(part.features == features() for splits in found.values() for part in splits.values())\n"
        "print(json.dumps({name: splits.num_rows for name, splits in found.items()}))"
    )
    found = json.loads(python(code, cwd=checkout, path=checkout).stdout)
    assert found[""] == found["cv"] and sum(found["cv"].values()) == 120
    assert set(found["cv"]) == {"train", "validation", "test"}
    # nlp has one recipe only, so two of its splits are empty: still loadable
    assert list(found["nlp"].values()) == [1]


def test_two_releases_with_one_cache_never_mix(checkout, make_runs, python, tmp_path):
    code = (
        "import datasets; d = datasets.load_dataset('ecotaskset', split='train');"
        "print(d.info.version, sorted(set(d['quality_validation'])))"
    )
    answers = []
    for version, quality in (("1.0.0", 0.1), ("2.0.0", 0.2), ("2.0.0", 0.3)):  # the last: rebuilt, same version
        rows = make_runs(8, quality_validation=quality)
        snapshot.build_snapshot(rows, checkout / "ecotaskset" / "data", version)
        answers.append(python(code, cwd=checkout, path=checkout, cache=tmp_path / "cache").stdout.strip())
    assert answers == ["1.0.0 [0.1]", "2.0.0 [0.2]", "2.0.0 [0.3]"]


def test_our_loader_works_from_any_directory(checkout, make_runs, python, tmp_path):
    snapshot.build_snapshot(make_runs(40), checkout / "ecotaskset" / "data", "1.0.0")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import json, ecotaskset; print(json.dumps(ecotaskset.load_dataset('cv').num_rows));"
        "assert ecotaskset.load_dataset('cv', split='test').num_rows;"
    )
    assert sum(json.loads(python(code, cwd=elsewhere, path=checkout).stdout).values()) == 120


def test_a_split_without_rows_is_named_as_missing(checkout, make_run, monkeypatch):
    snapshot.build_snapshot([make_run()], checkout / "ecotaskset" / "data", "1.0.0")
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", checkout / "ecotaskset" / "data")
    (table,) = load_tables("cv").values()
    assert table.schema == arrow_schema()
    with pytest.raises(UsageError, match=r"reinstall|no runs"):
        load_tables("recsys")


def test_no_module_of_the_package_breaks_its_directory_as_a_dataset():
    assert not (ROOT / "ecotaskset" / "ecotaskset.py").exists()


def test_releases_of_other_versions_of_the_columns(tmp_path, make_run, monkeypatch):
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path)
    path = tmp_path / "cv" / "train-00000-of-00001.parquet"
    path.parent.mkdir()
    table = to_table([make_run()])
    pq.write_table(table.drop_columns(["landmark_quality", "knobs"]), path)
    older = load_tables("cv")["train"]
    assert older.schema == arrow_schema() and older["landmark_quality"].to_pylist() == [None]
    pq.write_table(table.append_column("from_the_future", [[1]]), path)
    with pytest.raises(UsageError, match="from_the_future"):
        load_tables("cv")


def test_tables_load_without_pandas_and_datasets(checkout, make_runs, python):
    snapshot.build_snapshot(make_runs(10), checkout / "ecotaskset" / "data", "1.0.0")
    code = (
        "import sys; from ecotaskset.load import load_tables; assert load_tables('cv')\n"
        "heavy = {'pandas', 'datasets', 'huggingface_hub', 'torch'} & set(sys.modules); assert not heavy, heavy"
    )
    python(code, cwd=checkout.parent, path=checkout)
