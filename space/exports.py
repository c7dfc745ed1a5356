"""Files of what is on the screen, at addresses that carry the whole question; made on request, never on a disk."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from space.answer import NoAnswer, answer, current_source
from space.explore import select_runs
from space.state import from_query

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
MEDIA = {"csv": "text/csv; charset=utf-8", "json": "application/json", "parquet": "application/vnd.apache.parquet"}


def csv_text(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Rows as CSV in which no text cell can be a formula: such a cell is led by an apostrophe. Null is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([inert(column) for column in columns])
    writer.writerows([[inert(_cell(row.get(column))) for column in columns] for row in rows])
    return out.getvalue()


def inert(value: Any) -> Any:
    """A cell that spreadsheets will not run: text that starts like a formula gets an apostrophe; numbers stay."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return json.dumps(value, default=str)
    return "" if value is None else value


def front_file(request: Request) -> Response:
    """`/export/front.csv` and `/export/front.json`: the front for the question in the query string."""
    from starlette.responses import JSONResponse, PlainTextResponse

    kind = request.path_params["kind"]
    inputs, _ = from_query(request.query_params)
    found = answer(inputs)
    if isinstance(found, NoAnswer):
        return PlainTextResponse(" ".join(filter(None, (found.message, found.hint))), 400)
    if kind == "json":
        return JSONResponse(found.recommendation.to_dict(), headers=_named("green-front.json"))
    table = found.recommendation.to_pandas()
    return _file(csv_text(table.to_dict("records"), list(table.columns)).encode(), "csv", "green-front")


def runs_file(request: Request) -> Response:
    """`/export/runs.csv`, `.json` and `.parquet`: runs of EcoTaskSet, filtered as on the page."""
    kind = request.path_params["kind"]
    chosen = {name: request.query_params.get(name, "") for name in ("domain", "dataset", "model", "energy")}
    rows = select_runs(current_source().records, **chosen)
    columns = list(rows[0]) if rows else []
    if kind == "csv":
        content = csv_text(rows, columns).encode()
    elif kind == "json":
        content = json.dumps(rows, default=str, allow_nan=False).encode()
    else:
        content = _parquet(rows)
    return _file(content, kind, "ecotaskset-runs")


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), out, compression="zstd")
    return out.getvalue()


def _file(content: bytes, kind: str, name: str) -> Response:
    from starlette.responses import Response

    return Response(content, media_type=MEDIA[kind], headers=_named(f"{name}.{kind}"))


def _named(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def routes() -> list[Any]:
    """The routes of this file."""
    from starlette.routing import Route

    return [
        Route("/export/front.{kind}", _only(("csv", "json"), front_file)),
        Route("/export/runs.{kind}", _only(("csv", "json", "parquet"), runs_file)),
    ]


def _only(kinds: tuple[str, ...], make: Any) -> Any:
    from starlette.responses import PlainTextResponse

    def endpoint(request: Request) -> Response:
        if request.path_params["kind"] not in kinds:
            return PlainTextResponse(f"choose from: {', '.join(kinds)}", 404)
        return make(request)

    return endpoint
