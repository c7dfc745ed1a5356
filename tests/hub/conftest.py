"""A fresh Hub and a fresh cache for every test. The clients are the real ones; nothing outside 127.0.0.1 is called."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from loopback_hub import LoopbackHub

REAL_SLEEP = time.sleep

# What a process must be told so that it talks to the loopback Hub and to nobody else.
QUIET = {
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_UPDATE_DOWNLOAD_COUNTS": "0",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}


@pytest.fixture(scope="session")
def _server() -> Iterator[LoopbackHub]:
    with LoopbackHub() as hub:
        yield hub


@pytest.fixture
def hub(_server: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackHub:
    """The Hub, empty, with this process and its children pointed at it and a cache of their own."""
    _server.reset()
    use_hub(_server.url, tmp_path / "hf_home", monkeypatch)
    return _server


def use_hub(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the clients at ``url`` with their cache in ``home``.

    Both libraries read the environment when they are imported, which may be long ago in this process; so the values
    they keep are set too, and the environment for child processes.
    """
    for name, value in {**QUIET, "HF_ENDPOINT": url, "HF_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_DATASETS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    import datasets.config
    import huggingface_hub.constants as constants
    from huggingface_hub import HfFileSystem
    from huggingface_hub.utils import _http

    kept = {
        "ENDPOINT": url,
        "HUGGINGFACE_CO_URL_TEMPLATE": url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
        "HF_HUB_OFFLINE": False,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HUGGINGFACE_HUB_CACHE": str(home / "hub"),
        "HF_ASSETS_CACHE": str(home / "assets"),
        "HF_XET_CACHE": str(home / "xet"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
    }
    for name, value in kept.items():
        monkeypatch.setattr(constants, name, value)
    cache = home / "datasets"
    kept_by_datasets = {
        "HF_ENDPOINT": url,
        "HUB_DATASETS_URL": url + "/datasets/{repo_id}/resolve/{revision}/{path}",
        "HF_CACHE_HOME": str(home),
        "HF_DATASETS_CACHE": cache,
        "HF_MODULES_CACHE": str(home / "modules"),
        "DOWNLOADED_DATASETS_PATH": str(cache / "downloads"),
        "EXTRACTED_DATASETS_PATH": str(cache / "downloads" / "extracted"),
        "HF_UPDATE_DOWNLOAD_COUNTS": False,
        "HF_HUB_OFFLINE": False,
        "HF_DATASETS_OFFLINE": False,
    }
    for name, value in kept_by_datasets.items():
        monkeypatch.setattr(datasets.config, name, value)
    HfFileSystem.clear_instance_cache()
    # The clients' own waits between attempts (1, 2, 4 … s) are theirs to test, not ours to sit through.
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: REAL_SLEEP(min(seconds, 0.02)))


@pytest.fixture
def go_offline(monkeypatch: pytest.MonkeyPatch):
    """Call it to unplug the network for the rest of the test (this process and its children)."""

    def unplug() -> None:
        import datasets.config
        import huggingface_hub.constants as constants

        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)

    return unplug
