"""An NVML with one card, recorded from an NVIDIA RTX A4000: its limit lives in the file named by RECORDED_NVML.

Installed as `pynvml` for tests, in this process and in the guard's. Values: minimum, maximum and default limit, mW.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

UUID, LOWEST_MW, HIGHEST_MW, DEFAULT_MW = "GPU-recorded", 100_000, 140_000, 140_000


class NVMLError(Exception):
    pass


class NVMLError_NoPermission(NVMLError):
    pass


class NVMLError_NotSupported(NVMLError):
    pass


def _log() -> list:
    file = Path(os.environ["RECORDED_NVML"])
    return json.loads(file.read_text()) if file.exists() else []


def nvmlInit():
    if os.environ.get("RECORDED_NVML_FAILURE") == "no driver":
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
    if os.environ.get("RECORDED_NVML_FAILURE") == "no right":
        raise NVMLError_NoPermission("Insufficient Permissions")
    Path(os.environ["RECORDED_NVML"]).write_text(json.dumps([*_log(), milliwatts]))
