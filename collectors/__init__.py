"""Collectors: turn a recipe into a run, with its energy metered. Needs the extra `collect`.

Nothing heavy is imported until it is used; `EnergyMeter` alone does not need torch.
"""

import importlib
import importlib.util
from typing import Any

_EXPORTS = {
    "EcoTaskSetCallback": "collectors.trainer_callback",
    "EnergyMeter": "collectors.metering",
    "ReplayMeter": "collectors.metering",
    "RunRecorder": "collectors.recorder",
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "EcoTaskSetCallback": ("torch", "accelerate", "transformers"),
    "RunRecorder": ("torch", "accelerate", "transformers"),
}

__all__ = list(_EXPORTS)


def require_extra(*modules: str) -> None:
    """Raise one clear line when the packages of the extra `collect` are not installed.

    Raises:
        ImportError: names the missing packages and the command that installs them.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"collectors needs {', '.join(missing)}: pip install 'ecotaskset[collect]'")


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'collectors' has no attribute '{name}'")
    require_extra(*_NEEDED.get(name, ()))
    return getattr(importlib.import_module(_EXPORTS[name]), name)
