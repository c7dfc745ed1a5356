"""A Plotly figure inside a page: drawn by the browser from JSON, redrawn in place, points that can be clicked.

Gradio's own plot is built anew at every change, which flickers under a slider and tells nobody what was clicked.
Plotly's script is served from the installed package, so that no page ever asks another host for anything.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr
    from starlette.requests import Request
    from starlette.responses import Response

HERE = Path(__file__).parent


def figure_box(elem_id: str, value: str = "") -> gr.HTML:
    """An empty place for a figure; its value is the figure's JSON; its event `select` carries `value`, a recipe id."""
    import gradio as gr

    return gr.HTML(
        value,
        html_template="<div class='green-figure'></div>",
        js_on_load="window.greenFigure(element, props, trigger, watch);  // may trigger 'select'",
        elem_id=elem_id,
        apply_default_css=False,
    )


@cache
def script_name() -> str:
    """Carries the version, so that a browser may keep it for good."""
    import plotly

    return f"plotly-{plotly.__version__}.min.js"


def page_head() -> str:
    """What goes into the page's head: the figure library, and the page's own few functions."""
    own = (HERE / "browser.js").read_text(encoding="utf-8")
    name = f"./{script_name()}"
    ahead = f"<link rel='preload' as='script' href='{name}'>"
    return f"{ahead}<script>window.greenLibrary = '{name}';</script><script>{own}</script>"


def plotly_script(request: Request) -> Response:
    """The figure library."""
    from starlette.responses import Response

    headers = {"content-encoding": "gzip", "cache-control": "public, max-age=31536000, immutable"}
    return Response(_packed(), media_type="text/javascript", headers=headers)


@cache
def _packed() -> bytes:
    import plotly

    return gzip.compress((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes(), 6)


def routes() -> list[Any]:
    """The route that serves the library."""
    from starlette.routing import Route

    return [Route(f"/{script_name()}", plotly_script)]
