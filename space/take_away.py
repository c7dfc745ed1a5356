"""The same answer elsewhere: a link, files, and the call that gives it in Python, on the command line, over the API."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from space.answer import current_source
from space.api import api_arguments
from space.cli import DEFAULT_HOST, DEFAULT_PORT
from space.question import settled
from space.state import to_query
from space.words import safe

if TYPE_CHECKING:
    from space.answer import Answer


def take_away_panel(answer: Answer, space_id: str | None = None) -> str:
    """The same answer elsewhere: a link, files, Python, the command line, the API of this page."""
    query = to_query(answer.inputs)
    link = (
        f"data-copy='https://huggingface.co/spaces/{safe(space_id)}?{safe(query)}'"
        if space_id
        else "data-address='yes'"
    )
    files = " · ".join(
        f"<a href='./export/front.{kind}?{safe(query)}' download>{kind.upper()}</a>" for kind in ("csv", "json")
    )
    return (
        "<div class='green-prose'>"
        f"<p><button class='green-copy' {link}>Copy link to this view</button> &nbsp; "
        "<button class='green-copy' data-picture='green-front' data-name='green-front'>Save the figure (PNG)</button>"
        f" &nbsp; The front as {files}</p>"
        + _snippet("Python", python_snippet(answer))
        + _snippet("Command line", command_line(answer))
        + _snippet("This page’s API", client_snippet(answer, space_id))
        + "</div>"
    )


def _snippet(title: str, text: str) -> str:
    button = f"<button class='green-copy' data-copy='{safe(text)}'>Copy</button>"
    return f"<h3>{safe(title)}{button}</h3><pre tabindex='0'>{safe(text)}</pre>"


def python_snippet(answer: Answer) -> str:
    """The call that gives this answer."""
    arguments = ",\n    ".join(f"{name}={value!r}" for name, value in _arguments(answer).items())
    start = f"{_unsaid()}from green_predictor import recommend"
    return f"{start}\n\nr = recommend(\n    {arguments},\n)\nprint(r.verdict)\nprint(r.command)"


def command_line(answer: Answer) -> str:
    """The command that gives this answer."""
    parts = ["green-recommend"]
    for name, value in _arguments(answer).items():
        if name == "prefer":
            value = f"energy={value['energy']:g}"
        parts += [f"--{name.replace('_', '-')}", json.dumps(value) if isinstance(value, dict) else str(value)]
    return _unsaid() + shlex.join(parts)


def client_snippet(answer: Answer, space_id: str | None = None) -> str:
    """The same through this page's API."""
    arguments = ",\n    ".join(f"{name}={value!r}" for name, value in api_arguments(answer.inputs).items())
    place = space_id or f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
    return (
        f"from gradio_client import Client\n\nclient = Client({place!r})  # where this page is served\n"
        f'answer = client.predict(\n    {arguments},\n    api_name="/recommend",\n)\nprint(answer["verdict"])'
    )


def _arguments(answer: Answer) -> dict[str, Any]:
    """The arguments of `recommend`, among them the runs or the predictor in use where they can be named."""
    place = current_source().place
    return settled(answer.inputs.recommend_arguments()) | ({} if place is None else {"data": place})


def _unsaid() -> str:
    """A line of comment where the answer stands on something that no call can name; else nothing."""
    used = current_source()
    if used.data is None or used.place is not None:
        return ""
    return f"# answered from {used.note} with {used.predictor}, which no call can name: this one may answer otherwise\n"
