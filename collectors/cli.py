"""green-collect: train recipes here, meter them, keep the runs, share them."""

from pathlib import Path
from typing import Annotated

import typer

from collectors.cli_modes import refuse_ignored
from collectors.hub_commands import mount
from ecotaskset.console import Output, run_app
from ecotaskset.versions import Version

app = typer.Typer(add_completion=True, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False)

mount(app)

EPILOG = """\b
Examples:
  green-collect --domain cv --dataset digits --model resnet-tiny --epochs 5
  green-collect --domain nlp --dataset movie_reviews --model bert-tiny --knob precision=bf16 --dry-run
  green-collect --domain nlp --dataset csv:reviews.csv:text:label --describe
  green-collect --campaign starter --jobs 2
  green-collect --list
  green-collect --doctor
  green-collect --push --dry-run
  green-collect review --dry-run
"""

WHAT, HOW, WHERE, SHARE, SHOW = "What to train", "How to measure", "Where to keep", "Sharing", "Output"


def _option(panel: str, text: str, *names: str) -> object:
    return typer.Option(*names, help=text, rich_help_panel=panel)


@app.callback(invoke_without_command=True, epilog=EPILOG)
def collect(
    context: typer.Context,
    domain: Annotated[str | None, _option(WHAT, "cv, nlp or recsys")] = None,
    dataset: Annotated[str | None, _option(WHAT, "data set or task variant; see --list")] = None,
    model: Annotated[str | None, _option(WHAT, "architecture; see --list")] = None,
    epochs: Annotated[int, _option(WHAT, "passes over the training examples")] = 5,
    batch_size: Annotated[int, _option(WHAT, "examples a batch")] = 32,
    learning_rate: Annotated[float, _option(WHAT, "peak learning rate")] = 1e-3,
    weight_decay: Annotated[float, _option(WHAT, "weight decay")] = 0.0,
    seed: Annotated[int, _option(WHAT, "seed of initialisation and order")] = 0,
    pretrained: Annotated[bool, _option(WHAT, "start from published weights", "--pretrained")] = False,
    knob: Annotated[list[str] | None, _option(WHAT, "name=value, as often as you like; see --list")] = None,
    ask_after: Annotated[int | None, _option(WHAT, "after so many epochs ask whether to go on")] = None,
    campaign: Annotated[str | None, _option(WHAT, "train many recipes: a name or a YAML file")] = None,
    jobs: Annotated[int, _option(WHAT, "runs at a time in a campaign")] = 1,
    engine: Annotated[str, _option(WHAT, "where a campaign's runs are executed: local or ray")] = "local",
    limit: Annotated[int | None, _option(WHAT, "at most this many runs of the campaign")] = None,
    resume: Annotated[bool, _option(WHAT, "skip what is already in the store", "--resume/--repeat")] = True,
    baseline: Annotated[float, _option(HOW, "seconds of idle power to measure first")] = 0.0,
    country: Annotated[str | None, _option(HOW, "ISO code of the grid, for CO2; never looked up")] = None,
    require_measured: Annotated[
        bool, _option(HOW, "refuse (exit 4) where energy can only be modelled", "--require-measured")
    ] = False,
    prepare_first: Annotated[
        bool, _option(HOW, "prepare the data before the meter starts, as later runs find them", "--prepare-first")
    ] = False,
    doctor: Annotated[bool, _option(HOW, "show what can be metered here and how to get better", "--doctor")] = False,
    store: Annotated[Path | None, _option(WHERE, "directory of the local store [$ECOTASKSET_STORE]")] = None,
    cache: Annotated[Path | None, _option(WHERE, "directory for prepared data [$ECOTASKSET_CACHE]")] = None,
    push: Annotated[bool, _option(SHARE, "offer all runs not yet pushed to the Hub", "--push")] = False,
    repo: Annotated[str | None, _option(SHARE, "the Hub data set, owner/name")] = None,
    reproduce: Annotated[str | None, _option(SHARE, "repeat somebody's run here: its run_id")] = None,
    yes: Annotated[bool, _option(SHARE, "do not ask before sending", "--yes")] = False,
    list_: Annotated[bool, _option(SHOW, "architectures, data sets and knobs that can be chosen", "--list")] = False,
    describe: Annotated[bool, _option(SHOW, "what a data set is like, without training", "--describe")] = False,
    dry_run: Annotated[bool, _option(SHOW, "show what would happen and what it would cost", "--dry-run")] = False,
    json: Annotated[bool, _option(SHOW, "one JSON object on stdout", "--json")] = False,
    quiet: Annotated[bool, _option(SHOW, "identifiers only", "--quiet", "-q")] = False,
    version: Version = False,
) -> None:
    """Train recipes with their energy metered, keep every run, share what you have.

    Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 bug, 2 wrong use, 3 refused by checks,
    4 a required measurement is missing, 5 some runs failed, 6 network or Hub, 130 interrupted.
    """
    refuse_ignored(context)
    if context.invoked_subcommand:
        return
    out = Output(json=json, quiet=quiet)
    if domain or dataset or model or campaign or reproduce or list_:
        _require_extra()
    meter_options = {"baseline_s": baseline, "country": country}
    if doctor:
        from collectors.doctor import show_doctor

        show_doctor(out, require_measured=require_measured)
    elif list_:
        from collectors.listing import show_list

        show_list(out)
    elif describe:
        from collectors.describe_dataset import show_description

        show_description(domain, dataset, out, cache)
    elif domain or dataset or model:
        from collectors.collect_one import collect_one
        from collectors.listing import missing_domain
        from ecotaskset.recipe import Recipe
        from ecotaskset.store import Store

        if domain is None:
            raise missing_domain(dataset, model)
        recipe = Recipe.create(
            domain=domain,
            dataset=dataset or "",
            model=model or "",
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            seed=seed,
            pretrained=pretrained,
            knobs=_knobs(knob or []),
        )
        collect_one(
            recipe,
            Store(store),
            out,
            dry_run=dry_run,
            repeat=not resume,
            cache_dir=cache,
            meter_options=meter_options,
            require_measured=require_measured,
            ask_after=ask_after,
            prepare_first=prepare_first,
        )
    elif campaign:
        from collectors.campaign import run_campaign

        run_campaign(
            campaign,
            store,
            out,
            jobs=jobs,
            engine=engine,
            limit=limit,
            resume=resume,
            dry_run=dry_run,
            cache_dir=cache,
            meter_options=meter_options,
            require_measured=require_measured,
        )
    elif reproduce:
        from collectors.hub_commands import reproduce_run

        reproduce_run(
            reproduce,
            store,
            repo,
            out,
            dry_run=dry_run,
            cache_dir=cache,
            meter_options=meter_options,
            require_measured=require_measured,
        )
    elif not push:
        typer.echo(context.get_help())
    trained = domain or dataset or model or campaign or reproduce
    if push and not (trained and dry_run):
        _push(out, store, repo, yes=yes, dry_run=dry_run)


def _require_extra() -> None:
    from collectors import require_extra
    from ecotaskset.errors import UsageError

    try:
        require_extra("torch", "accelerate", "transformers")
    except ImportError as error:
        raise UsageError(str(error)) from None


def _knobs(words: list[str]) -> dict:
    from ecotaskset.knobs import parse_knob

    return dict(parse_knob(word) for word in words)


def _push(out: Output, store: Path | None, repo: str | None, *, yes: bool, dry_run: bool) -> None:
    from collectors.hub_commands import push_runs

    push_runs(store=store, repo=repo, out=out, yes=yes, dry_run=dry_run)


def main() -> None:
    """Entry point of `green-collect`."""
    run_app(app, "green-collect")


if __name__ == "__main__":
    main()
