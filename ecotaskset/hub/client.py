"""Who we are at the Hub, and what we may do there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecotaskset._version import __version__
from ecotaskset.errors import HubError, UsageError
from ecotaskset.hub.failures import endpoint
from ecotaskset.hub.retry import attempt

if TYPE_CHECKING:
    from huggingface_hub import HfApi

REPO_VARIABLE = "ECOTASKSET_REPO"
DEFAULT_REPO = "ecotaskset/ecotaskset"
DATASET = "dataset"


@dataclass(frozen=True)
class Account:
    """A Hub account: its name, the organisations it may write for, what its token may do (`read`, `write`, …)."""

    name: str
    writes_for: tuple[str, ...]
    role: str

    def may_write(self, repo: str) -> bool:
        """Whether commits to the main branch of `repo` should pass (a fine-grained token may still be refused)."""
        return repo.split("/")[0] in (self.name, *self.writes_for)


def repo_name(repo: str | None = None) -> str:
    """`repo`, or `$ECOTASKSET_REPO`, or the public data set.

    Raises:
        UsageError: not of the form owner/name.
    """
    chosen = repo or os.environ.get(REPO_VARIABLE) or DEFAULT_REPO
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", chosen):
        raise UsageError(f"'{chosen}' is not a Hub data set", hint="write owner/name, for example --repo my-lab/runs")
    return chosen


def connect(token: str | None = None) -> HfApi:
    """A client for the Hub at `HF_ENDPOINT` with this token, or the one stored by `hf auth login`."""
    from huggingface_hub import HfApi

    return HfApi(token=token, library_name="ecotaskset", library_version=__version__)


def sign_in(api: HfApi) -> Account:
    """The account behind the token.

    Raises:
        HubError: no token, an unknown one, one that may only read, or no network.
    """
    from huggingface_hub import get_token

    if not (api.token or get_token()):
        raise HubError(
            "no Hub token on this machine",
            hint=f"make one with write access at {endpoint()}/settings/tokens, then `hf auth login`; runs stay here",
        )
    seen: dict[str, Any] = attempt(api.whoami, "sign in")
    token = seen.get("auth", {}).get("accessToken", {})
    role = str(token.get("role", "unknown"))
    if role == "read":
        raise HubError(
            f"the token of '{seen['name']}' may only read",
            hint=f"make one with write access at {endpoint()}/settings/tokens, then `hf auth login`; runs stay here",
        )
    writers = tuple(org["name"] for org in seen.get("orgs", []) if org.get("roleInOrg") in ("admin", "write"))
    return Account(str(seen["name"]), writers, role)
