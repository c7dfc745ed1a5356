"""The machine a recommendation is for: this one, one the runs were made on, a known accelerator, or a description."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from green_predictor import this_machine
from green_predictor.accelerators import (
    ACCELERATORS,
    Accelerator,
    beside,
    data_sheet,
    is_same_card,
    middling,
    multiplies_bf16,
    plain,
)
from green_predictor.machines import (
    commonest_processor,
    hardware_columns,
    machines,
    thread_gflops,
    typical_watts,
)
from green_predictor.rows import is_processor, knobs_of
from green_predictor.threads import KNOB, MOST_TRIED, on_count

MOST_CARDS = 10_000
MOST_PACE = 4.0
"""A matrix product that takes more than so many times as long, or as short, says that something else was timed."""

STRANGE, COMPARED, TRIED = 1.5, 1.25, 1.1
"""Factor, up or down, by which energy and time on a machine that no run in the data was made on are typically off
(docs/evaluation.md): where nothing more is known of it (1.45 to 1.53 on two other processors, 1.4 to 1.5 on the GPU of
Zeus that is held out); where the time of a matrix product is (1.04 and 1.33); where one run was made on it since."""

ACCELERATED, UNLISTED, TRIED_CARD = 2.0, 3.0, 1.5
"""The same of an accelerator where no run in the data was made on any: by its data sheet (1.6 to 2.6 on three public
sets); of one of which nothing is known, taken for a middling one; where runs were made on it since (1.1 to 1.5, and as
before where they are of other architectures)."""


@dataclass(frozen=True)
class Machine:
    """A machine as the model is told of it.

    `columns`: hardware columns. `stand_in`: those the model is told instead, of the processor that is as fast but for
    `slowdown` and `accelerator`. `basis`: a few words on where they come from. `in_data`: were runs made on it?
    `slowdown`: how many times the energy and the time are those of the machine that `columns` describe, and in `pace`
    what says so. `typical`: the factor by which they are typically off all the same. `name`: of the processor or
    accelerator that was described. `here`: it is this machine, and runs made on it say how fast it is. `bf16`: it is
    known to multiply bfloat16 itself; a machine that does not takes longer in it, not shorter. `runs`: how many its
    user made on it. `threads`: how many a processor has for a training, which takes them all where nothing is said;
    None on an accelerator. `another_kind`: it is no processor, and all runs of the data were made on processors.
    """

    columns: dict[str, Any]
    basis: str
    in_data: bool
    slowdown: tuple[float, float] = (1.0, 1.0)
    pace: str = ""
    typical: float = 1.0
    name: str | None = None
    here: bool = False
    bf16: bool = False
    stand_in: dict[str, Any] | None = None
    accelerator: Accelerator | None = None
    another_kind: bool = False
    runs: int = 0
    threads: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """The hardware columns that the model is told."""
        return self.columns if self.stand_in is None else self.stand_in

    @property
    def is_tried(self) -> bool:
        """Was a run made on it, in the data or by its user?"""
        return self.in_data or self.runs > 0

    @property
    def is_of_another_kind(self) -> bool:
        """Is it no processor, and nobody ran anything on such a machine?"""
        return self.another_kind and not self.is_tried

    @property
    def words(self) -> str:
        """Where the figures come from, for people."""
        return f"{self.basis}; {self.pace}" if self.pace else self.basis

    def ran(self, record: Mapping[str, Any]) -> bool:
        """Was this run made on the machine that is not in the data? One that names no machine is taken to be."""
        named = record.get("gpu_model") or record.get("cpu_model")
        if self.in_data or not (named or record.get("device")):
            return not self.in_data
        alike = all(record.get(c) in (None, self.columns.get(c) or 1) for c in ("gpu_count", "n_processes"))
        if not self.here and self.columns.get("gpu_model"):
            return alike and is_same_card(str(self.columns["gpu_model"]), str(record.get("gpu_model")))
        if not self.here:
            return bool(named and self.name and _words(self.name) <= _words(str(named)))
        if self.columns.get("device") == "cpu":
            return record.get("device") == "cpu" and this_machine.is_cpu(record.get("cpu_model"))
        here = this_machine.gpu_model()
        return alike and here is not None and is_same_card(here, str(record.get("gpu_model")))


def _in_data(runs: Sequence[Mapping[str, Any]], columns: dict[str, Any], basis: str, bf16: bool = False) -> Machine:
    """A machine of the runs. Where one of them tried bfloat16 there, they say what came of it."""
    gpu, name = columns.get("gpu_model"), _name(columns)
    tried = any(_name(run) == name and knobs_of(run).get("precision") == "bf16" for run in runs)
    return Machine(columns, basis, in_data=True, bf16=bf16 or tried or multiplies_bf16(gpu))


def _strange(columns: dict[str, Any], basis: str, **more: Any) -> Machine:
    return Machine(columns, basis, in_data=False, typical=STRANGE, **more)


def _accelerated(runs: Sequence[Mapping[str, Any]], columns: dict[str, Any], basis: str, **more: Any) -> Machine:
    """A machine with an accelerator: beside the commonest processor, where all runs were made on processors."""
    found = _strange(columns, basis, bf16=multiplies_bf16(columns.get("gpu_model")), **more)
    stands = commonest_processor(runs)
    if not stands or any(run.get("device") != "cpu" for run in runs):
        return found
    found = replace(found, stand_in=stands, another_kind=True)
    watts = typical_watts(runs, stands)
    there = beside(stands, watts, columns)
    if there is not None or columns.get("device") != "cuda":
        return replace(found, accelerator=there, typical=ACCELERATED if there else UNLISTED)
    there = beside(stands, watts, {**middling(), **_known(columns)})
    return replace(found, accelerator=there, typical=UNLISTED, basis=f"{basis}, taken for a middling accelerator")


def tried(found: Machine, runs: int) -> Machine:
    """A machine on which its user made so many runs, by which its energy and time are now known."""
    typical = TRIED ** (1 / math.sqrt(runs)) if found.accelerator is None else TRIED_CARD
    return replace(found, runs=runs, typical=typical)


def machine(runs: Sequence[Mapping[str, Any]], wanted: str | Mapping[str, Any] = "auto") -> Machine:
    """The machine that is meant. `wanted`: `auto`, a name, hardware columns, or those as JSON text.

    Raises:
        UsageError: a name that is neither in the data nor a known accelerator, or that fits several machines; an
            unknown column or an impossible value.
    """
    found = _meant(runs, wanted)
    here = wanted == "auto" and is_processor(found.columns)
    return replace(found, threads=this_machine.threads() if here else threads_of(found.columns))


def threads_of(columns: Mapping[str, Any]) -> int | None:
    """How many threads a machine with these hardware columns has for a training (see `Machine.threads`)."""
    if not is_processor(columns):
        return None
    return max(1, int(columns.get(KNOB) or columns.get("cpu_count") or MOST_TRIED))


def _meant(runs: Sequence[Mapping[str, Any]], wanted: str | Mapping[str, Any]) -> Machine:
    known = machines(runs)
    if isinstance(wanted, str) and wanted.lstrip().startswith("{"):
        try:
            wanted = json.loads(wanted)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UsageError(f"the description of the hardware is not JSON: {error}") from None
    if isinstance(wanted, Mapping):
        return _described(runs, wanted)
    if wanted == "auto":
        return _here(runs)
    fitting = _named(known, str(wanted))
    if len(fitting) == 1:
        return _in_data(runs, fitting[0], "a machine in the data")
    if fitting:
        names = sorted({_name(found) for found in fitting})
        raise UsageError(f"'{wanted}' fits several machines in the data", hint=f"one of: {', '.join(names)}")
    sheet = _data_sheet(known, str(wanted))
    if sheet is not None:
        return _accelerated(runs, sheet, "from the data sheet of the accelerator", name=str(sheet["gpu_model"]))
    names = {n for f in known for n in (f.get("gpu_model"), f.get("cpu_model")) if n} | set(ACCELERATORS) | {"auto"}
    raise unknown_name("hardware", str(wanted), names)


def _described(runs: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> Machine:
    columns = _checked(wanted)
    name = columns.get("gpu_model") or columns.get("cpu_model")
    if name is not None and name in {_name(found) for found in machines(runs)}:
        return _in_data(runs, columns, "as described")
    if columns.get("gpu_model"):  # what is told goes before the data sheet, and it is no processor alone
        sheet = _data_sheet(machines(runs), str(columns["gpu_model"])) or {"device": "cuda"}
        columns = {**sheet, **_known(columns)}
    stands = commonest_processor(runs)
    if not stands or columns.get("gpu_model") or columns.get("device") not in (None, "cpu"):
        return _accelerated(runs, columns, "as described", name=name)
    # the model is told the rate of the processor it knows: what it learned from rates is how those of one waver
    known, told = (on_count(one, 1).get("matmul_gflops") for one in (stands, columns))
    alike = on_count({**columns, KNOB: None, "matmul_gflops": known}, columns.get(KNOB))
    return _compared(_strange(alike, "as described", name=name), thread_gflops(runs, stands), told)


def _compared(found: Machine, typical: float | None, rate: float | None) -> Machine:
    """A processor that is not in the data, by the rate of matrix products on one of its threads beside that on one of
    the processor that is."""
    if not typical or not rate or not 1 / MOST_PACE <= typical / rate <= MOST_PACE:
        return found
    more = typical / rate
    words = f"energy and time × {more:.2f}, as for a matrix product"
    return replace(found, slowdown=(more, more), pace=words, typical=COMPARED)


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    from ecotaskset.run import columns

    texts = {n for n, info in columns().items() if str(info["type"]) == "string"}
    for name, value in wanted.items():
        if name not in hardware_columns():
            raise unknown_name("hardware column", name, hardware_columns())
        if value is None:
            continue
        fewest = 1 if wanted.get("gpu_model") else 0
        if name == "gpu_count" and not (type(value) is int and fewest <= value <= MOST_CARDS):
            raise UsageError(f"gpu_count={value!r} is not a number of accelerators", hint=f"{fewest} to {MOST_CARDS}")
        number = isinstance(value, (int, float)) and 0 <= value < 1e15
        if not (isinstance(value, str) if name in texts else number):
            raise UsageError(f"{name}={value!r} is not {'a name' if name in texts else 'a number of 0 or more'}")
    return dict(wanted)


def _name(found: Mapping[str, Any]) -> str:
    return str(found.get("gpu_model") or found.get("cpu_model") or "unknown")


def _named(known: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The machines a name means: those it names in full, else those whose name has all of its words. Of machines that
    differ in the number of processors only, the commonest."""
    words = _words(wanted)
    exact = [f for f in known if plain(wanted) in {plain(str(f.get(c) or "")) for c in ("gpu_model", "cpu_model")}]
    partly = [f for f in known if words and words <= _words(f"{f.get('gpu_model')} {f.get('cpu_model')}")]
    commonest: dict[str, dict[str, Any]] = {}
    for found in (exact if plain(wanted) else []) or partly:
        commonest.setdefault(_name(found), found)
    return list(commonest.values())


def _known(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if value is not None}


def _data_sheet(known: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """An accelerator by its data sheet, on the commonest host of the data; None for one that is not listed."""
    sheet = data_sheet(wanted)
    host = known[0] if known else {}
    host = {c: v for c, v in host.items() if c.startswith(("cpu_", "ram_"))}
    return None if sheet is None else {**host, **sheet}


def _here(runs: Sequence[Mapping[str, Any]]) -> Machine:
    known, gpu = machines(runs), this_machine.gpu_model()
    if gpu is not None:
        fitting = _named(known, gpu)
        if fitting:
            return _in_data(runs, fitting[0], "this machine's accelerator, which is in the data")
        sheet = _data_sheet(known, gpu)
        where = f"this machine's {gpu}" + (", from its data sheet" if sheet else "")
        return _accelerated(runs, sheet or {"device": "cuda", "gpu_model": gpu}, where, here=True)
    same = [f for f in known if f.get("device") == "cpu" and this_machine.is_cpu(f.get("cpu_model"))]
    if any(f.get("cpu_count") == os.cpu_count() for f in same):
        found = next(f for f in same if f.get("cpu_count") == os.cpu_count())
        return _in_data(runs, found, "this machine, which is in the data", this_machine.multiplies_bf16())
    stands = same[0] if same else commonest_processor(runs)
    if stands:
        bf16 = this_machine.multiplies_bf16()
        found = _strange(stands, "the machine in the data that is most like this one", here=True, bf16=bf16)
        return _compared(found, thread_gflops(runs, stands), this_machine.thread_gflops())
    if known:
        return _strange(known[0], "the commonest machine in the data; this one is not in it")
    return _strange({}, "unknown")


def _words(name: str) -> set[str]:
    return set(re.findall("[a-z0-9]+", name.lower()))
