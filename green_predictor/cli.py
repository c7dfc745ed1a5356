"""green-recommend: which recipe to train. green-predictor: fit, evaluate, explain and publish the model behind it."""

from pathlib import Path
from typing import Annotated

import typer

from ecotaskset.console import Output, run_app
from ecotaskset.versions import Version

recommend_app = typer.Typer(add_completion=True, rich_markup_mode=None, pretty_exceptions_enable=False)
app = typer.Typer(add_completion=True, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

RECOMMEND_EXAMPLES = """\b
Examples:
  green-recommend --domain cv --dataset digits --prefer energy=0.7
  green-recommend --domain cv --dataset digits --max-quality-loss 0.01 --country FR
  green-recommend --domain nlp --dataset csv:reviews.csv:text:label --max-quality-loss 0.01
  green-recommend --domain nlp --dataset '{"n_train": 20000, "n_classes": 2, "sequence_length": 64}' --budget-kwh 0.01
  green-recommend --domain cv --dataset digits --prefer knee --plot front.png --json
  green-recommend --domain nlp --dataset tweets --max-quality-loss 0.02 --probe 2
  green-recommend --domain cv --dataset digits --max-quality-loss 0.01 --train
  green-recommend --domain cv --dataset digits --data my-store
  green-recommend --domain cv --dataset digits --data model:OWNER/green@v1.0.0
"""
PREDICTOR_EXAMPLES = """\b
Examples:
  green-predictor fit
  green-predictor fit --data my-store --output my-model
  green-predictor evaluate --json
  green-predictor cascade --domain cv --dataset digits
  green-predictor publish --repo OWNER/green --dry-run
"""

TASK, WISH, LIMITS, FROM = "The task", "What matters", "Limits", "What to learn from"
SHARE, SHOW = "Sharing", "Output"


def _option(panel: str, text: str, *names: str) -> object:
    return typer.Option(*names, help=text, rich_help_panel=panel)


Json = Annotated[bool, _option(SHOW, "one JSON object on stdout", "--json")]
Quiet = Annotated[bool, _option(SHOW, "only what the next command needs", "--quiet", "-q")]
Data = Annotated[str | None, _option(FROM, "a store, a parquet file or a Hub data set [default: shipped snapshot]")]
Learned = Annotated[
    str | None,
    _option(
        FROM,
        "runs (as for fit --data), or a fitted model: the folder fit wrote, or model:OWNER/NAME@REVISION on the Hub "
        "[default: shipped]",
        "--data",
    ),
]
Energy = Annotated[str, _option(FROM, "all, or measured to leave modelled components out")]


@recommend_app.command(epilog=RECOMMEND_EXAMPLES)
def recommend_command(
    domain: Annotated[str, _option(TASK, "cv, nlp or recsys")],
    dataset: Annotated[
        str, _option(TASK, "a data set in the data, your own (csv:FILE:…, folder:DIR), or a description as JSON")
    ],
    hardware: Annotated[str, _option(TASK, "auto, a machine in the data, or an accelerator such as H200")] = "auto",
    prefer: Annotated[
        str | None, _option(WISH, "energy=W or quality=W, W from 0 to 1, or knee [default: see below]")
    ] = None,
    rule: Annotated[str | None, _option(WISH, "chebyshev, weighted_sum, knee or cheapest")] = None,
    max_quality_loss: Annotated[
        float | None, _option(LIMITS, "share of the best quality that may be lost, beyond what can be told apart")
    ] = None,
    min_quality: Annotated[float | None, _option(LIMITS, "quality to reach, 0 to 1")] = None,
    budget_kwh: Annotated[float | None, _option(LIMITS, "most energy, kWh")] = None,
    max_hours: Annotated[float | None, _option(LIMITS, "longest training, hours")] = None,
    max_emissions_kg: Annotated[float | None, _option(LIMITS, "most CO2 equivalent, kg; needs --country")] = None,
    country: Annotated[str | None, _option(LIMITS, "ISO code of the grid, or g/kWh")] = None,
    observed: Annotated[
        str | None, _option(FROM, "your runs on this very task: a store, a parquet, JSON or CSV file")
    ] = None,
    probe: Annotated[int, _option(FROM, "train so many short probes first; 2 already help")] = 0,
    train: Annotated[
        bool, _option(FROM, "train the answer here; its first epochs may still change it", "--train")
    ] = False,
    store: Annotated[Path | None, _option(FROM, "where what is trained is kept [$ECOTASKSET_STORE]")] = None,
    data: Learned = None,
    energy: Energy = "all",
    candidates: Annotated[int, _option(FROM, "how many recipes to consider")] = 10_000,
    plot: Annotated[Path | None, _option(SHOW, "write the picture of the front there (.png, .svg, .pdf)")] = None,
    json: Json = False,
    quiet: Quiet = False,
    version: Version = False,
) -> None:
    """Say which recipe to train, what it will cost and how good it will be. Nothing is trained without --probe or
    --train.

    Without --prefer: the cheapest recipe that keeps to a limit on quality; within a limit on energy, time or emissions
    alone the most accurate; without any limit, energy and quality weigh the same.

    The answer goes to stdout (with -q the command alone), everything else to stderr.
    """
    from green_predictor.recommend_command import recommend_command as answer

    asked = {
        "domain": domain, "dataset": dataset, "hardware": hardware, "prefer": _preference(prefer), "rule": rule,
        "max_quality_loss": max_quality_loss, "min_quality": min_quality, "budget_kwh": budget_kwh,
        "max_hours": max_hours, "max_emissions_kg": max_emissions_kg, "country": country, "observed": observed,
        "data": data, "energy": energy, "candidates": candidates,
    }  # fmt: skip
    answer(
        Output(json=json, quiet=quiet), asked, probe=probe, train=train, store=store, plot=plot, json=json, quiet=quiet
    )


def _preference(text: str | None) -> dict[str, float] | str | None:
    """`energy=0.7`, `energy=0.7,quality=0.3`, or `knee`."""
    from ecotaskset.errors import UsageError

    if text is None or text == "knee":
        return text
    found = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise UsageError(f"--prefer {text} is not a preference", hint="for example energy=0.7, or knee") from None
    return found


@app.callback(epilog=PREDICTOR_EXAMPLES)
def predictor(version: Version = False) -> None:
    """Fit, evaluate, explain and publish the model behind green-recommend."""


@app.command()
def fit(
    output: Annotated[
        Path | None,
        _option(SHOW, "folder to write to; needed with --data or --energy [default: the package's own model]"),
    ] = None,
    data: Data = None,
    energy: Energy = "all",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Learn from runs and write the model: plain arrays and JSON, never a pickle."""
    from green_predictor.fit_command import fit_command

    fit_command(Output(json=json, quiet=quiet), data, energy, output)


@app.command()
def evaluate(
    data: Data = None,
    protocol: Annotated[list[str] | None, _option(SHOW, "only this protocol; repeat for more")] = None,
    domain: Annotated[str | None, _option(SHOW, "only this domain")] = None,
    output: Annotated[Path | None, _option(SHOW, "folder for the JSON and the figures")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Hold out recipes, data sets, families and machines; report errors, savings, baselines and the oracle."""
    from green_predictor.evaluate_command import evaluate_command

    evaluate_command(Output(json=json, quiet=quiet), data, protocol, domain, output)


@app.command()
def cascade(
    domain: Annotated[str, _option(TASK, "cv, nlp or recsys")],
    dataset: Annotated[str, _option(TASK, "a data set in the data")],
    model: Annotated[str | None, _option(TASK, "architecture [default: the one with most knob runs]")] = None,
    data: Data = None,
    plot: Annotated[Path | None, _option(SHOW, "write the waterfall there (.png, .svg, .pdf, .html)")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """What knobs save alone and together: savings, the product rule, synergies, collisions, the best stack."""
    from green_predictor.cascade_command import cascade_command
    from green_predictor.plot import check_ending

    if plot is not None:
        check_ending(plot, ".html")
    cascade_command(Output(json=json, quiet=quiet), domain, dataset, model, data, plot)


@app.command()
def publish(
    repo: Annotated[str, _option(SHARE, "Hub model repository, owner/name")],
    model: Annotated[Path | None, _option(FROM, "folder written by fit [default: the shipped model]")] = None,
    evaluation: Annotated[Path | None, _option(FROM, "JSON of evaluate, for the card")] = None,
    dataset: Annotated[str | None, _option(FROM, "Hub data set it was fitted on, for the card")] = None,
    tag: Annotated[str | None, _option(SHARE, "version tag, such as v1.0.0")] = None,
    space: Annotated[bool, _option(SHARE, "publish the page to a Space instead", "--space")] = False,
    dry_run: Annotated[bool, _option(SHARE, "show what would be sent", "--dry-run")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Send the model with its card to the Hub, or the page to a Space. Nothing that is sent can execute anything."""
    from green_predictor.publish_command import publish_command

    out = Output(json=json, quiet=quiet)
    publish_command(out, repo, model, evaluation, dataset=dataset, tag=tag, space=space, dry_run=dry_run)


def recommend_main() -> None:
    """Entry point of green-recommend."""
    run_app(recommend_app, "green-recommend")


def main() -> None:
    """Entry point of green-predictor."""
    run_app(app, "green-predictor")
