"""Arithmetic of the meter: parts add up, more load never costs less, intervals hold their figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.metering.accounts import component_energies
from collectors.metering.cpu_identity import CpuIdentity
from collectors.metering.cpu_watts import IDLE_SHARE_OF_TDP, LINES, thread_watts
from collectors.metering.epochs import groups
from collectors.metering.intervals import edge_share, interval_j, shortest_confident_s
from collectors.metering.ledger import Ledger
from collectors.metering.reading import Reading, Tally
from collectors.metering.replay import RecordedSource
from collectors.metering.sources.cpu_time_model import CpuTimeModel
from collectors.metering.sources.ram_model import RamModel
from ecotaskset.checks.physics import power
from ecotaskset.run import Run

STEPS = st.floats(0, 1e5, allow_nan=False)
SOURCES = [
    RecordedSource("gpu", "nvml_counter", "measured", update_s=0.1, gain=(0.95, 1.05)),
    RecordedSource("cpu", "cpu_time_model", "modelled", update_s=0.01, gain=(0.5, 3.0), unbooked_w=2.0),
]


def _energies(tally: Tally):
    return component_energies(SOURCES, {}, tally)


class Walk:
    """Readings that only grow, by steps hypothesis chose."""

    def __init__(self, steps: list[tuple[float, float, float]]) -> None:
        self.steps, self.now = iter(steps), Reading(0.0, (0.0, 0.0), 0.0)

    def read(self) -> Reading:
        seconds, gpu, cpu = next(self.steps, (0.0, 0.0, 0.0))
        now = self.now
        self.now = Reading(now.at_s + seconds, (now.joules[0] + gpu, now.joules[1] + cpu), (now.cpu_s or 0) + cpu)
        return self.now


@st.composite
def nestings(draw, depth: int = 0):
    """A forest of windows: a list of (name, inner windows)."""
    count = draw(st.integers(0, 3 if depth < 3 else 0))
    return [(draw(st.sampled_from("abc")), draw(nestings(depth + 1))) for _ in range(count)]


def _play(ledger: Ledger, walk: Walk, forest) -> None:
    for name, inner in forest:
        span = ledger.begin(name, walk.read())
        _play(ledger, walk, inner)
        ledger.end(span, walk.read())


@given(nestings(), st.lists(st.tuples(STEPS, STEPS, STEPS), max_size=60))
def test_parts_of_any_nesting_add_up_to_the_whole(forest, steps):
    walk = Walk(steps)
    ledger = Ledger(walk.read())
    _play(ledger, walk, forest)
    ledger.last = walk.read()
    whole = Tally.between(ledger.first, ledger.last)
    parts = ledger.parts(_energies, whole)
    for name in ("gpu", "cpu"):
        total = _energies(whole)[name].energy_kwh
        assert sum(p.components[name].energy_kwh for p in parts.values()) == pytest.approx(total, rel=1e-6, abs=1e-9)
    assert sum(p.duration_s for p in parts.values()) == pytest.approx(whole.seconds, rel=1e-6, abs=1e-6)
    for name, window in ledger.windows(_energies).items():
        assert window.energy_kwh <= _total(whole) * (1 + 1e-9) + 1e-12
        assert window.energy_kwh >= parts[name].energy_kwh * (1 - 1e-9) - 1e-9


def _total(tally: Tally) -> float:
    return sum(c.energy_kwh for c in _energies(tally).values() if c.energy_kwh is not None)


@given(st.lists(st.floats(0.01, 30), min_size=1, max_size=40), st.floats(0, 10))
def test_epochs_sharing_a_window_cover_all_epochs_once(seconds, at_least_s):
    found = groups(seconds, at_least_s)
    assert [i for group in found for i in group] == list(range(len(seconds)))
    if sum(seconds) >= at_least_s + 1e-9:
        assert all(sum(seconds[i] for i in group) >= at_least_s - 1e-9 for group in found)


@given(st.lists(st.tuples(st.floats(0.01, 10), STEPS, STEPS), min_size=1, max_size=20))
def test_epochs_add_up_to_what_was_read_over_them(steps):
    walk = Walk([(0, 0, 0), *[step for pair in zip([(0, 0, 0)] * len(steps), steps, strict=True) for step in pair]])
    ledger = Ledger(walk.read())
    for _ in steps:
        ledger.end(ledger.begin("epoch", walk.read()), walk.read(), epoch=True)
    epochs = ledger.epochs(SOURCES, _energies)
    for column, name in enumerate(("gpu", "cpu")):
        read = sum(step[1 + column] for step in steps) / 3.6e6
        assert sum(e.components[name].energy_kwh for e in epochs) == pytest.approx(read, rel=1e-6, abs=1e-12)
    assert [e.cumulative_kwh for e in epochs] == sorted(e.cumulative_kwh for e in epochs)
    short = [step[0] for step in steps]
    assert all(e.split == "by_time" for e in epochs) or len(steps) == 1 or max(short) >= 0.4


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0, 1e4))
def test_adding_load_never_lowers_the_energy(cpu_s, more_cpu_s, at_s, longer_s):
    cpu = CpuTimeModel(thread_watts(CpuIdentity("AuthenticAMD", 25, 1, None, True, 2)), cpu_s=0.0)
    assert cpu.read(at_s, cpu_s) <= cpu.read(at_s, cpu_s + more_cpu_s)
    ram = RamModel(24.0, at_s=0.0)
    assert ram.read(at_s, 0.0) <= ram.read(at_s + longer_s, 0.0)


@given(STEPS, st.floats(1e-3, 1e5), st.integers(1, 1000), st.sampled_from(SOURCES))
def test_an_interval_holds_its_figure_and_longer_windows_are_surer(joules, seconds, spans, source):
    low, high = interval_j(source, joules, seconds, spans)
    assert 0 <= low <= joules <= high
    assert edge_share(source.update_s, 2 * seconds, spans) < edge_share(source.update_s, seconds, spans)


def test_the_lengths_the_counter_needs_are_the_published_ones():
    assert shortest_confident_s(0.1) == pytest.approx(4.0)
    assert edge_share(0.1, 20.0, 1) == pytest.approx(0.01)


@given(st.sampled_from(sorted(LINES)), st.integers(1, 512), st.booleans())
def test_every_processor_of_the_table_has_plausible_watts_and_its_share_is_no_more_than_the_host(key, threads, virtual):
    watts = thread_watts(CpuIdentity(*key, None, virtual, threads))
    assert 0.5 < watts.w < 12
    most_w = watts.constants["packages"] * watts.constants["reference_tdp_w"]
    assert watts.constants["host_share_full_w"] <= most_w and watts.idle_w <= IDLE_SHARE_OF_TDP * most_w
    assert watts.gain[0] < 1 < watts.gain[1]


def test_an_unknown_processor_gets_a_wide_interval_that_holds_every_known_line():
    unknown = thread_watts(CpuIdentity("SomebodyElse", 1, 2, "Mystery", None, 8))
    assert unknown.match == "generic" and unknown.tdp_w is None
    known = [line.tdp_w / line.threads for line in LINES.values()]
    assert unknown.w * unknown.gain[0] <= min(known) and max(known) <= unknown.w * unknown.gain[1]


def test_a_known_power_limit_beats_the_table_except_on_virtual_machines():
    cpu = CpuIdentity("GenuineIntel", 6, 0x9E, "Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", False, 12)
    assert thread_watts(cpu, [65.0]).w == pytest.approx(65 / 12)
    assert thread_watts(cpu).match == "part" and thread_watts(cpu).tdp_w == 95
    assert (
        thread_watts(CpuIdentity("GenuineIntel", 6, 63, "Intel(R) Xeon(R) CPU E5-2680 v3", False, 24)).match == "line"
    )
    assert thread_watts(CpuIdentity("AuthenticAMD", 25, 1, "AMD EPYC 7763 64-Core Processor", True, 4)).tdp_w == 280
    masked = CpuIdentity("AuthenticAMD", 25, 1, "AMD EPYC", True, 2)
    assert thread_watts(masked, [65.0]).w == pytest.approx(280 / 128)


@pytest.mark.parametrize(
    ("threads", "package_threads", "virtual", "packages"),
    [
        (128, 128, False, 1),
        (256, 128, False, 2),
        (128, 64, False, 2),  # two sockets without hyper-threading
        (64, 64, False, 1),
        (256, None, False, 2),
        (64, None, False, 1),  # hyper-threading off, or fewer cores: never less than one
        (4, 1, True, 1),  # a virtual machine may show every thread as a socket of its own
    ],
)
def test_every_socket_of_a_server_draws_its_own_power(threads, package_threads, virtual, packages):
    epyc = CpuIdentity("AuthenticAMD", 25, 1, "AMD EPYC 7763 64-Core Processor", virtual, threads, package_threads)
    watts = thread_watts(epyc)
    assert watts.tdp_w == 280 * packages and watts.constants["packages"] == packages
    share = min(1.0, threads / (128 * packages))
    assert watts.idle_w == pytest.approx(IDLE_SHARE_OF_TDP * 280 * packages * share)
    assert watts.w * threads <= watts.tdp_w


def test_both_sockets_busy_are_within_what_the_checks_allow():
    epyc = CpuIdentity("AuthenticAMD", 25, 1, "AMD EPYC 7763 64-Core Processor", False, 256, 128)
    recipe = {"domain": "cv", "dataset": "digits", "model": "mlp", "epochs": 1, "batch_size": 32, "learning_rate": 1e-3}
    machine = {"cpu_tdp_w": thread_watts(epyc).tdp_w, "cpu_count": 256}
    run = Run(**recipe, **machine, weight_decay=0.0, seed=0, cpu_energy_kwh=450 / 3.6e6, duration_s=1.0)
    assert list(power(run)) == []
    assert [f.code for f in power(run.model_copy(update={"cpu_energy_kwh": 800 / 3.6e6}))] == ["P101"]


def test_two_busy_threads_of_the_reference_machine_are_covered_by_the_interval():
    """A virtual machine with 2 threads of a Milan host and 24 GB: argued from its parts to draw 6 to 20 W."""
    watts = thread_watts(CpuIdentity("AuthenticAMD", 25, 1, "AMD EPYC", True, 2))
    cpu, ram = CpuTimeModel(watts, 0.0), RamModel(24.0, 0.0)
    ends = [interval_j(cpu, cpu.read(100.0, 200.0), 100.0, 1), interval_j(ram, ram.read(100.0, 0.0), 100.0, 1)]
    assert sum(low for low, _ in ends) / 100 < 6 and sum(high for _, high in ends) / 100 > 20
