"""EcoTaskSet on the Hub: fetch a release, contribute runs, review contributions, release a version.

The Hub's address is `HF_ENDPOINT`, as everywhere in the ecosystem. Names are imported on first use.
"""

import importlib
from typing import Any

# No name here is also a module's: importing a module would put it in the place of the function.
_EXPORTS = {
    "attempt": "retry",
    "connect": "client",
    "data_addresses": "download",
    "explain": "failures",
    "fetch": "download",
    "hub_failures": "failures",
    "pack": "submission",
    "plan_push": "contribute",
    "push": "contribute",
    "release": "releases",
    "repo_name": "client",
    "review": "reviews",
    "sign_in": "client",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'ecotaskset.hub' has no attribute '{name}'")
    return getattr(importlib.import_module(f"ecotaskset.hub.{_EXPORTS[name]}"), name)
