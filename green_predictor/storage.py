"""A fitted predictor on disk: `model.json` (facts, lists) and `model.npz` (arrays). Data only, nothing is executed.

The JSON names the SHA-256 of the arrays; arrays are read with `allow_pickle=False`, and every name, shape and number
is checked before it is used. A file that was tampered with is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecotaskset.errors import RefusedError
from ecotaskset.store import write_atomically
from green_predictor.domain_model import DomainModel, Evidence, raw_predict
from green_predictor.families import FAMILIES
from green_predictor.features import FeatureSpec
from green_predictor.physics import PRICES
from green_predictor.rows import recipe_rows
from green_predictor.targets import Reference

FORMAT = 11
MOST_BYTES = 64_000_000
MAKE_ANEW = "make it anew with green-predictor fit"
JSON_NAME, ARRAYS_NAME = "model.json", "model.npz"


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
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    content = buffer.getvalue()
    head = {"format": FORMAT, "arrays_sha256": hashlib.sha256(content).hexdigest(), **facts, "domains": described}
    folder = Path(folder)
    write_atomically(folder / ARRAYS_NAME, content)
    write_atomically(folder / JSON_NAME, json.dumps(head, ensure_ascii=False, allow_nan=False).encode())
    return folder


def read_facts(folder: str | Path) -> dict[str, Any]:
    """The JSON part of a saved predictor.

    Raises:
        RefusedError: missing, too large, not JSON, or another format.
    """
    path = Path(folder) / JSON_NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RefusedError(f"{path} is too large for a model")
        head = json.loads(path.read_bytes())
    except OSError as error:
        raise RefusedError(f"no model in {folder}: {error.strerror}", hint=MAKE_ANEW) from None
    except (ValueError, RecursionError):
        raise RefusedError(f"{path} is not JSON", hint=MAKE_ANEW) from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise RefusedError(f"{path} is not a model of format {FORMAT}", hint=MAKE_ANEW)
    return head


def load(folder: str | Path) -> tuple[dict[str, DomainModel], dict[str, Any]]:
    """Models by domain, and the facts kept beside them.

    Raises:
        RefusedError: anything that is not exactly what `save` writes.
    """
    head = read_facts(folder)
    path = Path(folder) / ARRAYS_NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RefusedError(f"{path} is too large for a model")
        content = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != head.get("arrays_sha256"):
        raise RefusedError(f"{path} does not match {JSON_NAME}", hint=MAKE_ANEW)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        domains = {
            name: _put_together(
                name, info, {k[len(name) + 1 :]: v for k, v in arrays.items() if k.startswith(name + "/")}
            )
            for name, info in head["domains"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise RefusedError(f"{path} is not a model: {error}", hint=MAKE_ANEW) from None
    return domains, {k: v for k, v in head.items() if k != "domains"}


def _take_apart(model: DomainModel) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    described = {
        "names": list(model.spec.names),
        "family": model.family,
        "landmark_logit": model.reference.landmark_logit,
        "prices": list(model.reference.prices),
        "rigidity": model.rigidity,
        "rigidity_probe": model.rigidity_probe,
        "caution": model.caution,
        "caution_seen": model.caution_seen,
        "slack_seen": model.slack_seen,
        "runs": _as_columns(model.runs),
        "summary": model.summary,
    }
    arrays = {
        "mean": model.spec.mean, "scale": model.spec.scale, "reach": model.spec.reach,
        "between": model.between, "within": model.within, "within_seen": model.within_seen, "bounds": model.bounds,
        "leverage": model.leverage, "near": model.near.astype(np.float16),
    }  # fmt: skip
    arrays |= {f"family.{k}": v for k, v in model.arrays.items()}
    arrays |= {f"correction.{k}": v for k, v in model.correction.items()}
    arrays |= {f"quantiles.{k}": v for k, v in model.quantiles.items()}
    arrays |= {f"apart.{k}": v for k, v in model.apart.items()}
    return described, arrays


def _put_together(domain: str, info: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> DomainModel:
    for name, array in arrays.items():
        if array.dtype.kind not in "fi" or (not np.isfinite(array).all() and "thresholds" not in name):
            raise ValueError(f"array {name} has values that are not numbers")
    if info["family"] not in FAMILIES:
        raise ValueError(f"unknown family {info['family']!r}")
    names = tuple(str(n) for n in info["names"])
    p = len(names)
    runs = _as_records(info["runs"])
    if not all("model" in r for r in runs):
        raise ValueError("its runs are not runs")
    families, corrections, quantiles, apart = (
        _part(arrays, p) for p in ("family.", "correction.", "quantiles.", "apart.")
    )
    if any(arrays[k].shape[-1] != p for k in ("mean", "scale", "reach", "near")) or arrays["leverage"].shape != (p, p):
        raise ValueError("arrays do not fit the features")
    if arrays["bounds"].shape != (2, 3):
        raise ValueError("the bounds are not those of three targets")
    if any(c.shape != (p + 1, 3) for c in corrections.values()):
        raise ValueError("corrections do not fit the features")
    if set(apart) != {"seen", "unseen"} or any(a.ndim != 2 or len(a) != 2 or not a.size for a in apart.values()):
        raise ValueError("the differences of errors do not fit")
    for name, array in families.items():
        if name.endswith("features") and (array.min(initial=0) < 0 or array.max(initial=0) >= p):
            raise ValueError("a tree asks for a feature that does not exist")
    numbers = [
        float(info[k])
        for k in ("landmark_logit", "rigidity", "caution", "rigidity_probe", "caution_seen", "slack_seen")
    ]
    prices = tuple(float(v) for v in info["prices"])
    if not all(map(math.isfinite, (*numbers, *prices))) or len(prices) != len(PRICES) or min(prices) <= 0:
        raise ValueError("a setting is not a number")
    model = DomainModel(
        domain=domain,
        spec=FeatureSpec(names, arrays["mean"], arrays["scale"], arrays["reach"]),
        reference=Reference(numbers[0], prices),
        family=info["family"],
        arrays=families,
        correction=corrections,
        quantiles=quantiles,
        apart=apart,
        between=arrays["between"],
        within=arrays["within"],
        within_seen=arrays["within_seen"],
        bounds=arrays["bounds"],
        rigidity=numbers[1],
        rigidity_probe=numbers[3],
        leverage=arrays["leverage"],
        caution=numbers[2],
        caution_seen=numbers[4],
        slack_seen=numbers[5],
        runs=runs,
        near=arrays["near"].astype(np.float32),
        summary=dict(info["summary"]),
    )
    _try(model)
    return model


def _try(model: DomainModel) -> None:
    """A model that this code cannot evaluate (features it does not know, arrays that do not fit) is found out now."""
    first = model.runs[0]
    rows = recipe_rows(
        [{"epochs": 1, "batch_size": 1, "learning_rate": 1e-3, "weight_decay": 0.0, **first}], [(0, 1.0)]
    )
    y, distance = raw_predict(model, rows, Evidence(next(iter(model.correction.values()), None), "unseen"))
    low, high = model.quantiles["unseen"]
    if not all(np.isfinite(v).all() for v in (y, distance, low + high, model.between, model.within, model.within_seen)):
        raise ValueError("its predictions are not numbers")


def _part(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}


def _as_columns(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Records as columns: every name and every value of a column once, and which of the values each record has. What a
    record lacks, or knows only as not a number, is null."""
    columns = {}
    for name in sorted({name for record in records for name in record}):
        values = [record.get(name) for record in records]
        texts = [json.dumps(None if isinstance(v, float) and not math.isfinite(v) else v) for v in values]
        numbered = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        columns[name] = {"values": [json.loads(text) for text in numbered], "places": [numbered[t] for t in texts]}
    return columns


def _as_records(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `_as_columns` took apart; columns of other lengths, or places outside their values, are an error."""
    records: list[dict[str, Any]] = [{} for _ in kept["model"]["places"]]
    for name, column in kept.items():
        values, places = list(column["values"]), list(column["places"])
        if len(places) != len(records) or min(places, default=0) < 0:
            raise ValueError(f"column {name} of its runs does not fit")
        for record, place in zip(records, places, strict=True):
            if values[place] is not None:
                record[str(name)] = values[place]
    return records
