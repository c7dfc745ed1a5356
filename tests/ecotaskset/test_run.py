"""One declaration of a run: every other form follows from it, and rows survive every form."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ecotaskset.errors import UsageError
from ecotaskset.load import SNAPSHOT
from ecotaskset.recipe import Recipe
from ecotaskset.run import (
    COMPONENTS,
    COST_PHASES,
    CURVES,
    SCHEMA_VERSION,
    STATUSES,
    Amount,
    Run,
    arrow_schema,
    column,
    columns,
    features,
    from_table,
    knob_settings,
    to_table,
)

AMOUNTS = st.none() | st.floats(0, 1e12)
SHARES = st.none() | st.floats(0, 1)
TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=20)
MOMENTS = st.none() | st.datetimes(
    datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc) | st.just(timezone(timedelta(hours=5)))
)


@st.composite
def rows(draw):
    """Complete rows with every kind of value, nulls included."""
    n = draw(st.integers(0, 4))
    curve = st.just([]) | st.lists(st.none() | st.floats(0, 1e6), min_size=n, max_size=n)
    return {
        "domain": draw(st.sampled_from(["cv", "nlp", "recsys"])),
        "dataset": draw(st.sampled_from(["digits", "a/b"])),
        "model": "cnn",
        "epochs": draw(st.integers(1, 100)),
        "batch_size": draw(st.integers(1, 4096)),
        "learning_rate": draw(st.floats(1e-8, 10)),
        "weight_decay": draw(st.floats(0, 1)),
        "seed": draw(st.integers(0, 2**31 - 1)),
        "knobs": draw(st.sampled_from([[], [{"phase": "training", "name": "precision", "value": "bf16"}]])),
        "n_train": draw(st.none() | st.integers(0, 2**63 - 1)),
        "status": draw(st.sampled_from(STATUSES)),
        "status_reason": draw(TEXTS),
        "flags": draw(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=2)),
        "energy_kwh": draw(AMOUNTS),
        "quality_validation": draw(SHARES),
        "collected_at": draw(MOMENTS),
        "virtualized": draw(st.none() | st.booleans()),
        **{name: draw(curve) for name in CURVES},
    }


@given(rows())
def test_json_and_parquet_give_the_row_back(row):
    run = Run.model_validate(row)
    from_json = Run.model_validate(json.loads(run.model_dump_json()))
    sink = pa.BufferOutputStream()
    pq.write_table(to_table([run]), sink)
    (from_parquet,) = from_table(pq.read_table(pa.BufferReader(sink.getvalue())))
    assert from_json == from_parquet == run
    assert from_json.content_id() == from_parquet.content_id() == run.run_id


@given(rows(), rows())
def test_ids_are_equal_exactly_when_contents_are(one, two):
    first, second = Run.model_validate(one), Run.model_validate(two)
    assert (first.run_id == second.run_id) == (
        first.model_dump(exclude={"run_id"}) == second.model_dump(exclude={"run_id"})
    )


def test_who_sends_a_run_is_not_part_of_its_id(make_run):
    assert make_run(contributor="ann", trust="reproduced").run_id == make_run().run_id


def test_the_same_moment_in_two_zones_is_one_run(make_run):
    one, two = make_run(collected_at="2026-01-01T12:00:00Z"), make_run(collected_at="2026-01-01T14:00:00+02:00")
    assert one == two and make_run(collected_at="2026-01-01T12:00:00") == one


def test_a_run_knows_its_recipe(make_run):
    recipe = Recipe.create(
        domain="cv", dataset="digits", model="cnn", seed=3, knobs={"torch_compile": True, "data_fraction": 0.3}
    )
    chosen = recipe.model_dump(exclude={"knobs"})
    run = make_run(**chosen, knobs=[k.model_dump() for k in knob_settings(recipe)])
    assert run.recipe() == recipe and run.recipe_id == recipe.recipe_id
    assert [(k.phase, k.name, k.value) for k in run.knobs] == [
        ("data", "data_fraction", "0.3"),
        ("system", "torch_compile", "true"),
    ]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"energy_kwh": -1e-9}, "energy_kwh"),
        ({"energy_kwh": math.inf}, "energy_kwh"),
        ({"energy_kwh": math.nan}, "energy_kwh"),
        ({"quality_validation": 1.1}, "quality_validation"),
        ({"domain": "speech"}, "domain"),
        ({"status": "ok"}, "status"),
        ({"gpu_energy_source": "guess"}, "gpu_energy_source"),
        ({"energy_joules": 1}, "energy_joules"),
        ({"n_train": 2**63}, "n_train"),
        ({"seed": -1}, "seed"),
        ({"curve_train_loss": ["x", 1.0]}, "curve_train_loss"),
        ({"curve_train_loss": 1.0}, "curve_train_loss"),
        ({"knobs": [{"phase": "cooking", "name": "x", "value": "y"}]}, "knobs"),
        ({"dataset": "x" * 501}, "dataset"),
        ({"collected_at": "0001-01-01T00:00:00+14:00"}, "collected_at"),
    ],
)
def test_impossible_values_are_refused_by_name(make_run, change, column):
    with pytest.raises(ValidationError) as caught:
        make_run(**change)
    assert column in str(caught.value)


def test_curves_have_one_length_and_no_nan(make_run):
    with pytest.raises(ValidationError, match="unequal lengths"):
        make_run(curve_train_loss=[1.0, 2.0, 3.0])
    run = make_run(curve_train_loss=[math.nan, math.inf])
    assert run.curve_train_loss == [None, None]


@pytest.mark.parametrize("missing", ["domain", "dataset", "model"])
def test_a_row_needs_its_task_and_model(make_run, missing):
    row = make_run().model_dump(exclude={"run_id", "recipe_id", missing})
    with pytest.raises(ValidationError, match=missing):
        Run.model_validate(row)


def test_an_imported_row_may_have_no_recipe_but_a_collected_one_may_not(make_run):
    imported = make_run(origin="imported:x", learning_rate=None)
    assert imported.recipe_id == ""
    with pytest.raises(UsageError):
        imported.recipe()
    with pytest.raises(ValidationError, match="learning_rate"):
        make_run(learning_rate=None)


class Tomorrow(Run):
    """The table after an upgrade that adds columns."""

    water_kg: Amount | None = column("energy", "cooling water", "kg", since=SCHEMA_VERSION + 1)
    tags: list[str] = column("identity", "labels", default=[], since=SCHEMA_VERSION + 1)


def test_a_column_that_is_added_changes_no_id_of_the_shipped_rows():
    tables = [pq.ParquetFile(path).read() for path in sorted(SNAPSHOT.glob("*/test-*.parquet"))]
    rows = [{k: v for k, v in row.items() if v is not None} for table in tables for row in table.to_pylist()]
    assert rows
    for row in rows:
        assert Run.model_validate(row).content_id() == row["run_id"]
        assert Tomorrow.model_validate(row).content_id() == row["run_id"]


def test_a_column_counts_in_rows_of_its_own_version_only(make_run):
    row = make_run().model_dump(exclude={"run_id"})
    later = row | {"schema_version": SCHEMA_VERSION + 1}
    assert Tomorrow(**later).run_id != Tomorrow(**later, water_kg=1.0).run_id
    with pytest.raises(ValidationError, match=f"water_kg exists since schema version {SCHEMA_VERSION + 1}"):
        Tomorrow(**row, water_kg=1.0)


# the declaration itself


def test_a_column_exists_since_a_version_there_has_been():
    assert all(1 <= info["since"] <= SCHEMA_VERSION for info in columns().values())


UNIT_SUFFIX = {
    "kWh": ("_kwh", "_kwh_per_1000"),
    "s": ("_s",),
    "ms": ("_ms",),
    "W": ("_w",),
    "kg": ("_kg",),
    "g/kWh": ("_g_per_kwh",),
    "GB": ("_gb",),
    "GFLOP/s": ("_gflops",),
    "FLOP": ("flops_per_sample",),
}
COUNTED = ("n_", "_count", "_size", "_threads", "_length", "epochs", "epoch", "epochs_run")


@pytest.mark.parametrize("name", columns())
def test_a_number_says_its_unit_in_its_name(name):
    info = columns()[name]
    kind = info["type"].value_type if pa.types.is_list(info["type"]) else info["type"]
    assert info["meaning"] and info["group"], "every column says what it means"
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        assert info["unit"] is None
        return
    unit = info["unit"]
    if unit in UNIT_SUFFIX:
        assert name.endswith(UNIT_SUFFIX[unit])
    elif unit is not None:  # a count: its name says of what
        assert any(part in name for part in (*COUNTED, "mean_length"))
    for suffixes in UNIT_SUFFIX.values():
        for suffix in suffixes:
            if name.endswith(suffix) and suffix.startswith("_"):
                assert unit is not None, f"{name} looks like it has a unit"


def test_every_energy_component_has_source_quality_and_method():
    for part in COMPONENTS:
        assert {f"{part}_energy_{end}" for end in ("kwh", "source", "quality", "method")} <= set(columns())
    assert {f"{phase}_energy_kwh" for phase in COST_PHASES} <= set(columns())


def test_arrow_schema_and_features_say_the_same():
    assert features().arrow_schema.remove_metadata().equals(arrow_schema().remove_metadata())
    assert arrow_schema().names == list(Run.model_fields)
    field = arrow_schema().field("energy_kwh")
    assert field.metadata == {b"meaning": columns()["energy_kwh"]["meaning"].encode(), b"unit": b"kWh"}


def test_unknown_is_null_never_zero():
    run = Run(domain="cv", dataset="d", model="m", origin="imported:x")
    for name, info in columns().items():
        if info["nullable"]:
            assert getattr(run, name) is None
    assert to_table([run])["energy_kwh"].to_pylist() == [None]


def test_no_column_could_hold_a_person_or_a_machine_name():
    forbidden = re.compile(r"host|user_?name|login|ip_|address|path|mac_|serial|uuid|latitude|longitude")
    assert [name for name in columns() if forbidden.search(name)] == []
