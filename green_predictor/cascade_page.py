"""The cascade as one HTML file to send around: the waterfall as vector graphics and all tables, nothing loaded."""

from __future__ import annotations

import html
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ecotaskset.store import write_atomically
from green_predictor.cascade_command import tables
from green_predictor.cascade_figure import waterfall_figure

if TYPE_CHECKING:
    from green_predictor.cascade import Cascade

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1f2933}"
    "svg{width:100%;height:auto}table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #e4e7eb}"
    "th:first-child,td:first-child{text-align:left}"
)


def cascade_page(analysis: Cascade, path: Path) -> None:
    """Write the page.

    Raises:
        UsageError: the file cannot be written.
    """
    drawn = io.StringIO()
    waterfall_figure(analysis).savefig(drawn, format="svg")
    svg = drawn.getvalue()
    found = analysis.to_dict()
    title = f"{found['domain']} · {found['dataset']} · {found['model']}"
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>",
        svg[svg.index("<svg") :],
    ]
    for heading, titles, rows in tables(found):
        parts += [f"<h2>{html.escape(heading)}</h2>", _table(titles, rows)]
    content = "".join([*parts, "</body></html>\n"]).encode()
    write_atomically(path, content, hint="choose another place, for example --plot cascade.html")


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{html.escape(t)}</th>" for t in titles)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
