"""The page: what is where, and what happens when something is touched. Words and figures are made elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from space import api, explore_tab, texts, view
from space.answer import complete, current_source
from space.describe_upload import describe_and_delete
from space.figure_box import figure_box
from space.form import OWN_MACHINE, PRESETS, Form, build_form, read, shown_groups, write
from space.state import DESCRIBED, Inputs, from_query
from space.task_fields import FIELD_NAMES
from space.words import safe

RESTORED = "() => { window.greenRestored(); }"
ADDRESS = "(query) => { window.greenAddress(query); }"
SILENT = {"api_visibility": "private", "show_progress": "hidden"}
LIVE = SILENT | {"trigger_mode": "always_last", "concurrency_limit": 8, "concurrency_id": "answers"}


def build() -> gr.Blocks:
    """The whole app, ready to launch with `space.app.launch`."""
    with gr.Blocks(title="GREEN: what a training will cost, before it runs", analytics_enabled=False,
                   delete_cache=(600, 600)) as page:  # fmt: skip
        gr.HTML(texts.header(current_source()), elem_id="green-header")
        restored = gr.HTML("", elem_id="green-restored")
        with gr.Tabs(elem_id="green-pages"):
            with gr.Tab("Choose", id="choose"), gr.Row(elem_id="green-choose", equal_height=False):
                with gr.Column(scale=0, min_width=300, elem_id="green-inputs"):
                    form = build_form()
                with gr.Column(scale=1, min_width=320, elem_id="green-answer"):
                    shown = _answer_column()
            with gr.Tab("Explore the runs", id="explore"):
                explore_tab.build_explore()
            with gr.Tab("Contribute", id="contribute"):
                gr.HTML(texts.contribute())
            with gr.Tab("How this is known", id="method"):
                gr.HTML(texts.method(current_source()))
        _wire(page, form, shown, restored)
        gr.api(api.recommend, api_name="recommend", concurrency_limit=8, concurrency_id="answers")
    return page


def _answer_column() -> dict[str, Any]:
    shown: dict[str, Any] = {}
    shown["card"] = gr.HTML("", elem_id="green-card")
    shown["front"] = figure_box("green-front")
    with gr.Row(elem_id="green-take", equal_height=False):
        with gr.Column(scale=3, min_width=280):
            shown["command"] = gr.HTML("", elem_id="green-command")
        shown["pick"] = gr.Dropdown(
            [("The recommended one", "")],
            value="",
            label="Look at another choice, or click it above",
            scale=2,
            min_width=240,
            elem_id="green-pick",
        )
    with gr.Tabs(elem_id="green-details"):
        with gr.Tab("The recipe"):
            shown["recipe"] = gr.HTML("")
        with gr.Tab("Why: change by change"):
            shown["steps_note"] = gr.HTML("")
            shown["steps"] = figure_box("green-steps")
        with gr.Tab("Curves and phases"):
            shown["curves"] = figure_box("green-curves")
            shown["phases_note"] = gr.HTML("")
            shown["phases"] = figure_box("green-phases")
        with gr.Tab("How sure"):
            shown["trust"] = gr.HTML("")
        with gr.Tab("Compare"):
            shown["versus"] = gr.Dropdown([("The most accurate one", "")], value="", label="Compare the choice with",
                                          elem_id="green-versus")  # fmt: skip
            shown["compare"] = gr.HTML("")
        with gr.Tab("Take away"):
            shown["take_away"] = gr.HTML("", elem_id="green-take-away")
    shown["query"] = gr.Textbox("", visible="hidden", elem_id="green-query", label="query")
    _fill(shown)
    return {name: shown[name] for name in view.OUTPUTS}


def _fill(shown: dict[str, Any]) -> None:
    """Put the first answer into the page as it is sent, so that it is there before anything is asked."""
    for name, value in zip(view.OUTPUTS, view.show(complete(Inputs())), strict=True):
        if isinstance(value, dict):
            shown[name].choices = value["choices"]
        elif name != "query":
            shown[name].value = value


def _wire(page: gr.Blocks, form: Form, shown: dict[str, Any], restored: gr.HTML) -> None:
    values, outputs = form.values(), list(shown.values())
    everything = [*values, shown["pick"], shown["versus"]]
    groups = [form.described, form.machine_group]

    def react(*given: Any) -> list[Any]:
        return view.show(replace(read(*given[:-2]), pick=given[-2] or "", versus=given[-1] or ""))

    def ask_anew(*given: Any) -> list[Any]:
        return view.show(read(*given))

    def change_domain(*given: Any) -> list[Any]:
        asked = complete(replace(read(*given), dataset="", task={}, loss=None, kwh=None, hours=None))
        return [*write(asked), *shown_groups(asked), *view.show(asked)]

    def change_group(*given: Any) -> list[Any]:
        return [gr.update(visible=given[1] == DESCRIBED), gr.update(visible=given[2 + len(FIELD_NAMES)] == OWN_MACHINE)]

    gr.on([form.domain.input], change_domain, values, [*values, *groups, *outputs], **LIVE)
    gr.on([form.dataset.input, form.machine.input], change_group, values, groups, **SILENT)
    typed = [c for c in values if c is not form.domain]
    gr.on([c.input for c in typed], ask_anew, values, outputs, **LIVE)
    gr.on([shown["pick"].input, shown["versus"].input], react, everything, outputs, **LIVE)

    def clicked(event: gr.EventData, *given: Any) -> list[Any]:
        return view.show(replace(read(*given[:-2]), pick=str(event.value), versus=given[-1] or ""))

    shown["front"].select(clicked, everything, outputs, **LIVE)

    for name, button in form.presets.items():

        def preset(*given: Any, weight: int = PRESETS[name][0], loss: float | None = PRESETS[name][1]) -> list[Any]:
            asked = replace(read(*given), energy=weight, loss=loss)
            return [weight, loss, *view.show(asked)]

        button.click(preset, values, [form.energy, form.loss, *outputs], **LIVE)

    def reset() -> list[Any]:
        asked = complete(Inputs())
        return [*write(asked), *shown_groups(asked), None, "", *view.show(asked)]

    form.reset.click(reset, None, [*values, *groups, form.upload, form.upload_note, *outputs], **LIVE)

    def described(path: str | None, *given: Any) -> list[Any]:
        return _described(path, *given)

    form.upload.upload(described, [form.upload, *values], [*values, form.upload, form.upload_note, *outputs], **LIVE)

    def restore(request: gr.Request) -> list[Any]:
        if not set(request.query_params) - {"__theme"}:
            return [gr.skip()] * (1 + len(values) + len(groups) + len(outputs))
        asked, complaints = from_query(dict(request.query_params))
        asked = complete(asked)
        words = "".join(f"<div class='green-complaint' role='status'>{safe(text)}</div>" for text in complaints)
        return [words, *write(asked), *shown_groups(asked), *view.show(asked)]

    loaded = page.load(restore, None, [restored, *values, *groups, *outputs], **SILENT)
    loaded.then(None, None, None, js=RESTORED)
    shown["query"].change(None, shown["query"], None, js=ADDRESS)


def _described(path: str | None, *given: Any) -> list[Any]:
    """Fill the form from a dropped file; the file is deleted before anything is shown."""
    from ecotaskset.errors import RefusedError

    asked = replace(read(*given), dataset=DESCRIBED)
    try:
        if path is None:
            raise RefusedError("no file arrived", hint="drop it again")
        found = describe_and_delete(path)
        asked = replace(asked, domain=found.domain, task=dict(found.task))
        note = " ".join([found.how, *found.notes, "The file is deleted; only these numbers are kept, in your link."])
        words = f"<p class='green-caption' role='status'>{safe(note)}</p>"
    except RefusedError as error:
        message = f"{error.message}. {error.hint[:1].upper()}{error.hint[1:]}." if error.hint else error.message
        words = f"<div class='green-complaint' role='alert'>{safe(message)}</div>"
    return [*write(asked), None, words, *view.show(asked)]
