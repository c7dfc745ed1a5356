"""Importers on the real files: every row and column accounted for, units right, provenance on every row.

The files are not part of the project: `ECOTASKSET_EXTERNAL` names the folder that holds them.
"""

from __future__ import annotations

import csv
import os
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from ecotaskset.errors import UsageError
from ecotaskset.importers import IMPORTERS, import_folder
from ecotaskset.run import from_table, to_table

EXTERNAL = os.environ.get("ECOTASKSET_EXTERNAL", "")
SETS = ("zeus", "ecnas", "imagenet_efficiency", "seaa2023")
EXPECTED_RUNS = {"zeus": 1116, "ecnas": 2805, "imagenet_efficiency": 56, "seaa2023": 369}

needs_files = pytest.mark.skipif(
    not EXTERNAL or not Path(EXTERNAL).is_dir(), reason="ECOTASKSET_EXTERNAL names no folder of measurement sets"
)
_cache: dict = {}


def ledger_of(name: str):
    if name not in _cache:
        _cache[name] = import_folder(name, Path(EXTERNAL) / name)
    return _cache[name]


def rows_of(*path: str) -> list[dict[str, str]]:
    with Path(EXTERNAL).joinpath(*path).open(newline="") as file:
        return list(csv.DictReader(file))


@needs_files
@pytest.mark.parametrize("name", SETS)
def test_no_row_and_no_column_is_lost_silently(name):
    ledger = ledger_of(name)
    assert len(ledger.runs) == EXPECTED_RUNS[name]
    assert ledger.lost() == {}
    report = ledger.to_dict()
    assert report["origin"] == f"imported:{name}"
    for file, entry in report["files"].items():
        assert entry["rows"] == len(rows_of(name, file))
        assert entry["mapped"] + sum(r["rows"] for r in entry["refused"]) == entry["rows"]
        assert set(entry["columns"]) == set(rows_of(name, file)[0])
        unknown = [c for c, fate in entry["columns"].items() if not fate or "not known" in fate]
        assert unknown == []


@needs_files
@pytest.mark.parametrize("name", SETS)
def test_every_row_says_where_it_and_its_energy_come_from(name):
    ledger = ledger_of(name)
    assert len({run.run_id for run in ledger.runs}) == len(ledger.runs)
    for run in ledger.runs:
        assert run.origin == f"imported:{name}" and run.trust == "imported"
        assert run.license == ledger.source.licence and run.collector_version == ledger.source.version
        parts = [run.gpu_energy_kwh, run.cpu_energy_kwh, run.ram_energy_kwh]
        assert run.energy_kwh == pytest.approx(sum(part for part in parts if part is not None), rel=1e-12)
        assert run.energy_measured_kwh == run.energy_kwh
        assert run.ram_energy_kwh is None and run.ram_energy_quality == "missing" and run.ram_energy_method
        # whatever the unit was, no trained board or server draws less than 20 W or, 8 boards and all, more than 4 kW
        assert 20 < run.energy_kwh * 3.6e6 / run.duration_s < 4000


@needs_files
@pytest.mark.parametrize("name", SETS)
def test_imported_runs_survive_parquet(name):
    runs = ledger_of(name).runs[:200]
    again = from_table(to_table(runs))
    assert again == runs and all(run.content_id() == run.run_id for run in again)


@needs_files
def test_zeus_joins_all_cells_that_can_be_joined():
    trained = {
        tuple(r[k] for k in ("dataset", "network", "batch_size", "optimizer"))
        for r in rows_of("zeus", "zeus_summary_train.csv")
    }
    cells = [
        tuple(r[k] for k in ("dataset", "network", "batch_size", "optimizer"))
        for gpu in ("a40", "p100", "rtx6000", "v100")
        for r in rows_of("zeus", f"zeus_summary_power_{gpu}.csv")
    ]
    joinable = [cell for cell in cells if cell in trained]
    assert len(joinable) == 1417  # as published with the files, speech included
    assert len(ledger_of("zeus").runs) == sum(cell[0] != "librispeech" for cell in joinable)


@needs_files
def test_zeus_energy_is_epochs_times_seconds_times_watts():
    cell = next(
        r
        for r in rows_of("zeus", "zeus_summary_power_v100.csv")
        if (r["dataset"], r["optimizer"], r["batch_size"], r["power_limit"]) == ("cifar100", "adadelta", "1024", "100")
    )
    seeds = defaultdict(list)
    for r in rows_of("zeus", "zeus_summary_train.csv"):
        if (r["dataset"], r["batch_size"]) == ("cifar100", "1024"):
            seeds[float(r["target_metric"])].append(float(r["target_epoch"] or "inf"))
    reached = {t: statistics.median(e) for t, e in seeds.items() if statistics.median(e) < float("inf")}
    (run,) = [
        r
        for r in ledger_of("zeus").runs
        if (r.dataset, r.batch_size, r.gpu_model, r.knobs[0].value) == ("cifar100", 1024, "NVIDIA V100", "100")
    ]
    assert run.gpu_tdp_w == 250, "the accelerator's own limit, not the one that was set"
    assert run.quality_validation == max(reached) and run.epochs_run == -(-max(reached.values()) // 1)
    seconds = run.epochs_run * float(cell["time_per_epoch"])
    assert run.duration_s == pytest.approx(seconds)
    assert run.energy_kwh == pytest.approx(seconds * float(cell["average_power"]) / 3.6e6)
    known = [q for q in run.curve_validation_quality if q is not None]
    assert known == sorted(known) and known[-1] == run.quality_validation


@needs_files
def test_ecnas_energy_is_without_the_facility_overhead():
    published = {
        (r["arch_hash"], r["run_total_time_s"]): r
        for r in rows_of("ecnas", "ecnas_raw_4epoch_measurements.csv")
        if r["epoch"] == "4.0"
    }
    plain = 0
    for run in ledger_of("ecnas").runs:
        row = published[run.model.removeprefix("nasbench101/"), str(run.duration_s)]
        watts = float(row["gpu_avg_W"]) + float(row["cpu_avg_W"])
        assert run.pue == 1.59 and run.energy_kwh * run.pue == pytest.approx(float(row["run_total_energy_kWh"]))
        assert run.gpu_energy_kwh / run.energy_kwh == pytest.approx(float(row["gpu_avg_W"]) / watts)
        if "pue_uncertain" not in run.flags:
            plain += 1
            assert run.energy_kwh == pytest.approx(watts * run.duration_s / 3.6e6, rel=0.01)
        assert run.curve_energy_kwh[-1] <= run.energy_kwh
    assert plain == 2765


@needs_files
def test_ecnas_repeats_share_their_recipe_and_spread_as_published():
    groups = defaultdict(list)
    for run in ledger_of("ecnas").runs:
        groups[run.recipe_id].append(run.energy_kwh)
    assert sorted(set(map(len, groups.values()))) == [1, 4]
    assert sum(len(g) == 4 for g in groups.values()) == 91


@needs_files
def test_imagenet_units_and_unknowns():
    by_file = ledger_of("imagenet_efficiency").runs
    assert sum(run.cpu_energy_kwh is not None for run in by_file) == 22
    assert sum("gpu_only" in run.flags for run in by_file) == 34
    (vgg,) = [r for r in by_file if r.model == "VGG16/tensorflow" and r.gpu_count == 8]
    assert vgg.energy_kwh == pytest.approx(9750306.546908963 / 3.6e6)
    assert vgg.flops_per_sample == pytest.approx(30.96e9, rel=0.01)  # 15.5 G multiply-adds
    # a convolution network cannot use fewer multiply-adds than it has weights: that count is unknown, not small
    assert {r.flops_per_sample for r in by_file if r.model == "MobileNetV3Small/tensorflow"} == {None}
    assert {r.flops_per_sample for r in by_file if r.gpu_count == 8 and r.model.endswith("pytorch")} == {None}
    for run in by_file:
        assert len(run.curve_validation_quality) == 10 and not run.curve_energy_kwh
        assert run.curve_duration_s[-1] == pytest.approx(run.duration_s)
        assert 0 < run.curve_duration_s[0] < run.curve_duration_s[1]


@needs_files
def test_seaa_units():
    run, row = ledger_of("seaa2023").runs[0], rows_of("seaa2023", "dl_training_energy_369_runs.csv")[0]
    assert run.energy_kwh * 3.6 == pytest.approx(float(row["energy (MJ)"]))
    assert run.energy_kwh * 3.6e6 / run.duration_s == pytest.approx(float(row["average power draw (W)"]), rel=2e-3)
    assert run.emissions_kg == pytest.approx(run.energy_kwh * run.carbon_intensity_g_per_kwh / 1000)


def test_unknown_importer_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'zeus'"):
        import_folder("zeuss", ".")


@pytest.mark.parametrize("name", SETS)
def test_a_folder_without_the_files_is_named(name, tmp_path):
    with pytest.raises(UsageError, match=str(tmp_path)):
        import_folder(name, tmp_path)


def test_a_file_without_its_columns_is_named(tmp_path):
    (tmp_path / "dl_training_energy_369_runs.csv").write_text("architecture,run\nx,1\n")
    with pytest.raises(UsageError, match=r"has no column training environment.*energy \(MJ\)"):
        import_folder("seaa2023", tmp_path)


def test_all_importers_are_listed():
    assert set(IMPORTERS) == {*SETS, "csv"}


def test_a_zeus_target_counts_from_the_median_seed_on():
    from ecotaskset.importers.zeus import quality_curve

    def seeds(target, *epochs):
        return [{"dataset": "cifar100", "target_metric": str(target), "target_epoch": str(e)} for e in epochs]

    training = [*seeds(0.5, 1, 1, 2, 4), *seeds(0.6, 3, 3, 4, ""), *seeds(0.7, 5, 6, "", "")]
    # 0.5 at the median of 1.5 epochs, so after the second; 0.6 at 3.5; 0.7 was never reached by half of them
    assert quality_curve(training) == [None, 0.5, 0.5, 0.6]
    assert quality_curve(seeds(0.5, "", "", 1)) == []
