"""A saved model is data, comes back exactly, and is refused when anything about it was changed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from ecotaskset.errors import RefusedError
from green_predictor import domain_model, fitting, storage, stored_runs, targets
from green_predictor.told_by_runs import neighbours_of


@pytest.fixture(scope="module")
def fitted(digits):
    return fitting.fit_domains(digits, families=["linear", "boosting"])


@pytest.fixture
def saved(fitted, tmp_path):
    return storage.save(fitted, tmp_path / "model", {"snapshot": "abc"})


def test_predictions_survive_saving_bit_for_bit(fitted, saved, digits):
    loaded, facts = storage.load(saved)
    assert facts["snapshot"] == "abc" and facts["format"] == storage.FORMAT
    rows = targets.prepare(digits).rows
    one, other = fitted["cv"], loaded["cv"]
    for dataset in ("digits", None):
        before = domain_model.predict_rows(one, rows, domain_model.evidence(one, dataset))
        after = domain_model.predict_rows(other, rows, domain_model.evidence(other, dataset))
        for name in ("quality", "energy_kwh", "energy_low_kwh", "energy_high_kwh"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert other.summary["tasks"] == ["digits"] and len(other.runs) == len(one.runs)
    assert (one.rigidity == other.rigidity).all()
    for name in ("near", "tried", "better"):
        before, after = (getattr(_neighbours(model, rows), name) for model in (one, other))
        np.testing.assert_allclose(before, after, atol=2e-3)
    assert np.abs(after).max() > 0.01


def _neighbours(model, rows):
    known = domain_model.evidence(model, "digits")
    return neighbours_of(model, rows, known, domain_model.raw_predict(model, rows, known))


def replace_arrays(folder, **changed):
    """An edit by someone who knows the format: the hash is made to fit."""
    path = folder / storage.ARRAYS_NAME
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files} | changed
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    replace_content(folder, buffer.getvalue())


def replace_content(folder, content):
    (folder / storage.ARRAYS_NAME).write_bytes(content)
    head = json.loads((folder / storage.JSON_NAME).read_text())
    head["arrays_sha256"] = hashlib.sha256(content).hexdigest()
    (folder / storage.JSON_NAME).write_text(json.dumps(head))


def with_member(folder, name, raw):
    """The arrays with one member of the file replaced, or one more."""
    made = io.BytesIO()
    with zipfile.ZipFile(folder / storage.ARRAYS_NAME) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for other in old.namelist():
            if other != name:
                new.writestr(other, old.read(other))
        new.writestr(name, raw)
    return made.getvalue()


class Bomb:
    """What must never be executed by loading."""

    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def test_a_pickle_inside_is_refused_unopened(saved):
    replace_arrays(saved, **{"cv/mean": np.array([Bomb()], dtype=object)})
    with pytest.raises(RefusedError):
        storage.load(saved)
    assert not Bomb.exploded


@pytest.mark.parametrize(
    "changed",
    [
        {"cv/mean": np.zeros(3, np.float32)},
        {"cv/scale": np.full(3, np.nan, np.float32)},
        {"cv/correction.digits": np.zeros((2, 3), np.float32)},
        {"cv/family.features": np.full((1, 3), 10**6, np.int32)},
        {"cv/apart.seen": np.zeros(4, np.float32)},
        {"cv/apart.unseen": np.zeros((2, 0), np.float32)},
        {"cv/within": np.zeros(3, np.float32)},
        {"cv/rigidity": np.full(3, 1e-300)},
        {"cv/rigidity": np.ones(1)},
        {"cv/rigidity": np.full(3, -5.0)},
        {"cv/unexplained": np.zeros(3, np.float32)},
        {"cv/within_seen": np.full(3, 1e30, np.float32)},
        {"cv/quantiles.probe:x": np.zeros((2, 3))},
        {"cv/unused": np.zeros(3, np.float32)},
        {"zz/unused": np.zeros(3, np.float32)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, changed):
    replace_arrays(saved, **changed)
    with pytest.raises(RefusedError):
        storage.load(saved)


def npy(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (40000000000000,), }",  # 146 TiB
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, -4), }",
        b"{'descr': '|S64', 'fortran_order': False, 'shape': (1,), }",
        b"((((",
        b"'''",
    ],
)
def test_an_array_that_promises_what_it_does_not_hold_is_refused(saved, header):
    replace_content(saved, with_member(saved, "cv/mean.npy", npy(header)))
    with pytest.raises(RefusedError):
        storage.load(saved)


def test_arrays_that_unpack_to_more_than_a_model_are_refused_unread(saved, monkeypatch):
    bomb = with_member(saved, "zz/bomb.npy", bytes(storage.MOST_BYTES))
    assert len(bomb) < storage.MOST_BYTES / 10
    replace_content(saved, bomb)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(RefusedError, match="too large"):
        storage.load(saved)


def test_bytes_that_are_no_arrays_are_refused_though_the_hash_fits(saved):
    whole = (saved / storage.ARRAYS_NAME).read_bytes()
    flipped = [
        whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in range(40, len(whole), len(whole) // 9)
    ]
    for content in (b"PK and nothing more", whole[: len(whole) // 2], *flipped):
        replace_content(saved, content)
        with pytest.raises(RefusedError):
            storage.load(saved)


def test_who_reads_between_the_two_files_of_save_waits_for_the_second(saved, fitted, tmp_path, monkeypatch):
    other = storage.save({"cv": fitted["cv"]}, tmp_path / "other", {"snapshot": "new"})
    new = {name: (other / name).read_bytes() for name in (storage.ARRAYS_NAME, storage.JSON_NAME)}
    replace_arrays(saved)  # the same arrays packed in another way
    (saved / storage.ARRAYS_NAME).write_bytes(new[storage.ARRAYS_NAME])
    monkeypatch.setattr(
        storage.time, "sleep", lambda _: (saved / storage.JSON_NAME).write_bytes(new[storage.JSON_NAME])
    )
    assert storage.load(saved)[1]["snapshot"] == "new"


def test_a_flipped_byte_a_truncated_file_and_a_foreign_one_are_refused(saved):
    path = saved / storage.ARRAYS_NAME
    whole = path.read_bytes()
    for content in (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], whole[:-10], b"PK"):
        path.write_bytes(content)
        with pytest.raises(RefusedError, match="does not match"):
            storage.load(saved)
    path.unlink()
    with pytest.raises(RefusedError):
        storage.load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 999}', "[" * 100_000])
def test_a_broken_head_is_refused(saved, text):
    (saved / storage.JSON_NAME).write_text(text)
    with pytest.raises(RefusedError):
        storage.load(saved)


def test_the_head_needs_what_a_model_needs(saved):
    head = json.loads((saved / storage.JSON_NAME).read_text())
    changes = [{key: "__import__('os')"} for key in ("family", "names", "runs", "landmark_logit", "prices", "summary")]
    changes += [{"landmark_logit": value} for value in ("1", True, 10**400, None)]
    changes += [{"prices": [1] * 99}]
    changes += [{"summary": {"runs": 3, "tasks": ["digits"]}}]
    for changed in changes:
        broken = json.loads(json.dumps(head))
        broken["domains"]["cv"] |= changed
        (saved / storage.JSON_NAME).write_text(json.dumps(broken))
        with pytest.raises(RefusedError):
            storage.load(saved)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("dataset", None), ("dataset", [7]), ("model", [None]), ("epochs", [0]), ("epochs", ["x"]),
        ("batch_size", [-1]),
        ("quality", [1.5]), ("quality", [None]), ("energy_kwh", [-1e-6]), ("n_train", [1e999]), ("knobs", ["width"]),
        ("knobs", [{"data_fraction": "0"}]), ("quality_metric", ["\x1b[2J"]), ("host", ["mine"]),
        ("pixel_mean", [float("nan")]), ("learning_rate", [{}]),
        ("learning_rate", [0.0]), ("learning_rate", [1e300]), ("n_train", [1e40]),
    ],
)  # fmt: skip
def test_runs_that_are_no_runs_are_refused(saved, column, values):
    head = json.loads((saved / storage.JSON_NAME).read_text())
    runs = head["domains"]["cv"]["runs"]
    if values is None:
        del runs[column]
    else:
        runs[column] = {"values": values, "places": [0] * len(runs["model"]["places"])}
    (saved / storage.JSON_NAME).write_text(json.dumps(head))
    with pytest.raises(RefusedError):
        storage.load(saved)


def test_runs_come_back_as_they_were_and_columns_that_do_not_fit_are_refused(saved):
    run = {"model": "a", "dataset": "d", "epochs": 3, "batch_size": 8, "quality": 0.0}
    runs = [{**run, "knobs": {"width": 0.5}}, {**run, "seed": 3}, {**run, "pixel_mean": float("nan")}]
    kept = json.loads(json.dumps(stored_runs.as_columns(runs), allow_nan=False))
    assert stored_runs.as_records(kept) == [runs[0], runs[1], run]
    head = json.loads((saved / storage.JSON_NAME).read_text())
    for spoil in (lambda p: p[:1], lambda p: [-1] * len(p), lambda p: ["0"] * len(p), lambda p: [10**6] * len(p)):
        broken = json.loads(json.dumps(head))
        column = broken["domains"]["cv"]["runs"]["epochs"]
        column["places"] = spoil(column["places"])
        (saved / storage.JSON_NAME).write_text(json.dumps(broken))
        with pytest.raises(RefusedError):
            storage.load(saved)
