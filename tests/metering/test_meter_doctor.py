"""The diagnosis of this machine, as data and for a person."""

from __future__ import annotations

import io
import json
import time

from nvml_library import NvmlLibrary, TracedCard
from rich.console import Console

from collectors.metering import doctor, hardware, render
from collectors.metering.contention import judge
from collectors.metering.cpu_identity import CpuIdentity, cpu_identity
from collectors.metering.discover import Surroundings
from collectors.metering.machine import cpu_name
from collectors.metering.proc_files import MachineTimes


def _shown(diagnosis) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(render(diagnosis))
    return console.file.getvalue()


def test_the_doctor_says_what_why_not_better_and_how_steady(no_powercap):
    begin = time.monotonic()
    diagnosis = doctor(no_powercap)  # two seconds: shorter pieces are below what the source resolves on a busy machine
    assert time.monotonic() - begin < 8
    json.dumps(diagnosis)
    cpu = next(c for c in diagnosis["components"] if c["component"] == "cpu")
    assert (cpu["source"], cpu["quality"]) == ("cpu_time_model", "modelled")
    assert "RAPL" in cpu["reason"] and cpu["better"] and cpu["factor"][0] < 1 < cpu["factor"][1]
    assert diagnosis["self_test"]["windows"] == 4 and diagnosis["self_test"]["spread_percent"]["cpu"] is not None
    assert "cpu_time_model" in _shown(diagnosis) and "better:" in _shown(diagnosis)


def test_the_doctor_on_a_gpu_machine_with_rapl(powercap, nvml_on):
    powercap.zone("intel-rapl:0", "package-0", 10**9)
    nvml = nvml_on(NvmlLibrary([TracedCard("GPU-a")]))
    diagnosis = doctor(Surroundings(powercap=str(powercap.root), environ={}, nvml=nvml), self_test_s=0.8)
    sources = {c["component"]: c["source"] for c in diagnosis["components"]}
    assert sources == {"gpu": "nvml_counter", "cpu": "rapl_package", "ram": "ram_model"}
    assert next(c for c in diagnosis["components"] if c["component"] == "gpu")["resolves_s"] == 4.0
    assert "NVIDIA H100" in _shown(diagnosis)


def test_hardware_has_the_run_s_columns_and_no_names_of_people_or_hosts():
    import socket

    seen = hardware()
    expected = {"cpu_model", "cpu_count", "ram_gb", "cpu_tdp_w", "virtualized"}
    assert expected | {"gpu_model", "gpu_count", "gpu_memory_gb", "gpu_tdp_w"} == set(seen)
    assert seen["cpu_count"] >= 1 and seen["ram_gb"] > 0
    assert socket.gethostname() not in json.dumps(seen)


def test_processors_are_told_apart_even_where_the_cloud_hides_the_brand(tmp_path):
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n"
        "flags\t\t: fpu hypervisor avx2\n\nprocessor\t: 1\n"
    )
    masked = cpu_identity(str(tmp_path))
    assert (masked.family, masked.model, masked.virtualized) == (25, 1, True)
    assert cpu_name(masked) == "AMD EPYC (Milan, family 25 model 1)"
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n")
    assert cpu_identity(str(tmp_path)).model == 0xD0C
    (tmp_path / "cpuinfo").write_text("vendor_id\t: AuthenticAMD\nphysical id\t: 0\nsiblings\t: 128\ncpu cores\t: 64\n")
    assert cpu_identity(str(tmp_path)).package_threads == 128
    assert cpu_name(CpuIdentity("GenuineIntel", 6, 85, "Intel(R) Xeon(R) Gold 6132", None, 8)).endswith("6132")
    assert cpu_name(CpuIdentity(None, None, None, None, None, 1)) is None


def test_contention_is_judged_from_the_machine_s_own_accounts():
    begin = MachineTimes(busy_s=0.0, stolen_s=0.0, total_s=0.0)
    alone = judge(begin, MachineTimes(10.0, 0.0, 20.0), cpu_s=9.9, seconds=10.0, foreign_gpu=None)
    assert alone.contended is False and alone.foreign_cpu_share < 0.01
    shared = judge(begin, MachineTimes(20.0, 0.0, 20.0), cpu_s=10.0, seconds=10.0, foreign_gpu=None)
    assert shared.contended and shared.foreign_cpu_share == 0.5
    stolen = judge(begin, MachineTimes(10.0, 4.0, 20.0), cpu_s=10.0, seconds=10.0, foreign_gpu=None)
    assert stolen.contended and "host" in stolen.why[0]
    ours, theirs = MachineTimes(2.0, 0.0, 100.0), MachineTimes(4.0, 0.0, 100.0)
    assert judge(begin, ours, 2.0, 10.0, None, machine_wide=True).contended is False
    assert judge(begin, theirs, 2.0, 10.0, None, machine_wide=True).contended is True
    assert judge(begin, theirs, 2.0, 10.0, None).contended is False
    half = {"cpu_s": 9.8, "seconds": 10.0, "foreign_gpu": None, "node_share": 0.5}
    assert judge(begin, MachineTimes(19.7, 0.0, 20.0), **half).contended is False, "the neighbour kept to its half"
    assert judge(begin, MachineTimes(19.7, 0.0, 20.0), **half, machine_wide=True).contended is True, (
        "it is in the figure"
    )
    crowded = judge(begin, MachineTimes(20.0, 0.0, 20.0), **half | {"cpu_s": 7.0})
    assert crowded.contended is True, "the neighbours took more than their half"
    more_than_machine = judge(begin, MachineTimes(9.0, 0.0, 20.0), cpu_s=9.5, seconds=10.0, foreign_gpu=None)
    assert more_than_machine.machine_cpu_s == 9.5 and more_than_machine.foreign_cpu_share == 0.0
    assert judge(None, None, 1.0, 10.0, foreign_gpu=None).contended is None
    assert judge(begin, MachineTimes(0.1, 0.0, 0.2), 0.1, 0.1, foreign_gpu=None).foreign_cpu_share is None
