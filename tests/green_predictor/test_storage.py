"""A saved model is data, comes back exactly, and is refused when anything about it was changed."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest

from ecotaskset.errors import RefusedError
from green_predictor import domain_model, fitting, storage, targets


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


def replace_arrays(folder, **changed):
    """An edit by someone who knows the format: the hash is made to fit."""
    path = folder / storage.ARRAYS_NAME
    with np.load(path) as file:
        arrays = {k: file[k] for k in file.files} | changed
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    path.write_bytes(buffer.getvalue())
    head = json.loads((folder / storage.JSON_NAME).read_text())
    head["arrays_sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    (folder / storage.JSON_NAME).write_text(json.dumps(head))


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
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, changed):
    replace_arrays(saved, **changed)
    with pytest.raises(RefusedError):
        storage.load(saved)


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
    for key in ("family", "names", "runs", "caution"):
        broken = json.loads(json.dumps(head))
        broken["domains"]["cv"][key] = "__import__('os')"
        (saved / storage.JSON_NAME).write_text(json.dumps(broken))
        with pytest.raises(RefusedError):
            storage.load(saved)


def test_runs_come_back_as_they_were_and_columns_that_do_not_fit_are_refused(saved):
    runs = [{"model": "a", "knobs": {"width": 0.5}}, {"model": "b", "epochs": 3}, {"model": "a", "wd": float("nan")}]
    kept = json.loads(json.dumps(storage._as_columns(runs), allow_nan=False))
    assert storage._as_records(kept) == [runs[0], runs[1], {"model": "a"}]
    head = json.loads((saved / storage.JSON_NAME).read_text())
    for spoil in (lambda p: p[:1], lambda p: [-1] * len(p), lambda p: ["0"] * len(p), lambda p: [10**6] * len(p)):
        broken = json.loads(json.dumps(head))
        column = broken["domains"]["cv"]["runs"]["epochs"]
        column["places"] = spoil(column["places"])
        (saved / storage.JSON_NAME).write_text(json.dumps(broken))
        with pytest.raises(RefusedError):
            storage.load(saved)
