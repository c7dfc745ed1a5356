"""What travels to the Hub: one parquet file of runs and a manifest beside it, named by their content.

submissions/<account>/<id>.parquet     <id>: hash of the run ids, so the same runs are the same submission
submissions/<account>/<id>.json        sha256, counts, versions; no date, no machine
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from ecotaskset._version import __version__
from ecotaskset.checks.finding import Finding, shown
from ecotaskset.recipe import content_hash
from ecotaskset.run import SCHEMA_VERSION, Run, to_table

FOLDER = "submissions"
FORMAT = 1
MAX_MANIFEST_BYTES = 256_000
MANIFEST_KEYS = {
    "format", "submission", "contributor", "rows", "runs", "domains", "sha256", "bytes", "schema_version", "software",
}  # fmt: skip
_NAME = re.compile(r"submissions/(?P<account>[\w.-]{1,96})/(?P<id>[0-9a-f]{16})\.(?P<kind>parquet|json)")


@dataclass(frozen=True)
class Submission:
    """Runs packed for sending. `runs` carry the account as contributor."""

    submission_id: str
    account: str
    runs: tuple[Run, ...]
    parquet: bytes
    manifest: bytes

    @property
    def data_path(self) -> str:
        return f"{FOLDER}/{self.account}/{self.submission_id}.parquet"

    @property
    def manifest_path(self) -> str:
        return f"{FOLDER}/{self.account}/{self.submission_id}.json"

    @property
    def title(self) -> str:
        return f"Add {len(self.runs)} run{'s' if len(self.runs) != 1 else ''} (submission {self.submission_id})"


def pack(runs: Sequence[Run], account: str) -> Submission:
    """Runs → the bytes to send; the same runs give the same bytes."""
    signed = tuple(
        run.model_copy(update={"contributor": account, "trust": None}) for run in sorted(runs, key=lambda r: r.run_id)
    )
    buffer = io.BytesIO()
    pq.write_table(to_table(signed), buffer, compression="zstd", version="2.6")
    parquet = buffer.getvalue()
    identity = content_hash({"runs": [run.run_id for run in signed]})
    manifest = {
        "format": FORMAT,
        "submission": identity,
        "contributor": account,
        "rows": len(signed),
        "runs": [run.run_id for run in signed],
        "domains": dict(sorted(Counter(run.domain for run in signed).items())),
        "sha256": hashlib.sha256(parquet).hexdigest(),
        "bytes": len(parquet),
        "schema_version": SCHEMA_VERSION,
        "software": f"ecotaskset {__version__}",
    }
    return Submission(identity, account, signed, parquet, (json.dumps(manifest, indent=1) + "\n").encode())


def parse_path(path: str) -> tuple[str, str, str] | None:
    """Account, id and kind (`parquet`, `json`) of a path in a repository; None for anything else."""
    found = _NAME.fullmatch(path)
    if found is None or found["account"] in (".", ".."):
        return None
    return found["account"], found["id"], found["kind"]


def check_manifest(content: bytes, data: bytes, account: str, identity: str) -> list[Finding]:
    """Does the manifest describe this data file of this account?"""
    if len(content) > MAX_MANIFEST_BYTES:
        return [Finding("E002", f"manifest of {len(content)} bytes")]
    try:
        manifest: Any = json.loads(content)
    except (ValueError, RecursionError):
        return [Finding("F602", "the manifest is not JSON")]
    if not isinstance(manifest, dict) or set(manifest) != MANIFEST_KEYS:
        return [Finding("F602", "the manifest has missing or unknown fields")]
    actual = {
        "format": FORMAT,
        "submission": identity,
        "contributor": account,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
    }
    wrong = [name for name, value in actual.items() if manifest[name] != value]
    return [Finding("F602", f"the manifest's {name} is {shown(manifest[name])}, not {actual[name]}") for name in wrong]


def check_contents(content: bytes, runs: Sequence[Run], identity: str) -> list[Finding]:
    """Do the rows that were read agree with the manifest and with the file's name?"""
    manifest = json.loads(content)
    ids = sorted(run.run_id for run in runs)
    if manifest["runs"] != ids or manifest["rows"] != len(ids):
        return [Finding("F602", "the manifest lists other runs than the file holds")]
    if content_hash({"runs": ids}) != identity:
        return [Finding("F602", "the file's name is not the hash of its run ids")]
    return []
