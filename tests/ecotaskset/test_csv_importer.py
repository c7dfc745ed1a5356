"""The csv importer: any table through a small mapping file, with units, overhead and provenance."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotaskset.errors import RefusedError, UsageError
from ecotaskset.importers import import_folder
from ecotaskset.importers.units import FACTORS, factor
from ecotaskset.run import columns

MAPPING = {
    "source": {"name": "mylab", "licence": "CC-BY-4.0", "meter": "accelerator only, NVML counter"},
    "constants": {
        "domain": "cv",
        "dataset": "cifar10",
        "gpu_energy_source": "nvml_counter",
        "gpu_energy_quality": "measured",
    },
    "columns": {
        "model": "net",
        "epochs": "n",
        "gpu_energy_kwh": {"column": "joules", "unit": "J", "divide": 1.5},
        "energy_kwh": {"column": "joules", "unit": "J", "divide": 1.5},
        "duration_s": {"column": "hours", "unit": "h"},
        "quality_validation": {"column": "acc", "unit": "percent"},
        "pretrained": "pre",
    },
    "knobs": {"precision": "dtype"},
}
TABLE = "net,n,joules,hours,acc,pre,dtype,note\nresnet,10,5400000,0.5,91.5,yes,bf16,hello\nvgg,5,,,,no,fp32,\n"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def mapping_file(tmp_path, mapping, suffix=".json"):
    path = tmp_path / f"mapping{suffix}"
    path.write_text(json.dumps(mapping))  # JSON is YAML too
    return path


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_units_overhead_knobs_and_unknowns(table, tmp_path, suffix):
    ledger = import_folder("csv", table, mapping=mapping_file(tmp_path, MAPPING, suffix))
    first, second = ledger.runs
    assert first.energy_kwh == pytest.approx(1.0) and first.energy_measured_kwh == pytest.approx(1.0)
    assert (first.duration_s, first.quality_validation, first.epochs) == (1800, pytest.approx(0.915), 10)
    assert [(k.phase, k.name, k.value) for k in first.knobs] == [("training", "precision", "bf16")]
    assert (first.pretrained, second.pretrained) == (True, False)
    assert first.gpu_energy_method == "accelerator only, NVML counter" and first.license == "CC-BY-4.0"
    assert first.cpu_energy_quality == "missing"
    # unknown is null, never 0; a knob at its default is no knob
    assert second.energy_kwh is None and second.gpu_energy_quality == "missing" and second.knobs == []
    assert ledger.lost() == {} and "left out" in ledger.to_dict()["files"]["table.csv"]["columns"]["note"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is of Python 3.11")
def test_the_documented_toml_example_works(tmp_path):
    from ecotaskset.importers import csv_mapping

    block = csv_mapping.__doc__.split("in TOML::\n")[1].split("\nRules:")[0]
    (tmp_path / "m.toml").write_text("\n".join(line[4:] for line in block.splitlines()))
    (tmp_path / "t.csv").write_text("network,n_epochs,joules,hours,acc,dtype\nresnet,3,5724000,1,50,bf16\n")
    (run,) = import_folder("csv", tmp_path / "t.csv", mapping=tmp_path / "m.toml").runs
    assert run.energy_kwh == pytest.approx(1.0) and run.energy_measured_kwh == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("resnet,ten,1,1,50,no,bf16,", "n: 'ten' is not a number"),
        ("resnet,10.5,1,1,50,no,bf16,", "epochs"),
        ("resnet,10,1,1,150,no,bf16,", "quality_validation"),
        ("resnet,10,-1,1,50,no,bf16,", "energy_kwh"),
        ("resnet,10,1,1,50,perhaps,bf16,", "not yes or no"),
        ("resnet,10,1,1,50,no,bf17,", "precision=bf17"),
        (",10,1,1,50,no,bf16,", "model"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_rest_kept(table, tmp_path, row, reason):
    table.write_text(TABLE + row + "\n")
    ledger = import_folder("csv", table, mapping=mapping_file(tmp_path, MAPPING))
    (refused,) = ledger.to_dict()["files"]["table.csv"]["refused"]
    assert reason in refused["reason"] and refused["first_lines"] == [4]
    assert len(ledger.runs) == 2 and ledger.lost() == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["columns"].update(enery_kwh="joules"), "did you mean 'energy_kwh'"),
        (lambda m: m["columns"].update(run_id="net"), "unknown column"),
        (lambda m: m["columns"].update(energy_kwh={"column": "joules", "unit": "BTU"}), "unit of 'energy_kwh' 'BTU'"),
        (lambda m: m["columns"].update(duration_s={"column": "hours", "unit": "J"}), "unit of 'duration_s' 'J'"),
        (lambda m: m["columns"].update(energy_kwh={"column": "joules", "divide": 0}), "not a positive number"),
        (lambda m: m["columns"].update(energy_kwh={"col": "joules"}), "does not name a column"),
        (lambda m: m["columns"].update(epochs="epoch_count"), "has no column epoch_count"),
        (lambda m: m["columns"].pop("model"), "nothing gives 'model'"),
        (lambda m: m["source"].pop("licence"), "no licence"),
        (lambda m: m["knobs"].update(precison="dtype"), "did you mean 'precision'"),
        (lambda m: m.update(colums={}), "did you mean 'columns'"),
        (lambda m: m["columns"].update(energy_kwh="joules"), "'energy_kwh' does not say the unit of 'joules'"),
        (lambda m: m["columns"].update(gpu_energy_kwh={"column": "joules"}), "does not say the unit"),
        (lambda m: m["columns"].update(idle_power_w="joules"), "does not say the unit"),
        (lambda m: m["columns"].update(duration_s="hours"), "does not say the unit"),
        (lambda m: m["columns"].update(inference_latency_p50_ms="hours"), "does not say the unit"),
        (lambda m: m["columns"].update(duration_s={"column": "hours", "unit": ["h"]}), "unit of 'duration_s'"),
        (lambda m: m["knobs"].update(precision=3), "'precision' does not name a column"),
        (lambda m: m["source"].update(version=3), "[source] version is not text"),
        (lambda m: m["source"].update(citation=None), "[source] citation is not text"),
    ],
)
def test_a_wrong_mapping_names_the_culprit(table, tmp_path, change, message):
    mapping = json.loads(json.dumps(MAPPING))
    change(mapping)
    with pytest.raises(UsageError) as caught:
        import_folder("csv", table, mapping=mapping_file(tmp_path, mapping))
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1: {a: b}\ncolums: {a: b}", "unknown table in m.yaml"),
        ("1: {a: b}", "unknown table in m.yaml '1'"),
        ("columns: {1: net, energy_kwh: {column: joules, unit: J}}", "unknown column in m.yaml '1'"),
        ("columns: {model: net, energy_kwh: {column: joules, 1: J, x: y}}", "setting of 'energy_kwh'"),
        ("knobs: {1: dtype}", "unknown knob '1'"),
        ("source: {name: mylab, licence: x, meter: y, version: 2026-03-01}", "[source] version is not text"),
    ],
)
def test_yaml_that_means_something_else_is_told(table, tmp_path, line, message):
    tables = {key: value for key, value in MAPPING.items() if not line.startswith(key)}
    lines = [f"{key}: {json.dumps(value)}" for key, value in tables.items()]
    (tmp_path / "m.yaml").write_text("\n".join([*lines, line]))
    with pytest.raises(UsageError) as caught:
        import_folder("csv", table, mapping=tmp_path / "m.yaml")
    assert message in caught.value.message


@pytest.mark.parametrize(("name", "text"), [("m.json", "{"), ("m.yaml", "a: [1"), ("m.json", "[]"), ("m.txt", "")])
def test_an_unreadable_mapping(table, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=name):
        import_folder("csv", table, mapping=tmp_path / name)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"net,n\na,1,2\n", b"net,n\na\n"])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    mapping = {**MAPPING, "columns": {"model": "net"}, "knobs": {}}
    with pytest.raises(RefusedError):
        import_folder("csv", tmp_path / "table.csv", mapping=mapping_file(tmp_path, mapping))


def test_no_mapping_given(table):
    with pytest.raises(UsageError, match="needs a mapping"):
        import_folder("csv", table)


@given(st.floats(1e-3, 1e12))
def test_joules_watt_hours_and_kilowatt_hours_agree(joules):
    kwh = joules * factor("energy_kwh", "kWh", "J")
    assert kwh == pytest.approx(joules / 3600 * factor("energy_kwh", "kWh", "Wh"))
    assert kwh == pytest.approx(joules / 1e6 * factor("energy_kwh", "kWh", "MJ"))


def test_every_unit_of_the_schema_maps_to_itself():
    units = {info["unit"] for info in columns().values() if info["unit"]}
    assert all(factor("x", unit, unit) == 1.0 for unit in units)
    assert set(FACTORS) <= units
