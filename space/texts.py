"""The standing texts of the page, with the figures of the data in use filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.panels import command_box
from space.words import safe

if TYPE_CHECKING:
    from space.sources import Source


def header(source: Source) -> str:
    """Name, promise, and which data and version answer."""
    warning = f"<div class='green-complaint' role='status'>{safe(source.warning)}</div>" if source.warning else ""
    promise = "What a training will cost, and how good it will be, before you train."
    note = f"{safe(source.note)} · {safe(source.predictor)}"
    return f"<div class='green-head'><b>GREEN</b><span>{promise}</span><small>{note}</small></div>{warning}"


def contribute() -> str:
    """How a run of one's own gets into the data."""
    return f"""<div class='green-prose'>
<h3>Your trainings make the next answer better</h3>
<p>A run of yours, on your data and machine, is worth more than many of ours. Train and meter it:</p>
{command_box("green-collect --domain cv --dataset digits --model resnet-tiny --epochs 5")}
<p>See what would leave your machine, and then send it as a pull request. Host names, user names and paths are never in
a run; the checks that a release runs are run before anything is sent.</p>
{command_box("green-collect --push --dry-run")}
{command_box("green-collect --push")}
<p>No counter for energy on your machine? The doctor says what would help, and runs with estimated energy are welcome
too: they are marked as such everywhere.</p>
{command_box("green-collect --doctor")}
</div>"""


def method(source: Source) -> str:
    """Where the figures come from and what they are not."""
    return f"""<div class='green-prose'>
<h3>What is measured</h3>
<p>Every run carries its energy by component, with the counter it was read from.
<span class='green-tag measured'>measured</span> means that a hardware counter was read before and after.
<span class='green-tag modelled'>estimated</span> means that no counter was there, and the energy was computed from
processor time and memory; the constants are in the row, and the interval says how far off it may be. Filled points in
the figure are trainings that ran; where the point is a square, its energy is estimated.</p>
<h3>What is predicted</h3>
<p><span class='green-tag predicted'>predicted</span> figures come from a model that learned from these runs. The bars
are 90 % intervals, calibrated on runs the model had not seen: nine in ten trainings should end inside. Two choices
whose difference is smaller than the doubt are said to be the same, not ranked.</p>
<h3>What is not in it</h3>
<p>Making and cooling the hardware, searching for the recipe, and using the model afterwards. CO₂ is the energy times
the yearly mean intensity of the grid you name (Our World in Data, CC-BY-4.0), and it is left out when you name
none.</p>
<h3>What answers here</h3>
<p>{safe(source.note)}, {safe(source.predictor)}. Nothing you type or drop is kept on the server; a link to this
page holds all of it.</p>
</div>"""
