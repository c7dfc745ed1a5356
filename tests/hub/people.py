"""The people in these tests: their runs, their stores, their accounts. And files nobody should send."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import CommitOperationAdd, HfApi

from ecotaskset.hub.submission import pack
from ecotaskset.recipe import content_hash
from ecotaskset.run import Run, to_table
from ecotaskset.store import Store

REPO = "green/ecotaskset"


def a_run(number: int = 0, **changes: Any) -> Run:
    """A complete run that passes every check; `number` makes it another measurement."""
    seconds, cpu = 6.0 + 0.01 * number, 2e-5 * (1 + 0.001 * number)
    row: dict[str, Any] = {
        "collected_at": datetime(2026, 11, 1, 12, 0, number % 60, number, tzinfo=timezone.utc),
        "collector_version": "0.1.0",
        "domain": "cv",
        "dataset": "digits",
        "dataset_revision": "fdb9a26e42733a56",
        "n_train": 1000,
        "model": "mlp",
        "model_family": "mlp",
        "epochs": 2,
        "epochs_run": 2,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "seed": number,
        "device": "cpu",
        "cpu_model": "a processor",
        "cpu_count": 2,
        "cpu_threads": 1,
        "cpu_tdp_w": 30.0,
        "ram_gb": 16.0,
        "matmul_gflops": 50.0,
        "flops_per_sample": 1e6,
        "quality_metric": "accuracy",
        "quality_validation": 0.9,
        "quality_last": 0.9,
        "best_epoch": 2,
        "quality_test": 0.89,
        "energy_kwh": 1.1 * cpu,
        "cpu_energy_kwh": cpu,
        "cpu_energy_source": "cpu_time_model",
        "cpu_energy_quality": "modelled",
        "ram_energy_kwh": 0.1 * cpu,
        "ram_energy_source": "ram_model",
        "ram_energy_quality": "modelled",
        "duration_s": seconds,
        "curve_train_loss": [1.0, 0.5],
        "curve_validation_loss": [0.9, 0.6],
        "curve_validation_quality": [0.5, 0.9],
        "curve_energy_kwh": [0.5 * cpu, 1.1 * cpu],
        "curve_duration_s": [seconds / 2, seconds],
    }
    return Run.model_validate({**row, **changes})


def a_store(path: Path, *runs: Run) -> Store:
    store = Store(path)
    for run in runs:
        store.append(run)
    return store


def send_raw(url: str, token: str, files: dict[str, bytes], **how: Any) -> Any:
    """What somebody does who does not use our command."""
    operations = [CommitOperationAdd(name, data) for name, data in files.items()]
    api = HfApi(endpoint=url, token=token)
    settings = {"commit_message": "look at this", "repo_type": "dataset", "create_pr": True, **how}
    return api.create_commit(REPO, operations, **settings)


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()


def rows_as_parquet(rows: list[dict[str, Any]]) -> bytes:
    """Rows as they are, valid or not, in the right schema."""
    return parquet_of(pa.Table.from_pylist(rows, schema=to_table([]).schema))


def disguised(parquet: bytes, ids: list[str], account: str = "eve", **lies) -> dict[str, bytes]:
    """Any bytes as a submission whose paths and manifest are in perfect order."""
    good = json.loads(pack([a_run()], account).manifest)
    identity = content_hash({"runs": sorted(ids)})
    manifest = good | {
        "submission": identity,
        "runs": sorted(ids),
        "rows": len(ids),
        "sha256": hashlib.sha256(parquet).hexdigest(),
        "bytes": len(parquet),
        **lies,
    }
    base = f"submissions/{account}/{identity}"
    return {f"{base}.parquet": parquet, f"{base}.json": json.dumps(manifest).encode()}
