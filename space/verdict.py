"""The answer as one sentence and four figures, honest about what the data cannot tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from green_predictor.domain_model import variance_for
from green_predictor.link import logit
from green_predictor.targets import ENERGY, QUALITY
from green_predictor.verdict import differ
from space import words
from space.words import safe

if TYPE_CHECKING:
    import numpy as np

    from green_predictor.recommendation import Pick
    from space.answer import Answer, NoAnswer

SMALL_POINTS = 1.0
"""Percentage points of expected quality below which two choices that cannot be told apart are called the same."""


def headline(answer: Answer) -> tuple[str, bool]:
    """One sentence, and whether it is one of doubt."""
    found = answer.recommendation
    spread = variance_for(found.model, found.evidence.basis)
    chosen, short = answer.chosen, short_name(answer.chosen)
    far = answer.support.level == "far"
    if far and answer.is_recommended:
        return f"Too far from what was run to promise anything of {short}: train one epoch of it first.", True
    if not answer.is_recommended:
        best = found.best
        saving = words.less_energy(chosen.energy_kwh, best.energy_kwh)
        than = "as" if "same" in saving else "of" if "×" in saving else "than"
        guess = "; but it is a guess, nothing like it was run" if far else ""
        against = _against(chosen, best, spread)
        return f"Your choice, {short}: {saving} {than} the recommended one, {against}{guess}.", far
    top = found.most_accurate
    if chosen.recipe == top.recipe:
        return _beside_a_cheaper_one(chosen, found.alternatives["cheaper"], spread)
    saving = words.less_energy(chosen.energy_kwh, top.energy_kwh)
    cheaper, worse = energies_differ(chosen, top, spread), qualities_differ(chosen, top, spread)
    if not (cheaper or worse):
        return f"Take {short}: the data can’t tell it from the best, neither in quality nor in energy.", False
    if not cheaper:
        return f"Take {short}, but whether it needs less energy than the best, the data can’t tell.", True
    if not worse:
        points = 100 * (top.quality - chosen.quality)
        if points < SMALL_POINTS:
            return f"Take {short}: the same quality as the best within the doubt, {saving}.", False
        lower = f"whether its quality is {words.number(points, 2)} points lower, the data can’t tell"
        return f"Take {short}: {saving} than the best; {lower}.", False
    return f"Take {short}: {words.share(chosen.quality / max(top.quality, 1e-9))} of the best quality, {saving}.", False


def _beside_a_cheaper_one(chosen: Pick, cheaper: Pick | None, spread: np.ndarray) -> tuple[str, bool]:
    short = short_name(chosen)
    if cheaper is None or (cheaper.quality < chosen.quality and qualities_differ(cheaper, chosen, spread)):
        return f"Take {short}: nothing else is expected to be better, whatever it costs.", False
    other = f"{short_name(cheaper)} for {words.energy(cheaper.energy_kwh)}"
    if cheaper.quality >= chosen.quality:
        return f"Take {short}, the surest: {other} promises as much, but what was run speaks less for it.", False
    return f"Take {short}, but whether it is better than {other}, the data can’t tell.", True


def energies_differ(one: Pick, other: Pick, spread: np.ndarray) -> bool:
    """Whether the energies of two candidates of one task can be told apart. `spread`: see `variance_for`, (3,)."""
    return differ(math.log(one.energy_kwh), math.log(other.energy_kwh), spread[ENERGY])


def qualities_differ(one: Pick, other: Pick, spread: np.ndarray) -> bool:
    """Whether the qualities of two candidates of one task can be told apart. `spread`: see `variance_for`, (3,)."""
    return differ(float(logit(one.quality)), float(logit(other.quality)), spread[QUALITY])


def short_name(pick: Pick, most_knobs: int = 2) -> str:
    """`resnet-tiny, 5 epochs, bf16, 70 % of the data`, as people say it; further knobs are counted."""
    recipe = pick.recipe
    knobs = [knob_words(name, value) for name, value in recipe.knobs.items()]
    more = len(knobs) - most_knobs
    if more > 1:
        knobs = [*knobs[:most_knobs], f"{more} more knobs"]
    start = " (pretrained)" if recipe.pretrained else ""
    return ", ".join([f"{recipe.model}{start}", words.plural(recipe.epochs, "epoch"), *knobs])


def knob_words(name: str, value: Any) -> str:
    """One knob in few words: `1 CPU thread`, `one-cycle schedule`, `bf16`, `no cached preprocessing`."""
    plain = name.replace("_", " ")
    spoken = {
        "data_fraction": lambda: f"{100 * float(value):.3g} % of the data",
        "precision": lambda: str(value),
        "optimizer": lambda: str(value),
        "cpu_threads": lambda: words.plural(int(value), "CPU thread"),
        "schedule": lambda: f"{str(value).replace('_', '-')} schedule",
        "input_size": lambda: f"input size {value}",
    }
    if name in spoken:
        return spoken[name]()
    if isinstance(value, bool):
        return plain if value else f"no {plain}"
    return f"{plain} {value:g}" if isinstance(value, float) else f"{plain} {value}"


def card(answer: Answer) -> str:
    """The verdict card as HTML."""
    found, pick = answer.recommendation, answer.chosen
    sentence, doubt = headline(answer)
    facts = [
        ("Energy", words.energy(pick.energy_kwh), words.energy_range(pick.energy_low_kwh, pick.energy_high_kwh)),
        (
            f"Quality ({found.metric})",
            words.share(pick.quality),
            words.share_range(pick.quality_low, pick.quality_high),
        ),
        ("Time", words.duration(pick.duration_s), words.duration_range(pick.duration_low_s, pick.duration_high_s)),
    ]
    if pick.emissions_kg is not None and found.intensity:
        low, high = (kwh * found.intensity[0] / 1000 for kwh in (pick.energy_low_kwh, pick.energy_high_kwh))
        facts.append(("CO₂ equivalent", words.mass(pick.emissions_kg), f"{words.mass(low)}–{words.mass(high)}"))
    rows = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(value)}<small>{safe(interval)}</small></dd></div>"
        for name, value, interval in facts
    )
    based = (
        f"<span class='green-tag predicted'>predicted</span> with 90 % intervals from "
        f"{words.plural(found.support.runs, 'run')}, "
        + (f"{found.support.runs_on_task:,} of this task" if found.support.runs_on_task else "none of this task")
        + f" · {safe(machine_note(answer))}"
    )
    whole = safe(sentence).replace(" %", "&nbsp;%")  # no line ends between a number and its unit
    return (
        f"<section class='green-verdict{' doubt' if doubt else ''}' aria-live='polite' id='green-sentence'>"
        f"<h1>{whole}</h1><dl class='green-facts'>{rows}</dl><p>{based}</p>{chips(answer)}</section>"
    )


def machine_note(answer: Answer) -> str:
    """The machine the figures are for, and where that is known from."""
    from space.runs_table import machine_words

    found = answer.recommendation
    return f"on {machine_words(found.hardware)} ({found.hardware_basis})"


def chips(answer: Answer) -> str:
    """The limits that are active, as small labels."""
    inputs = answer.inputs
    active = [
        *([f"at most {words.number(inputs.loss)} % worse"] if inputs.loss is not None else []),
        *([f"at most {words.energy(inputs.kwh)}"] if inputs.kwh is not None else []),
        *([f"at most {words.duration(inputs.hours * 3600)}"] if inputs.hours is not None else []),
        *([f"grid: {inputs.country}, {words.number(answer.recommendation.intensity[0])} g/kWh"]
          if inputs.country and answer.recommendation.intensity else []),
    ]  # fmt: skip
    return f"<div class='green-chips'>{''.join(f'<span>{safe(c)}</span>' for c in active)}</div>" if active else ""


def no_card(nothing: NoAnswer) -> str:
    """The same place, when there is no answer: what is wrong and what would help."""
    hint = f"<p>{safe(sentence_case(nothing.hint))}</p>" if nothing.hint else ""
    return (
        "<section class='green-verdict doubt' aria-live='polite' id='green-sentence'>"
        f"<h1>{safe(sentence_case(nothing.message))}</h1>{hint}</section>"
    )


def sentence_case(text: str) -> str:
    """First letter large, a stop at the end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _against(one: Pick, other: Pick, spread: np.ndarray) -> str:
    points = 100 * (one.quality - other.quality)
    difference = f"{words.number(abs(points), 2)} points {'better' if points > 0 else 'worse'}"
    if qualities_differ(one, other, spread):
        return difference
    small = abs(points) < SMALL_POINTS
    return "quality the same within the doubt" if small else f"perhaps {difference}, the data can’t tell"
