"""For all tests: an example may take as long as a busy machine makes it, and the first one pays for imports; the store
of whoever runs the tests is neither read nor written."""

import os

import pytest
from hypothesis import settings

from ecotaskset.store import STORE_VARIABLE

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _no_store_of_the_user(tmp_path_factory):
    before = os.environ.get(STORE_VARIABLE)
    os.environ[STORE_VARIABLE] = str(tmp_path_factory.mktemp("store") / "empty")
    yield
    os.environ.pop(STORE_VARIABLE)
    if before is not None:
        os.environ[STORE_VARIABLE] = before
