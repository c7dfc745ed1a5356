"""What knobs do alone and together: the baseline, every knob, pairs across phases, and stacks that grow knob by knob.

green-collect --campaign cascade

One text task and one image task, three seeds, a few seconds a run. Seeds go round and round: the first third of the
runs is the whole design once, so that a campaign cut short (`--limit`) is a design all the same, and drift of the
machine falls on all recipes alike. Compiled runs, by far the slowest, come after all others.
"""

from itertools import combinations, pairwise

from ecotaskset.errors import UsageError
from ecotaskset.knobs import PHASES, check_knobs

SEEDS = (0, 1, 2)
TEXT = {
    "domain": "nlp", "dataset": "movie_reviews-strong", "model": "bert-tiny", "epochs": 3, "batch_size": 32,
    "learning_rate": 0.002,
}  # fmt: skip
"""Steps enough that half of the examples still learn: at batch 64 and rate 0.001 they stay at chance."""
IMAGE = {"domain": "cv", "dataset": "digits", "model": "vit-tiny", "epochs": 10, "batch_size": 64}
CONVOLUTION = {
    "domain": "cv", "dataset": "digits", "model": "resnet-tiny", "epochs": 4, "batch_size": 64,
    "learning_rate": 0.003, "knobs": {"input_size": 32},
}  # fmt: skip

CHOICES = {
    "data": [{"data_fraction": 0.5}, {"data_selection": "el2n"}, {"input_size": 16}, {"dynamic_padding": True}],
    "model": [{"layer_drop": "top:1"}, {"width": 0.5}, {"lora": 8}, {"freeze_backbone": True}, {"low_rank_head": 4}],
    "training": [
        {"precision": "bf16"}, {"gradient_accumulation": 2}, {"schedule": "one_cycle"}, {"early_stopping": 1},
        {"progressive_freezing": True}, {"optimizer": "lion"},
    ],
    "system": [{"attention": "eager"}, {"dataloader_workers": 1}, {"channels_last": True}],
    "inference": [{"int8_dynamic": True}, {"onnx_runtime": True}, {"inference_half": True}],
}  # fmt: skip
"""What is combined, by phase."""

ALONE = [
    {"data_fraction": 0.3}, {"data_selection": "balanced"}, {"cached_preprocessing": False},
    {"data_fraction": 0.5, "data_sampling": "random"}, {"layer_drop": "bottom:1"}, {"gradient_checkpointing": True},
    {"optimizer": "sgd"}, {"optimizer": "adafactor"}, {"optimizer": "rmsprop"}, {"schedule": "cosine"},
    {"cpu_threads": 1}, {"inference_batch_size": 8},
]  # fmt: skip
"""What is tried alone only. data_sampling says how a share is drawn, so it comes with a share."""

COMPILED = [{"inference_compile": True}, {"torch_compile": True}]
"""Compiling takes ten times as long as these trainings (about 70 CPU seconds): not combined, and last of all."""

STACK = [
    {"input_size": 16}, {"layer_drop": "top:1"}, {"data_fraction": 0.5}, {"early_stopping": 1},
    {"progressive_freezing": True}, {"dynamic_padding": True}, {"width": 0.5}, {"precision": "bf16"},
    {"onnx_runtime": True},
]  # fmt: skip
"""Knobs in the order of what they should save by counted operations, largest first; each stack adds the next."""

DOES_NOT_APPLY = {
    "nlp": {"low_rank_head", "channels_last"},  # two classes have no output layer to factorise; no images
    "cv": {"dynamic_padding", "input_size"},  # no sequences; this model enlarges the digits to 16 pixels already
}


NOT_TOGETHER = {"nlp": [{"layer_drop", "progressive_freezing"}], "cv": []}
"""Of two blocks, one is left, which has no first half to freeze."""


def applicable(knobs, domain):
    """Can these knobs be turned together on this domain's task?"""
    try:
        if any(together <= knobs.keys() for together in NOT_TOGETHER[domain]):
            return False
        return not knobs.keys() & DOES_NOT_APPLY[domain] and bool(check_knobs(knobs, domain=domain))
    except UsageError:
        return False


def pairs_across_phases(choices, domain):
    """Combinations with at most one choice of each phase that hold every possible pair across phases: a covering array
    of strength two, built greedily (Cohen et al., "The AETG System", IEEE TSE 23(7), 1997), without chance.

    Args:
        choices: by phase, the knobs that may be turned.
        domain: what they have to be applicable to.

    Returns:
        Combinations, as dicts of knobs.
    """
    kept = {phase: [c for c in options if applicable(c, domain)] for phase, options in choices.items()}
    places = [(phase, i) for phase in PHASES for i in range(len(kept[phase]))]
    knobs_of = {place: kept[place[0]][place[1]] for place in places}
    open_pairs = {
        (a, b) for a, b in combinations(places, 2) if a[0] != b[0] and applicable(knobs_of[a] | knobs_of[b], domain)
    }
    rows = []
    while open_pairs:
        row = list(min(open_pairs))
        for phase in PHASES:
            if phase in {place[0] for place in row}:
                continue
            gains = [
                (sum(tuple(sorted((p, place), key=places.index)) in open_pairs for p in row), -place[1], place)
                for place in places
                if place[0] == phase and applicable(merged([*map(knobs_of.get, row), knobs_of[place]]), domain)
            ]
            if gains:
                row.append(max(gains)[2])
        open_pairs -= set(combinations(sorted(row, key=places.index), 2))
        rows.append(merged(knobs_of[place] for place in row))
    return rows


def stacks(knobs, domain):
    """The first knob, the first two, the first three, … of those that apply together."""
    grown = [{}]
    for knob in knobs:
        if applicable(grown[-1] | knob, domain):
            grown.append(grown[-1] | knob)
    return [larger for _, larger in pairwise(grown)]


def merged(parts):
    """One dict of several."""
    return {name: value for part in parts for name, value in part.items()}


def design(task):
    """All combinations for one task, the baseline first, each once."""
    domain = task["domain"]
    alone = [knobs for options in CHOICES.values() for knobs in options] + ALONE
    together = [*stacks(STACK, domain), *pairs_across_phases(CHOICES, domain)]
    return [{**task, "knobs": knobs} for knobs in [{}, *alone, *together] if not knobs or applicable(knobs, domain)]


SMALL_FIRST = {"progressive_resizing": True}
ANY_SIDE = [{}, SMALL_FIRST, {"channels_last": True}, {**SMALL_FIRST, "channels_last": True}]
CONVOLUTION_ONLY = [{**CONVOLUTION, "knobs": {**CONVOLUTION["knobs"], **knobs}} for knobs in ANY_SIDE]
"""Knobs that need a network of any image side, with a baseline of their own."""

DESIGN = {
    "name": "cascade",
    "description": "knobs of all five phases, alone and together, on a text and an image task",
    "defaults": {"learning_rate": 0.001},
    "designs": [
        *({"list": [*design(TEXT), *design(IMAGE), *CONVOLUTION_ONLY], "seeds": [seed]} for seed in SEEDS),
        {"list": [{**task, "knobs": knobs} for knobs in COMPILED for task in (TEXT, IMAGE)], "seeds": list(SEEDS)},
    ],
}
