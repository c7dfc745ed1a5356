"""A fitted predictor on disk: `model.json` (facts, lists) and `model.npz` (arrays). Data only, nothing is executed.

The JSON names the SHA-256 of the arrays, which proves that the two files belong together, not who made them: whoever
changes one can change the other. So arrays are read with `allow_pickle=False`, and every name, shape, type and range
is checked before it is used (`stored_arrays`, `stored_runs`): what does not fit is refused. Numbers that fit but are
wrong cannot be found out; take models from people you trust.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import time
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset._version import MODEL_FORMAT as FORMAT
from ecotaskset.errors import RefusedError
from ecotaskset.knobs import DOMAINS
from ecotaskset.store import write_atomically
from green_predictor.domain_model import DomainModel, Evidence, leverage, raw_predict
from green_predictor.families import FAMILIES
from green_predictor.features import FeatureSpec
from green_predictor.physics import PRICES
from green_predictor.processors import MOST as MOST_LOG_PACE
from green_predictor.rows import recipe_rows
from green_predictor.stored_arrays import MOST_BYTES, check_arrays, pack, unpack
from green_predictor.stored_runs import as_columns, as_records
from green_predictor.targets import Reference

MAKE_ANEW = "make it anew with green-predictor fit"
JSON_NAME, ARRAYS_NAME = "model.json", "model.npz"
LOOK_AGAIN_S = (0.05, 0.15, 0.3)
"""`save` cannot replace two files at once: a reader who finds one old and one new waits so long and looks again."""

BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, EOFError, MemoryError,
          ArithmeticError, LookupError, RuntimeError, TypeError, AttributeError, ValueError)  # fmt: skip
"""What reading a file raises that only looks like a model: of zip, of NumPy's headers, of values that do not fit."""


def save(domains: Mapping[str, DomainModel], folder: str | Path, facts: Mapping[str, Any]) -> Path:
    """Write the models of all domains into a folder; `facts` is kept beside them (data version, settings).

    Raises:
        UsageError: the folder cannot be written.
    """
    arrays: dict[str, np.ndarray] = {}
    described = {}
    for name, model in domains.items():
        described[name], mine = _take_apart(model)
        arrays |= {f"{name}/{key}": value for key, value in mine.items()}
    content = pack(arrays)
    head = {"format": FORMAT, "arrays_sha256": _hash(content), **facts, "domains": described}
    text = json.dumps(
        head, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()  # before anything is written
    folder, hint = Path(folder), "choose a folder that can be written"
    write_atomically(folder / ARRAYS_NAME, content, hint=hint)
    write_atomically(folder / JSON_NAME, text, hint=hint)
    return folder


def read_facts(folder: str | Path) -> dict[str, Any]:
    """The JSON part of a saved predictor.

    Raises:
        RefusedError: missing, too large, not JSON, or another format.
    """
    path = Path(folder) / JSON_NAME
    try:
        head = json.loads(_read(path))
    except (ValueError, RecursionError, MemoryError):
        raise RefusedError(f"{path} is not JSON", hint=MAKE_ANEW) from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise RefusedError(f"{path} is not a model of format {FORMAT}", hint=MAKE_ANEW)
    return head


def load(folder: str | Path) -> tuple[dict[str, DomainModel], dict[str, Any]]:
    """Models by domain, and the facts kept beside them.

    Raises:
        RefusedError: the files do not belong together, or are not what `save` writes.
    """
    head, content = _read_both(Path(folder))
    try:
        parts: dict[str, dict[str, np.ndarray]] = {name: {} for name in head["domains"]}
        for key, array in unpack(content).items():
            name, _, rest = key.partition("/")
            if name not in parts:
                raise ValueError(f"array {key!r} is of no domain")
            parts[name][rest] = array
        domains = {name: _put_together(name, info, parts[name]) for name, info in head["domains"].items()}
    except BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise RefusedError(f"{Path(folder) / ARRAYS_NAME} is not a model: {reason}", hint=MAKE_ANEW) from None
    return domains, {k: v for k, v in head.items() if k != "domains"}


def _read_both(folder: Path) -> tuple[dict[str, Any], bytes]:
    for wait in (*LOOK_AGAIN_S, None):
        head, content = read_facts(folder), _read(folder / ARRAYS_NAME)
        if _hash(content) == head.get("arrays_sha256"):
            return head, content
        if wait is not None:
            time.sleep(wait)
    raise RefusedError(f"{folder / ARRAYS_NAME} does not match {JSON_NAME}", hint=MAKE_ANEW)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RefusedError(f"{path} is too large for a model")
        return path.read_bytes()
    except OSError as error:
        raise RefusedError(f"no model in {path.parent}: {path.name}: {error.strerror}", hint=MAKE_ANEW) from None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _take_apart(model: DomainModel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    described = {
        "names": list(model.spec.names),
        "family": model.family,
        "prices": list(model.reference.prices),
        "paces": {name: list(pace) for name, pace in model.reference.paces.items()},
        "runs": as_columns(model.runs),
        "summary": model.summary,
        "landmark_logit": model.reference.landmark_logit,
    }
    arrays = {
        "mean": model.spec.mean, "scale": model.spec.scale, "reach": model.spec.reach,
        "between": model.between, "within": model.within, "within_seen": model.within_seen, "bounds": model.bounds,
        "rigidity": model.rigidity,
        "leverage": model.leverage, "near": model.near.astype(np.float16),
        "unexplained": model.unexplained.astype(np.float16),
    }  # fmt: skip
    arrays |= {f"family.{k}": v for k, v in model.arrays.items()}
    arrays |= {f"correction.{k}": v for k, v in model.correction.items()}
    arrays |= {f"quantiles.{k}": v for k, v in model.quantiles.items()}
    arrays |= {f"apart.{k}": v for k, v in model.apart.items()}
    return described, arrays


def _put_together(domain: str, info: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> DomainModel:
    if domain not in DOMAINS or info["family"] not in FAMILIES:
        raise ValueError(f"unknown domain or family {domain!r}, {info['family']!r}")
    names, runs = tuple(str(n) for n in info["names"]), as_records(info["runs"])
    tasks = sorted({run["dataset"] for run in runs})
    if info["summary"]["tasks"] != tasks or info["summary"]["runs"] != len(runs):
        raise ValueError("its summary is of other runs")
    check_arrays(arrays, family=info["family"], features=len(names), runs=len(runs), tasks=tasks)
    families, corrections, quantiles, apart = (
        _part(arrays, p) for p in ("family.", "correction.", "quantiles.", "apart.")
    )
    prices = tuple(_number(price) for price in info["prices"])
    if len(prices) != len(PRICES) or min(prices) <= 0:
        raise ValueError("its prices are not those of physics")
    paces = {str(name): (_number(energy), _number(time)) for name, (energy, time) in info["paces"].items()}
    if any(abs(v) > MOST_LOG_PACE for pace in paces.values() for v in pace):
        raise ValueError("a processor is too fast or too slow")
    model = DomainModel(
        domain=domain,
        spec=FeatureSpec(names, arrays["mean"], arrays["scale"], arrays["reach"]),
        reference=Reference(_number(info["landmark_logit"]), prices, paces),
        family=info["family"],
        arrays=families,
        correction=corrections,
        quantiles=quantiles,
        apart=apart,
        between=arrays["between"],
        within=arrays["within"],
        within_seen=arrays["within_seen"],
        bounds=arrays["bounds"],
        rigidity=arrays["rigidity"],
        leverage=arrays["leverage"],
        runs=runs,
        near=arrays["near"].astype(np.float32),
        unexplained=arrays["unexplained"].astype(np.float32),
        summary=dict(info["summary"]),
    )
    _try(model)
    return model


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a setting is not a number")
    return float(value)


def _try(model: DomainModel) -> None:
    """A model that this code cannot evaluate (features it does not know, arrays that do not fit) is found out now."""
    first = model.runs[0]
    rows = recipe_rows(
        [{"epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "weight_decay": 0.0, **first}], [(0, 1.0)]
    )
    y = raw_predict(model, rows, Evidence(next(iter(model.correction.values()), None), "unseen"))
    distance = leverage(model, rows)
    low, high = model.quantiles["unseen"]
    if not all(np.isfinite(v).all() for v in (y, distance, low + high, model.between, model.within, model.within_seen)):
        raise ValueError("its predictions are not numbers")


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
