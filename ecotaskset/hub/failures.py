"""What the Hub's client raises → one sentence a person can act on."""

from __future__ import annotations

from ecotaskset.errors import HubError


def hub_failures() -> tuple[type[BaseException], ...]:
    """Everything that calls to the Hub raise when the Hub, the network or the token is the cause."""
    from huggingface_hub import errors

    return (
        errors.HTTPError,  # the HTTP library's base class, whichever library this version of the client uses
        errors.HfHubHTTPError,
        errors.LocalTokenNotFoundError,
        errors.LocalEntryNotFoundError,
        errors.OfflineModeIsEnabled,
        ConnectionError,
        TimeoutError,
    )


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind a failure, None where no answer came."""
    return getattr(getattr(error, "response", None), "status_code", None)


def endpoint() -> str:
    """The Hub in use: `HF_ENDPOINT`, as everywhere in the ecosystem."""
    from huggingface_hub import constants

    return constants.ENDPOINT


def explain(error: BaseException, what: str) -> HubError:
    """The failure of doing `what`, with its cause and the remedy."""
    from huggingface_hub import errors

    status = status_of(error)
    hub = endpoint()
    login = f"make a token with write access at {hub}/settings/tokens, then `hf auth login`"
    if isinstance(error, errors.LocalEntryNotFoundError):
        cause, hint = f"not in the cache, and {_why_no_hub()}", "fetch it once with a connection"
    elif isinstance(error, errors.OfflineModeIsEnabled):
        cause, hint = "HF_HUB_OFFLINE is set", "unset it to reach the Hub"
    elif isinstance(error, errors.LocalTokenNotFoundError):
        cause, hint = "no Hub token on this machine", login
    elif isinstance(error, errors.GatedRepoError):
        cause, hint = "access has to be asked for", f"open {hub} in a browser and ask"
    elif isinstance(error, errors.RepositoryNotFoundError):
        cause, hint = f"not found at {hub}, or hidden from this account", "check --repo, and the token if it is private"
    elif isinstance(error, errors.RevisionNotFoundError):
        cause, hint = "no such version there", "versions are tags such as v1.0.0"
    elif isinstance(error, errors.EntryNotFoundError):
        cause, hint = "a file is not there", "check the repository and the version"
    elif status == 401:
        cause, hint = f"{hub} does not know this token", login
    elif status == 403:
        cause, hint = "this token has no right to do that", login
    elif status == 429:
        cause, hint = "the Hub asks to wait (too many requests)", "run the same command again in some minutes"
    elif status in (409, 412):
        cause, hint = "somebody else changed it at the same time", "run the same command again"
    elif status is not None and status >= 500:
        cause, hint = f"the Hub failed (HTTP {status})", "nothing is lost; run the same command again later"
    elif status is not None:
        cause, hint = f"the Hub refused (HTTP {status}): {_server_words(error)}", "see the message above"
    else:
        cause, hint = f"no connection to {hub}", "nothing is lost; run the same command again when there is one"
    return HubError(f"cannot {what}: {cause}", hint=hint)


def _why_no_hub() -> str:
    from huggingface_hub import constants

    return "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"no connection to {endpoint()}"


def _server_words(error: BaseException) -> str:
    words = getattr(error, "server_message", None) or str(error)
    return (words.strip().splitlines() or [""])[0][:200]
