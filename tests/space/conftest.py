"""One running app for all tests of the Space, and a real browser where there is one."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARTEFACTS = os.environ.get("GREEN_SPACE_SHOTS")
"""Where screenshots are kept, when somebody wants them; never in the repository."""


@pytest.fixture(scope="session")
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app puts what people drop; private to these tests."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def app_url(upload_folder: Path) -> Iterator[str]:
    """The address of the app, answering from the shipped snapshot."""
    pytest.importorskip("gradio")
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(upload_folder)
    from space.app import launch

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = launch("127.0.0.1", port)
    yield page.local_url
    page.close()
    if before is None:
        del os.environ["GRADIO_TEMP_DIR"]
    else:
        os.environ["GRADIO_TEMP_DIR"] = before


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped, visibly, where none is installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: install one of {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Any:
    """`shot(page)` keeps a screenshot named after the test, where a folder for them is named."""

    def take(page: Any, suffix: str = "") -> None:
        if ARTEFACTS:
            Path(ARTEFACTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(ARTEFACTS) / f"{request.node.name}{suffix}.png", full_page=True)

    return take


@pytest.fixture(scope="session")
def answered() -> Any:
    """An answer over the shipped snapshot, for the domain that most runs are of."""
    from space.answer import Answer, answer
    from space.state import Inputs

    found = answer(Inputs(energy=50))
    assert isinstance(found, Answer)
    return found


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """For tests that name other runs or another predictor: `source` is read anew, before and after."""
    from space import sources

    sources.source.cache_clear()
    yield monkeypatch
    sources.source.cache_clear()
