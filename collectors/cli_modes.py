"""What `green-collect` can be asked to do, and which options go with it. Any other would be ignored: it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecotaskset.errors import UsageError

if TYPE_CHECKING:
    import typer

RECIPE = (
    "domain", "dataset", "model", "epochs", "batch_size", "learning_rate", "weight_decay", "seed", "pretrained", "knob"
)  # fmt: skip
TRAINING = ("resume", "baseline", "country", "require_measured", "store", "cache", "push", "repo", "yes", "dry_run")
ONE = (*TRAINING, "ask_after", "prepare_first")
ALWAYS = ("json", "quiet")

MODES = {
    "doctor": ("require_measured",),
    "list_": (),
    "describe": ("domain", "dataset", "cache"),
    "campaign": ("jobs", "engine", "limit", *TRAINING),
    "reproduce": TRAINING,
    "domain": (*RECIPE, *ONE),
    "dataset": (*RECIPE, *ONE),
    "model": (*RECIPE, *ONE),
    "push": ("store", "repo", "yes", "dry_run"),
}
"""By the parameter that asks for it, the first of several: the others that go with it."""

INSTEAD = {
    "campaign": "what its recipes share stands in its design, under 'defaults'",
    "reproduce": "it trains the recipe of that run as it is",
}
"""What to do instead of giving fields of a recipe."""


def refuse_ignored(context: typer.Context) -> None:
    """Look whether all options that were given go with what is asked for.

    Raises:
        UsageError: names one that does not, and says what to do.
    """
    given = {p.name: "/".join([*p.opts[:1], *p.secondary_opts]) for p in context.command.params if _given(context, p)}
    if (command := context.invoked_subcommand) and given:
        option = next(iter(given.values()))
        raise UsageError(f"{option} would be ignored before '{command}'", hint=f"write it after '{command}'")
    mode = next((mode for mode in MODES if mode in given), None)
    for name, option in given.items():
        if mode is None and name not in ALWAYS:
            raise UsageError(
                f"{option} alone says nothing to do",
                hint="name a recipe (--domain, --dataset, --model) or a --campaign",
            )
        if mode is not None and name not in (mode, *MODES[mode], *ALWAYS):
            hint = INSTEAD.get(mode) if name in RECIPE else None
            raise UsageError(f"{option} does not go with {given[mode]}", hint=hint or "leave one of the two out")


def _given(context: typer.Context, parameter: Any) -> bool:
    """Whether a parameter stands on the command line, and not only its default; by name, for typer brings its click."""
    source = context.get_parameter_source(parameter.name)
    return source is not None and source.name == "COMMANDLINE"
