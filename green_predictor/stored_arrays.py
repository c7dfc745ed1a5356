"""The arrays of a saved predictor as one `.npz`, and back: nothing is believed before it is counted and compared.

The file may be a stranger's. Sizes are added up before anything is unpacked, an array's header is compared with the
bytes behind it, and names and shapes with those that a model of these features and runs has.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Collection, Mapping

import numpy as np

MOST_BYTES = 64_000_000
"""Of the file, and of all its arrays unpacked."""

MOST_AMOUNT = 1e12
"""No learned number is larger; sums of larger ones would not be numbers any more."""

LEAST_RIGIDITY = 1e-3
"""With a smaller penalty the equations of a few probes may have no solution."""

Shape = tuple[int | str, ...]
"""Sizes; a name stands for the same size wherever it is said."""

_LINE: dict[str, Shape] = {"coefficients": ("features", 3), "intercept": (3,)}
_TREES: dict[str, Shape] = {
    **_LINE, "features": ("trees", "depth"), "thresholds": ("trees", "depth"), "values": ("trees", "leaves", 3),
}  # fmt: skip
_FAMILIES: dict[str, dict[str, Shape]] = {
    "linear": _LINE,
    "kernel": {**_LINE, "centres": ("centres", "features"), "width": (1,), "weights": ("centres", 3)},
    "boosting": _TREES,
    "forest": _TREES,
    "random_features": {
        **_LINE, "hidden": ("features", "hidden"), "offset": ("hidden",), "output": ("hidden", 3), "constant": (3,),
    },
}  # fmt: skip
_ALWAYS: dict[str, Shape] = {
    "mean": ("features",), "scale": ("features",), "reach": ("features",), "leverage": ("features", "features"),
    "near": ("runs", "features"), "unexplained": ("runs",), "between": (3,), "within": (3,), "within_seen": (3,),
    "bounds": (2, 3), "rigidity": (3,), "quantiles.seen": (2, 3), "quantiles.unseen": (2, 3),
    "apart.seen": (2, "knots"), "apart.unseen": (2, "other knots"),
}  # fmt: skip
_POSITIVE = ("between", "within", "within_seen", "scale", "family.width")
_PROBED = re.compile(r"quantiles\.probe:\d{1,6}")


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as the bytes of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """What `pack` packed. Of a file that is something else, errors of many kinds; see `storage.BROKEN`."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        members = file.infolist()
        if sum(member.file_size for member in members) > MOST_BYTES:
            raise ValueError("its arrays are too large")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("it has two arrays of one name")
        found = {}
        for member in members:
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{member.filename!r} is packed in another way")
            with file.open(member) as opened:  # no more than it says it is, whatever it unpacks to
                found[member.filename.removesuffix(".npy")] = _array(opened.read(member.file_size))
    return found


def _array(content: bytes) -> np.ndarray:
    """One array. NumPy would make room for all that a header promises before it looks for it."""
    file = io.BytesIO(content)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array is of another version")
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    promised = math.prod(shape) * kind.itemsize
    if kind.kind not in "fi" or min(shape, default=0) < 0 or promised != len(content) - file.tell():
        raise ValueError("an array is not what its header says")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def check_arrays(
    arrays: Mapping[str, np.ndarray], *, family: str, features: int, runs: int, tasks: Collection[str]
) -> None:
    """Are these the arrays of a model with so many features and runs, of these tasks?

    Raises:
        ValueError: one is missing, too many, of another shape, or holds what it cannot.
    """
    wanted = {**_ALWAYS, **{f"family.{name}": shape for name, shape in _FAMILIES[family].items()}}
    wanted |= {f"correction.{task}": ("features + 1", 3) for task in tasks}
    wanted |= {name: (2, 3) for name in arrays if _PROBED.fullmatch(name)}
    if different := sorted(set(arrays) ^ set(wanted)):
        raise ValueError(f"array {different[0]!r} is {'missing' if different[0] in wanted else 'unknown'}")
    sizes = {"features": features, "features + 1": features + 1, "runs": runs}
    for name, shape in wanted.items():
        array, chooses = arrays[name], name == "family.features"
        if not _fits(array.shape, shape, sizes) or (array.dtype.kind == "i") != chooses:
            raise ValueError(f"array {name!r} does not fit the features and runs")
        endless = name == "family.thresholds"  # where a tree could not be cut: infinity
        if np.isnan(array).any() or (not endless and float(np.abs(array).max(initial=0)) > MOST_AMOUNT):
            raise ValueError(f"array {name!r} has values that are no numbers a model learns")
        if name == "rigidity" and array.min() < LEAST_RIGIDITY:
            raise ValueError("its slopes would follow a single run")
        if (name in _POSITIVE and array.min(initial=1) <= 0) or (name.startswith("apart.") and array.min() < 0):
            raise ValueError(f"array {name!r} has values that are not positive")
        if chooses and (array.min(initial=0) < 0 or array.max(initial=0) >= features):
            raise ValueError("a tree asks for a feature that does not exist")
    if "depth" in sizes and sizes["leaves"] != 1 << min(sizes["depth"], 30):
        raise ValueError("its trees do not have the leaves their depth asks for")
    if not (sizes["knots"] and sizes["other knots"]):
        raise ValueError("it does not say how errors differ")


def _fits(shape: tuple[int, ...], wanted: Shape, sizes: dict[str, int]) -> bool:
    if len(shape) != len(wanted):
        return False
    pairs = zip(shape, wanted, strict=True)
    return all(size == (sizes.setdefault(w, size) if isinstance(w, str) else w) for size, w in pairs)
