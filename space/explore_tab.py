"""The tab that shows EcoTaskSet itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from space import explore, figures
from space.answer import current_source
from space.figure_box import figure_box
from space.panels import export_link
from space.words import safe

START_X, START_Y = "energy_kwh", "quality_validation"


def build_explore() -> None:
    """Filters, a figure of any two columns, a table, and files of what is shown; call inside a tab."""
    records = current_source().records
    datasets, models = explore.choices(records, explore.ANY)
    axes = explore.axis_columns()
    with gr.Row(elem_id="explore-filters"):
        domain = gr.Dropdown([("all", ""), ("images", "cv"), ("texts", "nlp"), ("recommenders", "recsys")], value="",
                             label="Domain", min_width=130, elem_id="explore-domain")  # fmt: skip
        dataset = gr.Dropdown(datasets, value="", label="Data set", min_width=150, elem_id="explore-dataset")
        model = gr.Dropdown(models, value="", label="Architecture", min_width=150, elem_id="explore-model")
        energy = gr.Dropdown([("all", ""), ("measured", "measured"), ("estimated", "estimated")], value="",
                             label="Energy known by", min_width=130, elem_id="explore-energy")  # fmt: skip
        x = gr.Dropdown(axes, value=START_X, label="Across", min_width=150, elem_id="explore-x")
        y = gr.Dropdown(axes, value=START_Y, label="Up", min_width=150, elem_id="explore-y")
    note = gr.HTML("", elem_id="explore-note")
    picture = figure_box("explore-figure")
    headers, first_rows = explore.table(records)
    start = {"headers": headers, "data": first_rows}
    cells = gr.Dataframe(
        start, interactive=False, wrap=False, show_label=False, max_height=420, elem_id="explore-table"
    )

    def show(*chosen: Any) -> list[Any]:
        rows = explore.select_runs(records, *chosen[:4])
        names, table = explore.table(rows)
        figure = explore.scatter_figure(rows, *chosen[4:6]) if rows else None
        return [_note(rows, len(records), chosen[:4]), figures.as_json(figure), {"headers": names, "data": table}]

    def narrow(*chosen: Any) -> list[Any]:
        sets, _ = explore.choices(records, chosen[0])
        kept = chosen[1] if chosen[1] in {value for _, value in sets} else ""
        _, known = explore.choices(records, chosen[0], kept)
        kept_model = chosen[2] if chosen[2] in {value for _, value in known} else ""
        result = show(chosen[0], kept, kept_model, *chosen[3:])
        return [gr.update(choices=sets, value=kept), gr.update(choices=known, value=kept_model), *result]

    inputs, outputs = [domain, dataset, model, energy, x, y], [note, picture, cells]
    quiet = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "always_last"}
    gr.on([domain.input, dataset.input], narrow, inputs, [dataset, model, *outputs], **quiet)
    gr.on([model.input, energy.input, x.input, y.input], show, inputs, outputs, **quiet)
    first = show("", "", "", "", START_X, START_Y)
    note.value, picture.value = first[0], first[1]


def _note(rows: Sequence[dict[str, Any]], total: int, chosen: Sequence[str]) -> str:
    named = dict(zip(("domain", "dataset", "model", "energy"), chosen, strict=True))
    links = " · ".join(
        f"<a href='{safe(export_link(kind, **named))}' download>{kind.upper()}</a>"
        for kind in ("csv", "json", "parquet")
    )
    words = f"{safe(explore.summary(rows, total))} Take them away: {links}"
    return f"<p class='green-prose' style='max-width:none'>{words}</p>"
