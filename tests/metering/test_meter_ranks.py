"""Ranks of a distributed run become one report: by hand, and through `accelerate launch` on two CPU processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from burn import burn_cpu

from collectors.metering import EnergyMeter, aggregate
from collectors.metering.contention import judge
from collectors.metering.energy import ComponentEnergy, missing
from collectors.metering.proc_files import MachineTimes
from collectors.metering.ranks import current_rank
from collectors.metering.report import EnergyReport
from ecotaskset.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]


def _report(rank: int, node: int = 0, **components: ComponentEnergy) -> EnergyReport:
    return EnergyReport(
        10.0 + rank,
        components,
        cpu_time_s=5.0,
        machine_cpu_s=11.0,
        machine_capacity_s=20.0,
        rank={"rank": rank, "node": node},
    )


def _card(uuid: str, kwh: float) -> ComponentEnergy:
    return ComponentEnergy(kwh, "nvml_counter", "measured", (kwh, kwh), scope="device", domains={uuid: kwh})


def test_energy_is_summed_time_is_the_longest_and_a_shared_card_counts_once():
    whole = aggregate([_report(1, gpu=_card("GPU-b", 3.0)), _report(0, gpu=_card("GPU-a", 2.0))])
    assert whole.components["gpu"].energy_kwh == pytest.approx(5.0) and whole.duration_s == 11.0
    shared = aggregate([_report(0, gpu=_card("GPU-a", 2.0)), _report(1, gpu=_card("GPU-a", 2.5))])
    assert shared.components["gpu"].energy_kwh == pytest.approx(2.5)


def test_a_node_s_own_reading_counts_once_a_node_and_process_trees_add_up():
    measured = ComponentEnergy(4.0, "rapl_package", "measured", (3.8, 4.2), scope="machine")
    modelled = ComponentEnergy(1.0, "cpu_time_model", "modelled", (0.5, 3.0), scope="process_tree")
    elsewhere = ComponentEnergy(None, None, "missing", reason="first rank", constants={"present": False})
    assert aggregate([_report(0, cpu=measured), _report(1, cpu=elsewhere)]).components["cpu"].energy_kwh == 4.0
    assert aggregate([_report(0, cpu=measured), _report(1, cpu=modelled)]).components["cpu"].energy_kwh == 4.0
    assert aggregate([_report(0, cpu=modelled), _report(1, cpu=modelled)]).components["cpu"].energy_kwh == 2.0
    two_nodes = aggregate([_report(0, 0, cpu=measured), _report(1, 1, cpu=measured)])
    assert two_nodes.components["cpu"].energy_kwh == 8.0 and two_nodes.components["cpu"].quality == "measured"
    ram = replace(measured, source="ram_model", quality="modelled")
    assert aggregate([_report(0, ram=ram), _report(1, ram=ram)]).components["ram"].energy_kwh == 4.0


def test_other_ranks_are_not_foreign():
    whole = aggregate([_report(0), _report(1)])
    assert whole.foreign_cpu_share == pytest.approx((11 - 10) / 20)
    assert whole.machine_cpu_s >= whole.cpu_time_s


RAPL = ComponentEnergy(1.0, "rapl_package", "measured", (0.95, 1.05), scope="machine")


def _watched(rank: int, machine_s: float, foreign_gpu: int | None = None, node: int = 0, **more) -> EnergyReport:
    """A rank with one busy core of 64 for 100 s, and what it thinks of others, on a machine busy for `machine_s`."""
    begin, end = MachineTimes(0.0, 0.0, 0.0), MachineTimes(machine_s, 0.0, 6_400.0)
    seen = judge(begin, end, 100.0, 100.0, foreign_gpu, machine_wide=rank == 0)
    told = {"contention" if name == "why" else name: value for name, value in vars(seen).items()}
    cpu = RAPL if rank == 0 else missing("first rank", present=False)
    return EnergyReport(100.0, {"cpu": cpu}, cpu_time_s=100.0, rank={"rank": rank, "node": node}, **told, **more)


def test_ranks_under_rapl_do_not_call_each_other_foreign():
    ranks = [_watched(0, 200.0), _watched(1, 200.0)]
    assert ranks[0].contended, "alone it cannot tell the other rank from a stranger"
    whole = aggregate(ranks)
    assert (whole.contended, whole.contention, whole.foreign_cpu_share) == (False, [], 0.0)


def test_strangers_beside_the_ranks_are_foreign_as_they_are_beside_one_process():
    a_seventh_of_the_work = aggregate([_watched(0, 270.0), _watched(1, 270.0)])
    assert a_seventh_of_the_work.contended and "26% of the work" in a_seventh_of_the_work.contention[0]
    much = aggregate([_watched(0, 1_000.0), _watched(1, 1_000.0)])
    assert much.contention == ["others used 12% of the machine's CPU time"]
    unknown = aggregate([_watched(0, 200.0), replace(_watched(1, 200.0), machine_cpu_s=None)])
    assert unknown.contended is False, "one look at the machine is enough"
    blind = [replace(_watched(i, 200.0), machine_cpu_s=None) for i in (0, 1)]
    assert (aggregate(blind).contended, aggregate(blind).foreign_cpu_share) == (None, None)


def test_strangers_on_any_rank_s_card_are_foreign_and_ranks_on_one_card_are_not():
    of = [_watched(0, 200.0, 0, cards=("GPU-a",)), _watched(1, 200.0, 2, cards=("GPU-b",))]
    whole = aggregate(of)
    assert whole.foreign_gpu_processes == 2 and whole.contention == ["others have 2 process(es) on the same GPU"]
    together = [_watched(i, 200.0, 1, cards=("GPU-a",)) for i in (0, 1)]
    assert (aggregate(together).foreign_gpu_processes, aggregate(together).contended) == (0, False)
    stranger = [_watched(i, 200.0, 2, cards=("GPU-a",)) for i in (0, 1)]
    assert aggregate(stranger).foreign_gpu_processes == 1
    blind = [of[0], _watched(1, 200.0, None, cards=("GPU-b",))]
    assert aggregate(blind).foreign_gpu_processes is None


def test_what_a_host_takes_away_stays_told():
    stolen = replace(_watched(0, 200.0), contention=["the host gave 20% of the CPU time to other machines"])
    assert aggregate([stolen, _watched(1, 200.0)]).contended


def test_a_component_lost_on_one_rank_is_missing_in_the_sum():
    lost = ComponentEnergy(None, None, "missing", reason="card fell off", constants={"present": True})
    gpu = aggregate([_report(0, gpu=_card("GPU-a", 1.0)), _report(1, gpu=lost)]).components["gpu"]
    assert gpu.energy_kwh is None and gpu.reason == "card fell off"


def test_reports_that_are_not_one_a_rank_are_refused():
    for wrong in ([], [_report(0), _report(0)]):
        with pytest.raises(UsageError, match="cannot add up"):
            aggregate(wrong)
    assert aggregate([one := _report(0)]) is one


def test_ranks_are_read_from_the_launcher_s_variables():
    assert current_rank({}).alone and current_rank({"WORLD_SIZE": "x"}).alone
    third = current_rank({"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"})
    assert (third.node, third.reads_node) == (1, False)


def test_windows_and_epochs_of_ranks_add_up(no_powercap):
    reports = []
    for rank in range(2):
        with EnergyMeter(around=no_powercap, devices=[]) as meter, meter.epoch(), meter.window("training"):
            burn_cpu(0.05)
        reports.append(replace(meter.report(), rank={"rank": rank, "node": 0}))
    whole = aggregate(reports)
    trees = [r.windows["training"].components["cpu"].energy_kwh for r in reports]
    assert whole.windows["training"].components["cpu"].energy_kwh == pytest.approx(sum(trees))
    epochs = [r.epochs[0].components["cpu"].energy_kwh for r in reports]
    assert whole.epochs[0].components["cpu"].energy_kwh == pytest.approx(sum(epochs))
    assert all(tree <= epoch * (1 + 1e-9) for tree, epoch in zip(trees, epochs, strict=True)), (
        "an epoch holds its window"
    )
    parts = sum(p.components["cpu"].energy_kwh for p in whole.parts.values())
    assert parts == pytest.approx(whole.components["cpu"].energy_kwh)


def test_two_accelerate_ranks_add_up_to_one_node_reading_within_two_percent(tmp_path):
    for package in ("torch", "accelerate"):
        pytest.importorskip(package)
    out = tmp_path / "ranks.json"
    script = Path(__file__).with_name("two_ranks.py")
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]
    launch += ["--main_process_port", "0", str(script), str(out)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(launch, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(out.read_text())
    whole, ranks = result["whole"], result["ranks"]
    assert len(ranks) == 2 and whole["rank"]["world_size"] == 2
    assert whole["cpu_time_s"] == pytest.approx(result["node_cpu_s"], rel=0.02)
    watts = whole["components"]["cpu"]["constants"].get("w_per_busy_thread")
    if watts:
        node_kwh = result["node_cpu_s"] * watts / 3.6e6
        assert whole["components"]["cpu"]["energy_kwh"] == pytest.approx(node_kwh, rel=0.02)
    assert whole["components"]["ram"]["energy_kwh"] == ranks[0]["components"]["ram"]["energy_kwh"]
    assert ranks[1]["components"]["ram"]["energy_kwh"] is None
    assert whole["duration_s"] == max(r["duration_s"] for r in ranks)
