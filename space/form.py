"""The left column: what the task is, where it runs, what matters. Components in a fixed order ↔ `Inputs`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecotaskset.carbon import countries, grid
from green_predictor.kept import kept
from space.answer import complete, current_source
from space.runs_table import known_datasets, machine_words
from space.sources import space_id
from space.state import DESCRIBED, Inputs
from space.task_fields import FIELD_BY_NAME, FIELD_NAMES, TASK_FIELDS, labels

if TYPE_CHECKING:
    import gradio as gr

DOMAINS = [("Images", "cv"), ("Texts", "nlp"), ("Recommenders", "recsys")]
OWN_MACHINE = "own"
PRESETS = {"Best quality": (5, None), "Balanced": (50, None), "Greenest": (100, 1.0)}
"""Label → (weight of energy in %, most quality to lose in %)."""


@dataclass(frozen=True)
class Form:
    """The components; `values()` is the order in which callbacks get and give them."""

    domain: gr.Radio
    dataset: gr.Dropdown
    task: dict[str, gr.Number]
    machine: gr.Dropdown
    machine_text: gr.Textbox
    country: gr.Dropdown
    energy: gr.Slider
    loss: gr.Number
    kwh: gr.Number
    hours: gr.Number
    described: gr.Group
    machine_group: gr.Group
    upload: gr.File
    upload_note: gr.HTML
    presets: dict[str, gr.Button]
    reset: gr.Button

    def values(self) -> list[Any]:
        """Inputs of every callback, in the order `read` expects."""
        return [
            self.domain, self.dataset, *self.task.values(), self.machine, self.machine_text, self.country, self.energy,
            self.loss, self.kwh, self.hours,
        ]  # fmt: skip


def build_form() -> Form:
    """Lay the form out; call inside a column."""
    import gradio as gr

    start = complete(Inputs())
    domain = gr.Radio(DOMAINS, value=start.domain, label="Task", elem_id="green-domain")
    dataset = gr.Dropdown(dataset_choices(start.domain), value=start.dataset, label="Data set", elem_id="green-dataset",
                          filterable=True)  # fmt: skip
    with gr.Group(visible=start.dataset == DESCRIBED, elem_id="green-described") as described:
        task = {}
        for name in FIELD_NAMES:
            field = FIELD_BY_NAME[name]
            task[name] = gr.Number(
                None, label=field.label, minimum=0, precision=0 if field.whole else None,
                placeholder=f"e.g. {field.example:,g}", elem_id=f"green-{name}",
                visible=name in {f.name for f in TASK_FIELDS[start.domain]},
            )  # fmt: skip
        upload = gr.File(
            label="… or drop a CSV, or a zip of images: it is counted, then deleted", height=118,
            file_types=[".csv", ".tsv", ".txt", ".zip"], elem_id="green-upload",
        )  # fmt: skip
        upload_note = gr.HTML("", elem_id="green-upload-note")
    machine = gr.Dropdown(machine_choices(), value="auto", label="Machine", elem_id="green-machine")
    with gr.Group(visible=False) as machine_group:
        machine_text = gr.Textbox(
            "", label="What `green-collect --doctor --json` prints there", lines=3, max_lines=6,
            placeholder='{"gpu_model": "RTX 4090", …}', elem_id="green-machine-text",
        )  # fmt: skip
    energy = gr.Slider(0, 100, value=start.energy, step=1, label="Weight of energy, %", elem_id="green-energy")
    gr.HTML("<div class='green-ends'><span>← best quality</span><span>least energy →</span></div>")
    with gr.Row(elem_id="green-presets"):
        presets = {name: gr.Button(name, size="sm", elem_id=f"green-preset-{i}") for i, name in enumerate(PRESETS)}
    with gr.Accordion("Limits and CO₂", open=False, elem_id="green-limits"):
        with gr.Row():
            loss = gr.Number(
                None, label="Worse by at most (%)", minimum=0, maximum=100, min_width=120, elem_id="green-loss"
            )
            kwh = gr.Number(None, label="Energy at most (kWh)", minimum=0, min_width=120, elem_id="green-kwh")
        with gr.Row():
            hours = gr.Number(None, label="Time at most (hours)", minimum=0, min_width=120, elem_id="green-hours")
            country = gr.Dropdown(
                country_choices(), value="", label="Grid, for CO₂", min_width=120, elem_id="green-country"
            )
    reset = gr.Button("Reset", size="sm", variant="secondary", elem_id="green-reset")
    return Form(
        domain, dataset, task, machine, machine_text, country, energy, loss, kwh, hours, described, machine_group,
        upload, upload_note, presets, reset,
    )  # fmt: skip


def read(*values: Any) -> Inputs:
    """What the components hold, in the order of `Form.values`, as `Inputs`."""
    domain, dataset = values[:2]
    numbers = values[2 : 2 + len(FIELD_NAMES)]
    machine, machine_text, country, energy, loss, kwh, hours = values[2 + len(FIELD_NAMES) :]
    task = {name: float(value) for name, value in zip(FIELD_NAMES, numbers, strict=True) if value is not None}
    if machine == OWN_MACHINE:
        machine = machine_text.strip() or "auto"
    mine = {field.name for field in TASK_FIELDS[domain]}
    return Inputs(
        domain=domain,
        dataset=dataset or "",
        task={name: value for name, value in task.items() if name in mine} if dataset == DESCRIBED else {},
        machine=machine or "auto",
        country=country or "",
        energy=round(energy if energy is not None else 50),
        loss=loss,
        kwh=kwh,
        hours=hours,
    )


def write(inputs: Inputs) -> list[Any]:
    """What to put into the components, in the order of `Form.values`, so that they show these inputs."""
    import gradio as gr

    inputs = complete(inputs)
    own = inputs.machine.startswith("{")
    named = labels(inputs.domain)
    known = {value for _, value in machine_choices()}
    machine = OWN_MACHINE if own else inputs.machine
    offered = machine_choices() if machine in known else [*machine_choices(), (machine, machine)]
    datasets = dataset_choices(inputs.domain)
    if inputs.dataset not in {value for _, value in datasets}:
        datasets = [*datasets, (f"{inputs.dataset} (unknown)", inputs.dataset)]
    return [
        gr.update(value=inputs.domain),
        gr.update(choices=datasets, value=inputs.dataset),
        *(
            gr.update(value=inputs.task.get(name), visible=name in named, label=named.get(name, name))
            for name in FIELD_NAMES
        ),
        gr.update(choices=offered, value=machine),
        gr.update(value=inputs.machine if own else ""),
        gr.update(value=inputs.country),
        gr.update(value=inputs.energy),
        gr.update(value=inputs.loss),
        gr.update(value=inputs.kwh),
        gr.update(value=inputs.hours),
    ]


def shown_groups(inputs: Inputs) -> list[Any]:
    """Visibility of the description and of the machine's text."""
    import gradio as gr

    return [gr.update(visible=inputs.dataset == DESCRIBED), gr.update(visible=inputs.machine.startswith("{"))]


def dataset_choices(domain: str) -> list[tuple[str, str]]:
    """The data sets that were trained on, and the way to describe another."""
    return [*known_datasets(current_source().records, domain), ("My own: describe it …", DESCRIBED)]


@kept(2)
def _collected(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [r for r in records if r.get("origin") == "collected"]


def machine_choices() -> list[tuple[str, str]]:
    """Machines in the data, known accelerators, and a pasted description."""
    from green_predictor.accelerators import ACCELERATORS
    from green_predictor.machines import machines

    found = machines(_collected(current_source().records))
    names = {str(m.get("gpu_model") or m.get("cpu_model")): machine_words(m) for m in found}
    seen = [(f"{shown} · in the data", name) for name, shown in names.items() if name != "None"]
    sheets = [(f"{name} · from its data sheet", name) for name in ACCELERATORS if name not in names]
    nearest = "The commonest in the data" if space_id() else "This computer, or the nearest"
    return [(nearest, "auto"), *seen, *sheets, ("Like mine: paste …", OWN_MACHINE)]


def country_choices() -> list[tuple[str, str]]:
    """Grids with a published intensity; none by default, because energy is what is predicted."""
    named = sorted((grid(code).country, code) for code in countries())
    return [("none", ""), *named]


def machine_from(text: str) -> str:
    """Hardware columns from what a person pasted: the doctor's JSON or a plain object; compact JSON.

    Raises:
        UsageError: not JSON, or no hardware in it.
    """
    from ecotaskset.errors import UsageError
    from green_predictor.machines import hardware_columns

    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the machine's description is not JSON: {error}", hint="paste all of what it printed"
        ) from None
    parts = [given, *(v for v in given.values() if isinstance(v, dict))] if isinstance(given, dict) else []
    found = {
        name: part[name]
        for part in parts
        for name in hardware_columns()
        if isinstance(part.get(name), (str, int, float, bool))
    }
    if not found:
        raise UsageError("there is no hardware in that text", hint="paste what `green-collect --doctor --json` printed")
    return json.dumps(found, separators=(",", ":"))
