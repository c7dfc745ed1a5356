"""The words under the figures, as HTML: the recipe, how much to trust it, the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ecotaskset.knobs import KNOBS
from space import words
from space.state import DESCRIBED
from space.words import safe

if TYPE_CHECKING:
    from green_predictor.recommendation import Pick
    from space.answer import Answer
    from space.runs_table import MeasuredRun

MOST_NEAREST = 6
LEVELS = {
    "run": "This very recipe was run on this task.",
    "near": "Recipes close to this one were run on this task.",
    "thin": "Little was run near it: lean on the interval, not on the figure.",
    "far": "Far from everything that was run: a guess. One epoch of it would tell more than this page.",
}


def command_box(command: str) -> str:
    """A command with a button that copies it."""
    return (
        f"<div class='green-command'><code tabindex='0'>{safe(command)}</code>"
        f"<button class='green-copy' data-copy='{safe(command)}'>Copy</button></div>"
    )


def command_panel(answer: Answer) -> str:
    """The command that trains the choice; where nothing near it was ever run, the one that tries one epoch of it."""
    probe = answer.support.level == "far"
    recipe = answer.chosen.recipe
    box = command_box(recipe.model_copy(update={"epochs": 1}).command() if probe else recipe.command())
    own = "Put the name or place of your data where it says my-dataset." if answer.inputs.dataset == DESCRIBED else ""
    first = "One epoch, to see." if probe else ""
    notes = " ".join(filter(None, (first, own)))
    return box + (f"<p class='green-caption'>{notes}</p>" if notes else "")


def recipe_panel(pick: Pick) -> str:
    """The recipe in words: what is trained, and each knob with what it does."""
    recipe = pick.recipe
    rows = "".join(
        f"<tr><td>{safe(name.replace('_', ' '))}</td><td><b>{safe(_shown(value))}</b></td>"
        f"<td>{safe(KNOBS[name].phase)}</td><td>{safe(KNOBS[name].description)}</td></tr>"
        for name, value in recipe.knobs.items()
    )
    knobs = (
        "<div class='green-scroll'><table class='green-table'><thead><tr><th>Knob</th><th>Set to</th><th>Phase</th>"
        f"<th>What it does</th></tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else "<p>No knob is turned: everything else is at its default.</p>"
    )
    start = "from published weights" if recipe.pretrained else "from scratch"
    decay = f", weight decay {recipe.weight_decay:g}" if recipe.weight_decay else ""
    return (
        f"<div class='green-prose'><p>Train <b>{safe(recipe.model)}</b> {start} for "
        f"{words.plural(recipe.epochs, 'epoch')} with batches of {recipe.batch_size:,} examples, peak learning rate "
        f"{recipe.learning_rate:g}{decay}.</p>{knobs}</div>"
    )


def trust_panel(answer: Answer) -> str:
    """Support, and the nearest trainings that really ran, predicted and measured side by side."""
    found, pick = answer.recommendation, answer.chosen
    support = answer.support
    remarks = "".join(f"<p>{safe(_capital(remark))}.</p>" for remark in (*support.larger, *support.remarks))
    elsewhere = f" {answer.runs_elsewhere:,} more ran on other machines." if answer.runs_elsewhere else ""
    near = sorted(answer.runs, key=lambda run: _unlike(run, pick))[:MOST_NEAREST]
    rows = "".join(
        f"<tr><td>{safe(run.name)}{' <b>(this recipe)</b>' if _is_of(run, pick) else ''}</td>"
        f"<td class='n'>{words.share(run.quality)}</td><td class='n'>{words.energy(run.energy_kwh)}</td>"
        f"<td class='n'>{words.energy_range(run.energy_low_kwh, run.energy_high_kwh)}</td>"
        f"<td class='n'>{words.duration(run.duration_s)}</td>"
        f"<td><span class='green-tag {'measured' if run.counted else 'modelled'}'>"
        f"{'measured' if run.counted else 'estimated'}</span> {safe(run.source)}</td></tr>"
        for run in near
    )
    table = (
        "<h3>The nearest trainings that ran</h3><div class='green-scroll'><table class='green-table'><thead><tr>"
        f"<th>Recipe</th><th class='n'>{safe(found.metric)}</th><th class='n'>Energy</th><th class='n'>Interval</th>"
        f"<th class='n'>Time</th><th>Energy known from</th></tr></thead><tbody>{rows}</tbody></table></div>"
        if rows
        else "<p>No training of this task ran on such a machine yet.</p>"
    )
    return (
        f"<div class='green-prose' style='max-width:none'><p><b>{safe(LEVELS[support.level])}</b> Learned from "
        f"{words.plural(support.runs, 'run')}, {support.runs_on_task:,} of this task.{elsewhere} "
        f"{found.n_candidates:,} recipes were considered.</p>{remarks}{table}</div>"
    )


def compare_panel(answer: Answer) -> str:
    """Two choices side by side, with what differs between them."""
    left, right = answer.chosen, answer.versus
    if right is None:
        return "<div class='green-prose'><p>Pick a second choice above to compare with.</p></div>"
    rows = [
        ("Energy", words.energy(left.energy_kwh), words.energy(right.energy_kwh),
         words.less_energy(left.energy_kwh, right.energy_kwh)),
        ("· 90 % interval", words.energy_range(left.energy_low_kwh, left.energy_high_kwh),
         words.energy_range(right.energy_low_kwh, right.energy_high_kwh), ""),
        (f"Quality ({answer.recommendation.metric})", words.share(left.quality), words.share(right.quality),
         f"{100 * (left.quality - right.quality):+.1f} points".replace("-", "−")),
        ("· 90 % interval", words.share_range(left.quality_low, left.quality_high),
         words.share_range(right.quality_low, right.quality_high), ""),
        ("Time", words.duration(left.duration_s), words.duration(right.duration_s),
         words.less_energy(left.duration_s, right.duration_s).replace("energy", "time")),
    ]  # fmt: skip
    one, other = _settings(left), _settings(right)
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            rows.append((name.replace("_", " "), one.get(name, "default"), other.get(name, "default"), "differs"))
    body = "".join(
        f"<tr><td>{safe(a)}</td><td><b>{safe(b)}</b></td><td>{safe(c)}</td><td>{safe(d)}</td></tr>"
        for a, b, c, d in rows
    )
    return (
        "<div class='green-scroll'><table class='green-table'><thead><tr><th></th><th>The choice</th>"
        f"<th>Compared with</th><th>Difference</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def export_link(kind: str, **choices: str) -> str:
    """The address of a file of runs with these choices."""
    return f"./export/runs.{kind}?{urlencode({name: value for name, value in choices.items() if value})}"


def _settings(pick: Pick) -> dict[str, str]:
    fields = ("model", "pretrained", "epochs", "batch_size", "learning_rate", "weight_decay")
    return {name: _shown(getattr(pick.recipe, name)) for name in fields} | {
        name: _shown(value) for name, value in pick.recipe.knobs.items()
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unlike(run: MeasuredRun, pick: Pick) -> tuple[bool, bool, float]:
    import math

    distance = abs(math.log(run.energy_kwh / pick.energy_kwh)) + 3 * abs(run.quality - pick.quality)
    return not _is_of(run, pick), run.model != pick.recipe.model, distance


def _is_of(run: MeasuredRun, pick: Pick) -> bool:
    """Is it a run of this recipe, on whatever number of threads?"""
    return run.recipe_id == pick.choice


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")
