"""The catalogue of knobs: techniques that change what a training costs, one declaration each.

A knob belongs to one of the five pipeline phases of *Tu(r)ning AI Green* (arXiv 2506.18289). What a knob does to a
training is implemented in `collectors`; here is only what can be chosen, so that recipes can be written, checked and
recommended without any deep-learning framework.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ecotaskset.errors import UsageError, unknown_name

PHASES = ("data", "model", "training", "system", "inference")
DOMAINS = ("cv", "nlp", "recsys")

KnobValue = bool | int | float | str


@dataclass(frozen=True)
class Knob:
    """One technique and the values it may take.

    `values` are the levels that campaigns and recommendations try; `low`/`high` bound what is accepted (inclusive).
    A knob with neither bound accepts its `values` only. `default` is the value that changes nothing; None means
    "whatever the task or model has by itself".
    """

    name: str
    phase: str
    default: KnobValue | None
    values: tuple[KnobValue, ...]
    description: str
    low: float | None = None
    high: float | None = None
    domains: tuple[str, ...] = DOMAINS
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """What the machine must have: "cuda", or "nvml" (an NVIDIA GPU and the right to set its power limit)."""
    share_of: str | None = None
    """The Run column of which the value is a share: 150 W is little for one accelerator and all of another."""

    @property
    def kind(self) -> type:
        """The type of the knob's values."""
        return type(self.values[0])

    def parse(self, text: object) -> KnobValue:
        """Turn what a person typed into a value of this knob.

        Raises:
            UsageError: the text is not a legal value; the message names the knob and what is legal.
        """
        value = _coerce(self, text)
        bounded = self.low is not None or self.high is not None
        if bounded:
            low, high = (
                self.low if self.low is not None else -math.inf,
                self.high if self.high is not None else math.inf,
            )
            if not low <= float(value) <= high:
                raise UsageError(f"knob '{self.name}={text}' is outside {low:g} to {high:g}", hint=self.description)
        elif value not in self.values and value != self.default:
            raise UsageError(
                f"knob '{self.name}={text}' is not a legal value", hint=f"choose from: {self.shown_values}"
            )
        return value

    @property
    def shown_values(self) -> str:
        """The levels as text, for help and messages."""
        return ", ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in self.values)


def _coerce(knob: Knob, text: object) -> KnobValue:
    word = str(text).strip().lower()
    if knob.kind is bool:
        if word in ("true", "1", "yes", "on"):
            return True
        if word in ("false", "0", "no", "off"):
            return False
        raise UsageError(f"knob '{knob.name}={text}' is not true or false", hint=knob.description)
    if knob.kind in (int, float):
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (knob.kind is int and number != int(number)):
            wanted = "a whole number" if knob.kind is int else "a number"
            raise UsageError(f"knob '{knob.name}={text}' is not {wanted}", hint=knob.description)
        return knob.kind(number)
    return word


_FLAG = (True, False)

SELECTED_SHARE = 0.5
"""Share that `data_selection=el2n` keeps where no `data_fraction` is named; Paul et al. lose nothing at half of
CIFAR-10."""

_CATALOGUE = (
    # data: what the model gets to see
    Knob("data_fraction", "data", 1.0, (1.0, 0.7, 0.5, 0.3, 0.1), "share of the training examples used", 1e-4, 1.0),
    Knob("data_sampling", "data", "stratified", ("stratified", "random"), "how the share is drawn"),
    Knob(
        "data_selection",
        "data",
        "none",
        ("none", "el2n", "balanced"),
        "keep the hardest examples (EL2N, arXiv 2107.07075; data_fraction of them, else half) or equal numbers a class",
        domains=("cv", "nlp"),
        excludes=("data_sampling",),
    ),
    Knob(
        "input_size",
        "data",
        None,
        (8, 12, 16, 24, 28, 32),
        "image side in pixels, or sequence length in tokens",
        4,
        2048,
    ),
    Knob(
        "dynamic_padding",
        "data",
        False,
        _FLAG,
        "batches of similar length, each padded to its own longest text only",
        domains=("nlp", "recsys"),
    ),
    Knob("cached_preprocessing", "data", True, _FLAG, "reuse decoded or tokenised data from an earlier run"),
    # model: what is trained
    Knob("width", "model", 1.0, (0.5, 1.0, 2.0), "factor on the hidden sizes of the architecture", 0.125, 4.0),
    Knob("layer_drop", "model", "none", ("none", "top:1", "top:2", "bottom:1", "bottom:2"), "remove that many blocks"),
    Knob(
        "lora",
        "model",
        0,
        (0, 4, 8, 16),
        "rank of low-rank adapters; 0 trains all weights",
        0,
        256,
        excludes=("freeze_backbone", "progressive_freezing"),
    ),
    Knob(
        "freeze_backbone",
        "model",
        False,
        _FLAG,
        "train the head only",
        domains=("cv", "nlp"),
        excludes=("lora", "progressive_freezing"),
    ),
    Knob("low_rank_head", "model", 0, (0, 4, 8, 16), "rank of a factorised output layer; 0 leaves it whole", 0, 1024),
    # training: how it is trained
    Knob("precision", "training", "fp32", ("fp32", "bf16", "fp16"), "number format of the forward and backward pass"),
    Knob("gradient_checkpointing", "training", False, _FLAG, "recompute activations instead of keeping them"),
    Knob("gradient_accumulation", "training", 1, (1, 2, 4), "batches added up before each step", 1, 1024),
    Knob("optimizer", "training", "adamw", ("adamw", "sgd", "adafactor", "lion", "rmsprop"), "the optimizer"),
    Knob(
        "early_stopping", "training", 0, (0, 1, 2, 3), "epochs without progress before stopping; 0 never stops", 0, 1000
    ),
    Knob("schedule", "training", "constant", ("constant", "linear", "cosine", "one_cycle"), "learning rate over time"),
    Knob(
        "progressive_resizing",
        "training",
        False,
        _FLAG,
        "half the image side in the first half of the epochs",
        domains=("cv",),
    ),
    Knob(
        "progressive_freezing",
        "training",
        False,
        _FLAG,
        "freeze the first half of the blocks in the second half of the epochs (FreezeOut, arXiv 1706.04983)",
        excludes=("lora", "freeze_backbone"),
    ),
    # system: what it runs on and how
    Knob("torch_compile", "system", False, _FLAG, "compile the model's graph before training"),
    Knob("attention", "system", "sdpa", ("sdpa", "eager"), "attention kernel"),
    Knob("dataloader_workers", "system", 0, (0, 1, 2), "processes that prepare batches", 0, 64),
    Knob("pin_memory", "system", False, _FLAG, "page-locked host memory for copies to the GPU", needs=("cuda",)),
    Knob("cpu_threads", "system", None, (1, 2, 4), "threads of the numerical kernels", 1, 512),
    Knob("channels_last", "system", False, _FLAG, "NHWC memory layout for images", domains=("cv",)),
    Knob(
        "gpu_power_limit",
        "system",
        None,
        (100, 200, 300),
        "GPU power limit in watts, restored afterwards",
        10,
        2000,
        needs=("nvml",),
        share_of="gpu_tdp_w",
    ),
    # inference: how the trained model is used
    Knob(
        "int8_dynamic",
        "inference",
        False,
        _FLAG,
        "int8 weights in linear layers",
        excludes=("onnx_runtime", "inference_half", "inference_compile"),
    ),
    Knob(
        "onnx_runtime",
        "inference",
        False,
        _FLAG,
        "run the exported graph with ONNX Runtime",
        excludes=("int8_dynamic", "inference_half", "inference_compile"),
    ),
    Knob(
        "inference_compile",
        "inference",
        False,
        _FLAG,
        "compile the graph for inference",
        excludes=("onnx_runtime", "int8_dynamic"),
    ),
    Knob("inference_batch_size", "inference", None, (1, 8, 32, 128), "examples a forward pass at inference", 1, 65536),
    Knob(
        "inference_half",
        "inference",
        False,
        _FLAG,
        "bf16 weights and activations at inference",
        excludes=("onnx_runtime", "int8_dynamic"),
    ),
)


def _both_ways(knob: Knob) -> Knob:
    """Exclusion holds both ways, whichever of the two knobs declares it."""
    others = (other.name for other in _CATALOGUE if knob.name in other.excludes)
    return replace(knob, excludes=tuple(dict.fromkeys((*knob.excludes, *others))))


KNOBS: dict[str, Knob] = {knob.name: _both_ways(knob) for knob in _CATALOGUE}


def parse_knob(text: str) -> tuple[str, KnobValue]:
    """Read one `name=value` (or `phase.name=value`).

    Raises:
        UsageError: no `=`, unknown knob, or a value the knob does not take.
    """
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"knob '{text}' has no value", hint="write it as name=value, for example precision=bf16")
    phase, dot, bare = name.strip().partition(".")
    name = bare if dot and phase in PHASES else name.strip()
    return name, get_knob(name).parse(value)


def get_knob(name: str) -> Knob:
    """The knob of that name.

    Raises:
        UsageError: there is none; the message suggests the nearest.
    """
    if name not in KNOBS:
        raise unknown_name("knob", name, KNOBS, see="green-collect --list")
    return KNOBS[name]


def check_knobs(knobs: dict[str, KnobValue], *, domain: str) -> dict[str, KnobValue]:
    """Parse, order and strip a combination: values that change nothing are left out, the rest sorted by name.

    Raises:
        UsageError: an unknown knob, an illegal value, a knob of another domain, or two knobs that exclude each other.
    """
    active = {name: get_knob(name).parse(value) for name, value in sorted(knobs.items()) if value is not None}
    active = {name: value for name, value in active.items() if value != KNOBS[name].default}
    for name in active:
        if domain not in KNOBS[name].domains:
            allowed = ", ".join(KNOBS[name].domains)
            raise UsageError(f"knob '{name}' does not apply to domain '{domain}'", hint=f"it applies to: {allowed}")
        for other in KNOBS[name].excludes:
            if other in active:
                raise UsageError(f"knobs '{name}' and '{other}' exclude each other", hint="choose one of them")
    return active
