"""A stand-in for NVML with one card, for machines without a GPU: what its limit is set to lives in a file, so that the
guard's process sees the same card. The file is named by STAND_IN_NVML; STAND_IN_NVML_FAILURE makes it fail. mW.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

UUID, LOWEST_MW, HIGHEST_MW, DEFAULT_MW = "GPU-stand-in", 100_000, 140_000, 140_000


class NVMLError(Exception):
    pass


class NVMLError_NoPermission(NVMLError):
    pass


class NVMLError_NotSupported(NVMLError):
    pass


def _log() -> list:
    file = Path(os.environ["STAND_IN_NVML"])
    return json.loads(file.read_text()) if file.exists() else []


def nvmlInit():
    if os.environ.get("STAND_IN_NVML_FAILURE") == "no driver":
        raise NVMLError("Driver Not Loaded")


def nvmlShutdown():
    pass


def nvmlDeviceGetHandleByUUID(uuid):
    assert uuid == UUID
    return uuid


def nvmlDeviceGetPowerManagementLimit(card):
    return (_log() or [DEFAULT_MW])[-1]


def nvmlDeviceGetPowerManagementLimitConstraints(card):
    return [LOWEST_MW, HIGHEST_MW]


def nvmlDeviceSetPowerManagementLimit(card, milliwatts):
    if os.environ.get("STAND_IN_NVML_FAILURE") == "no right":
        raise NVMLError_NoPermission("Insufficient Permissions")
    Path(os.environ["STAND_IN_NVML"]).write_text(json.dumps([*_log(), milliwatts]))
