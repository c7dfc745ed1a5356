"""Our own loader: what it takes, and what it says when something does not exist."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from ecotaskset import load_dataset, load_runs
from ecotaskset.errors import UsageError
from ecotaskset.load import load_tables
from ecotaskset.run import features, to_table
from ecotaskset.snapshot import build_snapshot
from ecotaskset.store import Store


@pytest.fixture
def shipped(tmp_path, make_runs, make_run, monkeypatch):
    """A snapshot of 40 cv recipes and one of nlp, in the place of the package's."""
    runs = [*make_runs(40, seeds=1), make_run(domain="nlp", dataset="snippets")]
    build_snapshot(runs, tmp_path / "data", "1.0.0")
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path / "data")
    return runs


def test_domains_apart_and_together(shipped):
    assert sum(load_dataset("cv").num_rows.values()) == 40
    assert sum(load_dataset().num_rows.values()) == 41
    assert load_dataset("cv", split="train").features == features()


def test_all_splits_as_one_table(shipped):
    table = load_runs()
    assert sorted(table["run_id"].to_pylist()) == sorted(run.run_id for run in shipped)
    assert set(table["split"].to_pylist()) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cvv"}, "unknown domain 'cvv'; did you mean 'cv'"),
        ({"name": "imported"}, "unknown domain 'imported'"),
        ({"name": "cv", "split": "tset"}, "unknown split 'tset'; did you mean 'test'"),
        ({"name": "recsys"}, "no runs of recsys"),
    ],
)
def test_what_does_not_exist_is_named(shipped, arguments, message):
    with pytest.raises(UsageError) as caught:
        load_dataset(**arguments)
    assert message in caught.value.message and caught.value.hint


def test_without_data_the_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path / "none")
    with pytest.raises(UsageError) as caught:
        load_dataset()
    assert "no runs" in caught.value.message and "reinstall" in caught.value.hint


def test_a_store_is_one_split(tmp_path, make_runs, make_run):
    for run in (*make_runs(2, seeds=2), make_run(domain="nlp", dataset="snippets")):
        Store(tmp_path).append(run)
    assert load_dataset(store=tmp_path).num_rows == {"train": 5}
    assert load_dataset("nlp", store=tmp_path, split="train").num_rows == 1


def test_an_empty_store_loads_as_no_rows(tmp_path):
    assert load_dataset(store=tmp_path / "none", split="train").num_rows == 0


def test_imported_rows_of_a_snapshot_are_not_mixed_in(tmp_path, make_runs, make_run, monkeypatch):
    build_snapshot([*make_runs(10), make_run(origin="imported:x")], tmp_path / "data", "1.0.0")
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path / "data")
    assert set(load_runs()["origin"].to_pylist()) == {"collected"}


def test_several_files_of_a_split_are_one(tmp_path, make_runs, monkeypatch):
    monkeypatch.setattr("ecotaskset.load.SNAPSHOT", tmp_path)
    (tmp_path / "cv").mkdir()
    for number, run in enumerate(make_runs(2, seeds=1)):
        pq.write_table(to_table([run]), tmp_path / "cv" / f"train-0000{number}-of-00002.parquet")
    assert load_tables("cv")["train"].num_rows == 2


def test_a_store_joins_the_snapshot_each_recipe_in_its_own_split(shipped, tmp_path, make_runs):
    for run in (*make_runs(40, seeds=2)[1::2], *shipped[:5]):  # the second seed of every recipe
        Store(tmp_path / "mine").append(run)
    before, joined = load_tables(), load_tables(add_store=tmp_path / "mine")
    assert sum(map(len, joined.values())) == 41 + 40, "what is there already is not taken twice"
    split_by_recipe: dict[str, set[str]] = {}
    for split, table in joined.items():
        assert table.schema == before[split].schema
        for recipe in table["recipe_id"].to_pylist():
            split_by_recipe.setdefault(recipe, set()).add(split)
    assert all(len(splits) == 1 for splits in split_by_recipe.values())
    assert sum(load_dataset("nlp", add_store=tmp_path / "mine").num_rows.values()) == 1


def test_a_store_is_read_alone_or_added_not_both(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_dataset(store=tmp_path, add_store=tmp_path)
    assert "add_store" in caught.value.hint


def test_streaming_gives_the_same_rows(shipped):
    streamed = load_dataset("cv", streaming=True)
    loaded = load_dataset("cv")
    assert {k: [row["run_id"] for row in rows] for k, rows in streamed.items()} == {
        k: rows["run_id"][:] for k, rows in loaded.items()
    }
    assert next(iter(load_dataset("cv", split="test", streaming=True)))["domain"] == "cv"
