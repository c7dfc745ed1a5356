"""Windows of the real meter on this machine."""

from __future__ import annotations

import os
import threading
import time

import pytest
from burn import burn_cpu

from collectors.metering import EnergyMeter
from collectors.metering.bench import Bench
from ecotaskset.errors import UsageError


def test_parts_add_up_to_the_whole_and_windows_hold_their_inner_ones(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        began_s = time.process_time()  # not 0 to 0.2: threads of earlier tests may still be at work in this process
        with meter.window("training"):
            burn_cpu(0.1)
            with meter.window("evaluation"):
                burn_cpu(0.1)
        used_s = time.process_time() - began_s
        time.sleep(0.05)
        with meter.window("evaluation"):
            burn_cpu(0.05)
    report = meter.report()
    assert set(report.parts) == {"training", "evaluation", "outside"}
    assert sum(p.energy_kwh for p in report.parts.values()) == pytest.approx(report.energy_kwh, rel=1e-9)
    assert sum(p.duration_s for p in report.parts.values()) == pytest.approx(report.duration_s, rel=1e-9)
    for name in ("cpu", "ram"):
        parts = sum(p.components[name].energy_kwh for p in report.parts.values())
        assert parts == pytest.approx(report.components[name].energy_kwh, rel=1e-9)
    assert report.windows["evaluation"].count == 2
    assert report.windows["training"].energy_kwh > report.parts["training"].energy_kwh
    assert used_s > 0.19 and report.windows["training"].cpu_time_s == pytest.approx(used_s, abs=0.05)


def test_a_window_inside_one_of_the_same_name_counts_once(no_powercap):
    with EnergyMeter(around=no_powercap) as meter, meter.window("training"), meter.window("training"):
        burn_cpu(0.05)
    report = meter.report()
    assert report.windows["training"].energy_kwh <= report.energy_kwh
    assert report.parts["training"].energy_kwh <= report.energy_kwh


def test_an_exception_closes_the_window_and_leaves_the_meter_usable(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        with pytest.raises(ZeroDivisionError), meter.window("training"), meter.window("inner"):
            burn_cpu(0.05)
            _ = 1 / 0
        began_s = time.process_time()
        with meter.window("after"):
            burn_cpu(0.05)
        used_s = time.process_time() - began_s
    report = meter.report()
    assert report.windows["training"].cpu_time_s > 0.03
    assert report.parts["after"].cpu_time_s == pytest.approx(used_s, abs=0.02)


def test_stopping_inside_a_window_closes_it(no_powercap):
    meter = EnergyMeter(around=no_powercap).start()
    with meter.window("training"):
        burn_cpu(0.05)
        meter.stop()
        burn_cpu(0.3)
    assert meter.report().windows["training"].cpu_time_s < 0.2


def test_snapshots_grow_and_the_report_is_final_after_the_stop(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        seen = [meter.snapshot().energy_kwh]
        for _ in range(3):
            burn_cpu(0.03)
            seen.append(meter.snapshot().energy_kwh)
        meter.tick()
    assert seen == sorted(seen) and seen[0] < seen[-1]
    final = meter.report()
    burn_cpu(0.05)
    assert meter.report() == final and meter.snapshot().energy_kwh == final.energy_kwh


def test_a_tick_is_a_look_at_the_clock_until_a_read_is_due(no_powercap, monkeypatch):
    reads, whole = [], Bench.read
    monkeypatch.setattr(Bench, "read", lambda bench: reads.append(1) or whole(bench))
    with EnergyMeter(around=no_powercap) as meter:
        reads.clear()
        for _ in range(1_000):
            meter.tick()
        assert reads == []
        time.sleep(0.02)
        meter.tick(every_s=0.01)
        meter.tick(every_s=10.0)
        assert reads == [1]
    meter.tick(every_s=0.0)  # after the end it does nothing


def test_work_that_broke_off_unnoticed_ends_with_the_last_reading(no_powercap):
    meter, began_s = EnergyMeter(around=no_powercap).start(), time.monotonic()
    with meter.window("training"):
        burn_cpu(0.05)
        meter.tick(every_s=0.0)
        trained_s = time.monotonic() - began_s
        burn_cpu(0.3)  # something else, much later
        meter.stop(at_last_read=True)
    report = meter.report()
    assert report.windows["training"].cpu_time_s < 0.2
    assert report.duration_s < trained_s + 0.1 and report.contended is None and report.conditions == {}


def test_two_busy_threads_cost_twice_one_and_sleeping_costs_nothing(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        with meter.window("one"):
            burn_cpu(0.5)
        with meter.window("two"):
            threads = [threading.Thread(target=burn_cpu, args=(0.5,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with meter.window("asleep"):
            time.sleep(0.5)
    one, two, asleep = (meter.report().windows[n].components["cpu"].energy_kwh for n in ("one", "two", "asleep"))
    assert two / one == pytest.approx(2.0, abs=0.06)
    assert asleep < 0.01 * one


def test_every_figure_carries_its_provenance_and_missing_is_never_zero(no_powercap):
    with EnergyMeter(around=no_powercap, devices=[]) as meter:
        burn_cpu(0.05)
    report = meter.report()
    cpu, gpu = report.components["cpu"], report.components["gpu"]
    assert (cpu.source, cpu.quality, cpu.scope) == ("cpu_time_model", "modelled", "process_tree")
    assert cpu.interval[0] < cpu.energy_kwh < cpu.interval[1]
    assert cpu.constants["w_per_busy_thread"] > 0 and "RAPL" in cpu.reason
    assert gpu.energy_kwh is None and gpu.quality == "missing" and gpu.reason
    assert report.energy_measured_kwh is None and report.total(quality="measured") is None
    assert report.total(exclude={"ram"}) == pytest.approx(cpu.energy_kwh)
    assert report.total(exclude={"cpu", "ram"}) is None


def test_a_window_shorter_than_its_source_resolves_is_low_confidence(no_powercap):
    with EnergyMeter(around=no_powercap) as meter:
        with meter.window("short"):
            burn_cpu(0.02)
        with meter.window("long"):
            burn_cpu(0.5)
    windows = meter.report().windows
    assert windows["short"].low_confidence and "short for a source" in windows["short"].components["cpu"].reason
    assert not windows["long"].low_confidence


def test_the_idle_baseline_is_told_and_never_subtracted(no_powercap):
    began_s = time.monotonic()
    with EnergyMeter(around=no_powercap, baseline_s=0.3) as meter:
        burn_cpu(0.05)
    report = meter.report()
    assert report.duration_s <= time.monotonic() - began_s - 0.3
    assert report.idle_power_w == pytest.approx(
        report.components["ram"].energy_kwh * 3.6e6 / report.duration_s, rel=0.1
    )
    with EnergyMeter(around=no_powercap) as meter:
        pass
    assert meter.report().idle_power_w is None


def test_country_and_pue_are_views_beside_the_energy(no_powercap):
    with EnergyMeter(country="FRA", pue=1.5, around=no_powercap) as meter:
        burn_cpu(0.02)
    report = meter.report()
    assert report.facility_kwh == pytest.approx(1.5 * report.energy_kwh)
    assert report.emissions_kg == pytest.approx(report.energy_kwh * 1.5 * 0.056, rel=0.01)
    with EnergyMeter(around=no_powercap) as meter:
        pass
    assert meter.report().emissions_kg is None


def test_misuse_says_what_to_do(no_powercap):
    meter = EnergyMeter(around=no_powercap)
    with pytest.raises(UsageError, match="not been started"):
        meter.report()
    with meter, pytest.raises(UsageError, match="already been started"):
        meter.start()
    with pytest.raises(UsageError, match="after the meter stopped"), meter.window("late"):
        pass
    for wrong in ({"pue": 0.5}, {"baseline_s": -1}, {"node_share": 0.0}, {"pue": float("nan")}):
        with pytest.raises(UsageError):
            EnergyMeter(**wrong)


def test_a_forked_child_leaving_the_block_does_not_disturb_its_parent(no_powercap):
    with EnergyMeter(around=no_powercap) as meter, meter.window("training"):
        pid = os.fork()
        if pid == 0:
            try:
                meter.snapshot()
            except UsageError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert meter.report().windows["training"].count == 1
