"""RAPL on a powercap tree on disk."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from powercap_tree import Powercap

from collectors.metering import EnergyMeter
from collectors.metering.bench import Bench
from collectors.metering.discover import Surroundings
from collectors.metering.sources.rapl import RaplZone, find_rapl

RANGE_UJ = 262_143_328_850


def _meter(powercap, **options) -> EnergyMeter:
    return EnergyMeter(devices=[], **options, around=Surroundings(powercap=str(powercap.root), environ={}))


def _two_sockets(powercap) -> None:
    powercap.zone("intel-rapl:0", "package-0", 1_000_000_000)
    powercap.zone("intel-rapl:0:0", "core", 900_000_000)
    powercap.zone("intel-rapl:0:1", "dram", 50_000_000)
    powercap.zone("intel-rapl:1", "package-1", 7_000_000_000)
    powercap.zone("intel-rapl:1:0", "dram", 60_000_000)
    powercap.zone("intel-rapl:2", "psys", 9_000_000_000)
    powercap.zone("intel-rapl-mmio:0", "package-0", 1_000_000_000)


def test_packages_of_all_sockets_count_once_and_dram_apart(powercap):
    _two_sockets(powercap)
    with _meter(powercap) as meter, meter.window("training"):
        powercap.counts("intel-rapl:0", 1_000_000_000 + 36_000_000)
        powercap.counts("intel-rapl:1", 7_000_000_000 + 72_000_000)
        powercap.counts("intel-rapl:0:0", 2_000_000_000)
        powercap.counts("intel-rapl:0:1", 50_000_000 + 3_600_000)
        powercap.counts("intel-rapl:2", 20_000_000_000)
    report = meter.report()
    cpu, ram = report.components["cpu"], report.components["ram"]
    assert cpu.energy_kwh == pytest.approx(108 / 3.6e6)
    assert cpu.domains == pytest.approx({"package-0": 36 / 3.6e6, "package-1": 72 / 3.6e6})
    assert (cpu.source, cpu.quality, cpu.scope) == ("rapl_package", "measured", "machine")
    assert (ram.source, ram.quality) == ("rapl_dram", "measured")
    assert ram.energy_kwh == pytest.approx(3.6 / 3.6e6)
    assert report.energy_measured_kwh == pytest.approx(report.energy_kwh)
    assert meter.measures()


def test_a_wrapped_counter_goes_on(powercap):
    powercap.zone("intel-rapl:0", "package-0", RANGE_UJ - 1_000_000)
    with _meter(powercap) as meter, meter.window("training"):
        powercap.counts("intel-rapl:0", 2_000_000)
    assert meter.report().components["cpu"].energy_kwh == pytest.approx(3 / 3.6e6)


def _zone(powercap, range_uj: int = RANGE_UJ, limit_w: int | None = None) -> RaplZone:
    path = powercap.zone("intel-rapl:0", "package-0", 0, range_uj=range_uj)
    if limit_w:
        (path / "constraint_0_power_limit_uw").write_text(f"{limit_w}000000")
    (zone,) = find_rapl(0.0, str(powercap.root)).packages
    return zone


def test_a_gap_in_which_the_counter_may_have_wrapped_is_unknown_not_guessed(powercap):
    zone = _zone(powercap)
    powercap.counts("intel-rapl:0", 3_600 * 10**6)  # a minute of loading at 60 W
    assert zone.read(60.0, 0.0) == pytest.approx(3_600) and zone.doubt is None
    powercap.counts("intel-rapl:0", (3_600 + 450_000) * 10**6 % RANGE_UJ)  # an epoch of half an hour at 250 W
    assert zone.read(1_860.0, 0.0) is None
    assert "meter.tick()" in zone.doubt


def test_reads_every_half_minute_miss_no_wrap(powercap):
    zone = _zone(powercap, range_uj=65_532_610_987)  # the smallest there is, on a package of 250 W
    for now_s in range(30, 1_801, 30):
        powercap.counts("intel-rapl:0", now_s * 250 * 10**6 % 65_532_610_987)
        joules = zone.read(float(now_s), 0.0)
    assert joules == pytest.approx(450_000) and zone.doubt is None


@pytest.mark.parametrize(("limit_w", "known"), [(None, False), (65, True), (4_095, False)])
def test_what_a_package_may_draw_says_how_long_a_gap_is_sure(powercap, limit_w, known):
    zone = _zone(powercap, limit_w=limit_w)  # some boards show a limit that is none
    powercap.counts("intel-rapl:0", 1_200 * 50 * 10**6)
    assert (zone.read(1_200.0, 0.0) == pytest.approx(60_000)) is known


def test_a_long_baseline_is_read_on_the_way(powercap, monkeypatch):
    reads, whole = [], Bench.read
    monkeypatch.setattr(Bench, "read", lambda bench: reads.append(1) or whole(bench))
    monkeypatch.setattr("collectors.metering.meter.TICK_EVERY_S", 0.05)
    powercap.zone("intel-rapl:0", "package-0", 0)
    _meter(powercap, baseline_s=0.2).start().stop()
    assert len(reads) >= 2 + 3


def test_a_fall_without_a_known_range_is_missing_not_wrong(powercap):
    powercap.zone("intel-rapl:0", "package-0", 5_000_000, range_uj=None)
    with _meter(powercap) as meter:
        powercap.counts("intel-rapl:0", 1_000_000)
    cpu = meter.report().components["cpu"]
    assert cpu.energy_kwh is None and cpu.quality == "missing" and "wraps" in cpu.reason
    assert not meter.report().complete


def test_a_file_that_vanishes_inside_a_window_makes_the_window_missing_and_keeps_those_before(powercap):
    powercap.zone("intel-rapl:0", "package-0", 0)
    with _meter(powercap) as meter:
        with meter.window("before"), meter.epoch():
            powercap.counts("intel-rapl:0", 36_000_000)
        with meter.window("during"), meter.epoch():
            (powercap.root / "intel-rapl:0" / "energy_uj").unlink()
    report = meter.report()
    assert report.low_confidence and report.components["cpu"].lost and report.epochs[0].cumulative_kwh > 36 / 3.6e6
    assert report.epochs[1].cumulative_kwh is None, "the memory's alone would be less than what there was before"
    assert report.windows["before"].components["cpu"].energy_kwh == pytest.approx(36 / 3.6e6)
    assert report.windows["during"].components["cpu"].energy_kwh is None
    assert report.components["cpu"].energy_kwh is None and "stopped answering" in report.components["cpu"].reason


@pytest.fixture
def anybody(tmp_path_factory):
    """Runs a function as a user without rights, in a child process, and returns what it returned."""

    def run(function):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            if os.geteuid() == 0:
                os.setuid(65534)
            with os.fdopen(writing, "wb") as answer:
                answer.write(json.dumps(function()).encode())
                answer.flush()
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            text = answer.read()
        os.waitpid(pid, 0)
        return json.loads(text)

    return run


@pytest.fixture
def guarded_tree():
    """A powercap tree as kernels lay it out since 2020: anybody may look, only root may read the counters."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # outside pytest's own folder, which is for its user alone
        Path(folder).chmod(0o755)
        tree = Powercap(Path(folder) / "powercap")
        package = tree.zone("intel-rapl:0", "package-0", 0)
        (package / "constraint_0_power_limit_uw").write_text("65000000")
        (package / "energy_uj").chmod(0o400 if os.geteuid() == 0 else 0o000)
        yield tree


def test_permission_denied_is_told_with_its_remedy_and_the_known_power_limit(guarded_tree, anybody):
    def look():
        rapl = find_rapl(0.0, str(guarded_tree.root))
        return [len(rapl.packages), rapl.problem, rapl.limits_w]

    packages, problem, limits_w = anybody(look)
    assert packages == 0 and "chmod a+r" in problem and limits_w == [65.0]


def test_permission_denied_falls_back_to_the_model(guarded_tree, anybody):
    def meter():
        with _meter(guarded_tree) as running:
            pass
        cpu = running.report().components["cpu"]
        return [cpu.source, cpu.quality, cpu.reason]

    source, quality, reason = anybody(meter)
    assert (source, quality) == ("cpu_time_model", "modelled") and "chmod a+r" in reason


def test_one_unreadable_package_makes_the_sum_unusable_not_half(powercap):
    _two_sockets(powercap)
    (powercap.root / "intel-rapl:1" / "energy_uj").write_text("not a number")
    rapl = find_rapl(0.0, str(powercap.root))
    assert rapl.packages == [] and "package-1" in rapl.problem


def test_repeated_and_mirrored_zones_count_once_and_are_named(powercap):
    powercap.zone("intel-rapl:0", "package-0", 5_000_000_000)
    powercap.zone("intel-rapl:1", "package-0", 6_000_000_000)
    powercap.zone("intel-rapl:2", "package-1", 5_000_000_321)
    rapl = find_rapl(0.0, str(powercap.root))
    assert [z.domain for z in rapl.packages] == ["package-0"]
    assert any("repeats" in n for n in rapl.notes) and any("mirrors" in n for n in rapl.notes)


def test_only_the_first_rank_of_a_node_reads_what_belongs_to_the_node(powercap):
    _two_sockets(powercap)
    environ = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    with EnergyMeter(devices=[], around=Surroundings(powercap=str(powercap.root), environ=environ)) as meter:
        pass
    report = meter.report()
    assert report.energy_kwh is None
    assert "first rank" in report.components["cpu"].reason and "first rank" in report.components["ram"].reason
