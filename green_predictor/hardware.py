"""The machine a recommendation is for: this one, one the runs were made on, a known accelerator, or a description."""

from __future__ import annotations

import json
import math
import os
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ecotaskset.errors import UsageError, unknown_name
from green_predictor import this_machine
from green_predictor.accelerators import ACCELERATORS, Accelerator, beside, data_sheet, is_recent, listed_in
from green_predictor.kept import kept
from green_predictor.rows import knobs_of

MOST_PACE = 4.0
"""A matrix product that takes more than so many times as long, or as short, says that something else was timed."""

STRANGE, COMPARED, TRIED = 1.5, 1.25, 1.1
"""Factor, up or down, by which energy and time on a machine that no run in the data was made on are typically off
(docs/evaluation.md): where nothing more is known of it (1.45 to 1.53 on two other processors, 1.4 to 1.5 on the GPU of
Zeus that is held out); where the time of a matrix product is (1.04 and 1.33); where one run was made on it since."""

ACCELERATED, TRIED_CARD = 2.0, 1.5
"""The same of an accelerator where no run in the data was made on any: by its data sheet (1.6 to 2.6 on three public
sets); where runs were made on it since (1.1 to 1.5, and as before where they are of other architectures)."""


@dataclass(frozen=True)
class Machine:
    """A machine as the model is told of it.

    `columns`: hardware columns. `stand_in`: those the model is told instead, of the processor that is as fast but for
    `slowdown` and `accelerator`. `basis`: a few words on where they come from. `in_data`: were runs made on it?
    `slowdown`: how many times the energy and the time are those of the machine that `columns` describe, and in `pace`
    what says so. `typical`: the factor by which they are typically off all the same. `name`: of the processor or
    accelerator that was described. `here`: it is this machine, and runs made on it say how fast it is. `bf16`: it is
    known to multiply bfloat16 itself; a machine that does not takes longer in it, not shorter. `runs`: how many its
    user made on it.
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
    runs: int = 0

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
        """Has it an accelerator, and nobody ran anything on one?"""
        return self.accelerator is not None and not self.is_tried

    @property
    def words(self) -> str:
        """Where the figures come from, for people."""
        return f"{self.basis}; {self.pace}" if self.pace else self.basis

    def ran(self, record: Mapping[str, Any]) -> bool:
        """Was this run made on the machine that is not in the data? One that names no machine is taken to be."""
        named = record.get("gpu_model") or record.get("cpu_model")
        if self.in_data or not (named or record.get("device")):
            return not self.in_data
        if not self.here:
            return bool(named and self.name and _words(self.name) <= _words(str(named)))
        alike = all(record.get(c) in (None, self.columns.get(c)) for c in ("gpu_count", "n_processes"))
        if self.columns.get("device") == "cpu":
            return record.get("device") == "cpu" and this_machine.is_cpu(record.get("cpu_model"))
        return alike and record.get("gpu_model") is not None and record["gpu_model"] == this_machine.gpu_model()


def _in_data(runs: Sequence[Mapping[str, Any]], columns: dict[str, Any], basis: str, bf16: bool = False) -> Machine:
    """A machine of the runs. Where one of them tried bfloat16 there, they say what came of it."""
    gpu, name = columns.get("gpu_model"), _name(columns)
    tried = any(_name(run) == name and knobs_of(run).get("precision") == "bf16" for run in runs)
    return Machine(columns, basis, in_data=True, bf16=bf16 or tried or is_recent(gpu))


def _strange(columns: dict[str, Any], basis: str, **more: Any) -> Machine:
    return Machine(columns, basis, in_data=False, typical=STRANGE, **more)


def _accelerated(runs: Sequence[Mapping[str, Any]], columns: dict[str, Any], basis: str, **more: Any) -> Machine:
    """A machine with an accelerator: beside the commonest processor, where all runs were made on processors."""
    found = _strange(columns, basis, bf16=is_recent(columns.get("gpu_model")), **more)
    stands = _commonest_processor(runs)
    if not stands or any(run.get("device") != "cpu" for run in runs):
        return found
    there = beside(stands, _typical_watts(runs, tuple(stands.get(c) for c in _identity())), columns)
    return found if there is None else replace(found, stand_in=stands, accelerator=there, typical=ACCELERATED)


def tried(found: Machine, runs: int) -> Machine:
    """A machine on which its user made so many runs, by which its energy and time are now known."""
    typical = TRIED ** (1 / math.sqrt(runs)) if found.accelerator is None else TRIED_CARD
    return replace(found, runs=runs, typical=typical)


@cache
def hardware_columns() -> tuple[str, ...]:
    """The Run columns that describe a machine, software versions aside."""
    from ecotaskset.run import columns

    return tuple(n for n, i in columns().items() if i["group"] == "hardware" and not n.endswith("_version"))


@kept(8)
def machines(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The distinct machines of the runs, the commonest first; for these runs always the same objects."""
    counted = Counter(tuple((c, r.get(c)) for c in _identity()) for r in runs)
    found = []
    for key, _ in counted.most_common():
        mine = [r for r in runs if tuple((c, r.get(c)) for c in _identity()) == key]
        # knobs and runs side by side change a run's columns; the machine itself is what most runs saw
        seen = {c: _typical([r.get(c) for r in mine]) for c in hardware_columns()}
        # what is recommended will be trained alone, on all threads that any run here was given
        seen["cpu_threads"] = max((r["cpu_threads"] for r in mine if r.get("cpu_threads")), default=None)
        found.append(seen)
    return found


def _typical(values: list[Any]) -> Any:
    """The median of measured numbers, else the commonest value."""
    known = [v for v in values if v is not None]
    if known and all(isinstance(v, float) for v in known):
        return statistics.median_high(known)
    return Counter(values).most_common(1)[0][0]


def _identity() -> tuple[str, ...]:
    return ("device", "cpu_model", "cpu_count", "gpu_model", "gpu_count")


def machine(runs: Sequence[Mapping[str, Any]], wanted: str | Mapping[str, Any] = "auto") -> Machine:
    """The machine that is meant. `wanted`: `auto`, a name, hardware columns, or those as JSON text.

    Raises:
        UsageError: a name that is neither in the data nor a known accelerator, or that fits several machines; an
            unknown column or an impossible value.
    """
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
        columns = {**(_data_sheet(machines(runs), str(columns["gpu_model"])) or {"device": "cuda"}), **columns}
    stands = _commonest_processor(runs)
    if not stands or columns.get("gpu_model") or columns.get("device") not in (None, "cpu"):
        return _accelerated(runs, columns, "as described", name=name)
    # the model is told the rate of the processor it knows: what it learned from rates is how those of one waver
    found = _strange({**columns, "matmul_gflops": stands.get("matmul_gflops")}, "as described", name=name)
    rate = columns.get("matmul_gflops")
    return _compared(found, _thread_gflops(runs, stands), rate / (columns.get("cpu_threads") or 1) if rate else None)


def _compared(found: Machine, typical: float | None, rate: float | None) -> Machine:
    """A processor that is not in the data, by the rate of matrix products on one of its threads beside that on one of
    the processor that is."""
    if not typical or not rate or not 1 / MOST_PACE <= typical / rate <= MOST_PACE:
        return found
    more = typical / rate
    words = f"energy and time × {more:.2f}, as for a matrix product"
    return replace(found, slowdown=(more, more), pace=words, typical=COMPARED)


def _thread_gflops(runs: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> float | None:
    """The typical rate of one thread of a machine in the data."""
    return _typical_rate(runs, tuple(found.get(c) for c in _identity()))


@kept(8)
def _typical_rate(runs: Sequence[Mapping[str, Any]], identity: tuple[Any, ...]) -> float | None:
    mine = (r for r in runs if tuple(r.get(c) for c in _identity()) == identity)
    rates = [r["matmul_gflops"] / r["cpu_threads"] for r in mine if r.get("matmul_gflops") and r.get("cpu_threads")]
    return statistics.median(rates) if rates else None


@kept(8)
def _typical_watts(runs: Sequence[Mapping[str, Any]], identity: tuple[Any, ...]) -> float | None:
    mine = (r for r in runs if tuple(r.get(c) for c in _identity()) == identity)
    watts = [3.6e6 * r["energy_kwh"] / r["duration_s"] for r in mine if r.get("energy_kwh") and r.get("duration_s")]
    return statistics.median(watts) if watts else None


def _commonest_processor(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The commonest machine with the processor that most runs are of, beside which all others are measured (see
    `processors`)."""
    counted = Counter(r.get("cpu_model") for r in runs if r.get("device") == "cpu")
    most = counted.most_common(1)[0][0] if counted else None
    fitting = (f for f in machines(runs) if f.get("device") == "cpu" and f.get("cpu_model") == most)
    return next(fitting, None)


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    from ecotaskset.run import columns

    texts = {n for n, info in columns().items() if str(info["type"]) == "string"}
    for name, value in wanted.items():
        if name not in hardware_columns():
            raise unknown_name("hardware column", name, hardware_columns())
        if value is None:
            continue
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
    exact = [f for f in known if _plain(wanted) in {_plain(str(f.get(c) or "")) for c in ("gpu_model", "cpu_model")}]
    partly = [f for f in known if words and words <= _words(f"{f.get('gpu_model')} {f.get('cpu_model')}")]
    commonest: dict[str, dict[str, Any]] = {}
    for found in (exact if _plain(wanted) else []) or partly:
        commonest.setdefault(_name(found), found)
    return list(commonest.values())


def _data_sheet(known: list[dict[str, Any]], wanted: str) -> dict[str, Any] | None:
    """An accelerator by its data sheet, on the commonest host of the data; None for one that is not listed."""
    sheet = data_sheet(wanted)
    host = known[0] if known else {}
    host = {c: v for c, v in host.items() if c.startswith(("cpu_", "ram_")) and c != "cpu_threads"}
    return None if sheet is None else {**host, **sheet}


def _here(runs: Sequence[Mapping[str, Any]]) -> Machine:
    known, gpu = machines(runs), this_machine.gpu_model()
    if gpu is not None:
        fitting = _named(known, gpu)
        if fitting:
            return _in_data(runs, fitting[0], "this machine's accelerator, which is in the data")
        listed = listed_in(gpu)
        if listed is not None:
            words = f"this machine's {gpu}, from its data sheet"
            return _accelerated(runs, _data_sheet(known, listed), words, here=True)
    same = [f for f in known if f.get("device") == "cpu" and this_machine.is_cpu(f.get("cpu_model"))]
    if gpu is None and any(f.get("cpu_count") == os.cpu_count() for f in same):
        found = next(f for f in same if f.get("cpu_count") == os.cpu_count())
        return _in_data(runs, found, "this machine, which is in the data", this_machine.multiplies_bf16())
    stands = same[0] if same else _commonest_processor(runs)
    if stands and gpu is None:
        bf16 = this_machine.multiplies_bf16()
        found = _strange(stands, "the machine in the data that is most like this one", here=True, bf16=bf16)
        return _compared(found, _thread_gflops(runs, stands), this_machine.thread_gflops())
    without = f"; its {gpu} is not known and was left out" if gpu else ""
    if stands or known:
        return _strange(stands or known[0], f"the commonest machine in the data; this one is not in it{without}")
    return _strange({}, "unknown")


def _words(name: str) -> set[str]:
    return set(re.findall("[a-z0-9]+", name.lower()))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
