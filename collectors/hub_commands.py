"""The commands that speak with the Hub: push, reproduce, review, release. Each prints what it did and what comes next.

`mount(app)` adds `review` and `release` to a typer app; `push_runs` and `reproduce_run` stand behind options.
"""

import json as json_library
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecotaskset.console import Output
from ecotaskset.errors import RefusedError, RunsFailedError, UsageError

if TYPE_CHECKING:
    from ecotaskset.checks import Finding
    from ecotaskset.hub.contribute import Plan
    from ecotaskset.run import Run
    from ecotaskset.store import Store

MAX_SHOWN = 20


def push_runs(
    store: "str | Path | Store | None", repo: str | None, out: Output, *, yes: bool = False, dry_run: bool = False
) -> None:
    """Offer all runs that were not offered yet, after showing what would leave and asking.

    Raises:
        HubError: no token, no right, no network; the runs stay in the store, unpushed.
        RefusedError: there are new runs and the checks accept none.
    """
    from ecotaskset.hub import plan_push, push, repo_name
    from ecotaskset.store import Store

    _no_bars()
    place = Store(store) if store is None or isinstance(store, (str, Path)) else store
    repo = repo_name(repo)
    if dry_run:
        plan = plan_push(place, repo)
        _show_plan(out, plan, place)
        out.result(_plan_data(plan), None, [run.run_id for run in plan.runs])
        return

    def confirm(plan: "Plan", account: Any) -> bool:
        _show_plan(out, plan, place)
        if yes or out.json or out.quiet:
            return True
        return typer.confirm(f"Send them to {repo} as '{account.name}'?", default=True, err=True)

    done = push(place, repo, confirm=confirm)
    if done.resumed:
        out.say(f"an interrupted push of {done.resumed} submission(s) had arrived; noted")
    if done.url is None:
        if done.plan.refused and not done.plan.runs:
            _show_plan(out, done.plan, place)
            raise RefusedError("the checks accept none of the new runs", hint="the reasons are above")
        if not done.plan.runs:
            out.say(f"nothing to push: {done.plan.already} run(s) of {place.path} are at {repo} already")
        out.result({**_plan_data(done.plan), "url": None}, None, [])
        return
    out.say(f"pushed  {len(done.plan.runs)} run(s) to {repo} as submission {done.submission}")
    out.say(
        "next    they are on the main branch and in the next release"
        if done.direct
        else "next    a maintainer reviews them with the same checks; accepted runs are in the next release"
    )
    data = {**_plan_data(done.plan), "url": done.url, "submission": done.submission, "direct": done.direct}
    out.result(data, done.url, [run.run_id for run in done.plan.runs])


def reproduce_run(
    run_id: str,
    store: str | Path | None,
    repo: str | None,
    out: Output,
    *,
    cache_dir: Path | None = None,
    dry_run: bool = False,
    meter_options: dict[str, Any] | None = None,
    require_measured: bool = False,
) -> None:
    """Train somebody's recipe here, compare, and keep the run and the comparison.

    Raises:
        UsageError: no such run, one that is not a recipe of this project, or a store that cannot be written.
        MeasurementError: measured energy was required and only a model is available.
        RunsFailedError: the two do not agree, or the training broke off; both runs stay.
        KeyboardInterrupt: after the interrupted run was kept; there is nothing to compare.
    """
    from collectors.collect_one import raise_unless_good, train_aloud
    from collectors.keep import keep
    from collectors.plan import check_recipe, estimate, refuse_unfit
    from collectors.tasks.catalogue.own import is_private
    from ecotaskset.checks import agree
    from ecotaskset.store import Store, write_atomically

    place = Store(store)
    original = _find_run(run_id, place, repo)
    if original.origin != "collected":
        raise UsageError(f"run {original.run_id} is {original.origin}", hint="only collected runs can be repeated")
    recipe = original.recipe()
    if private := next((name for name in (recipe.dataset, recipe.model) if is_private(name)), None):
        raise UsageError(f"run {original.run_id} names files of this machine: {private!r}", hint="train it by hand")
    check_recipe(recipe)
    out.say(f"[bold]reproduce[/] run {original.run_id} of {original.contributor or 'nobody named'}: {recipe.command()}")
    if dry_run:
        refuse_unfit(recipe)
        plan = {"original": original.run_id, "recipe": recipe.model_dump(), "recipe_id": recipe.recipe_id}
        words = f"\\[dry-run] would train: {recipe.command()}"
        out.result({**plan, "estimate": estimate(recipe, cache_dir)}, words, [recipe.recipe_id])
        return
    place.check_writable()
    run, error = train_aloud(recipe, out, cache_dir, meter_options or {}, require_measured)
    if run.status in ("failed", "interrupted", "out_of_memory"):  # it says nothing of the other
        keep(run, place)
        raise_unless_good(run, error)
    same, words = agree(original, run)
    pair = {"original": original.run_id, "reproduction": run.run_id, "agree": same, "comparison": words}
    pair_file = place.path / "reproductions" / f"{run.run_id}.json"
    try:
        keep(run, place)
        write_atomically(pair_file, json_library.dumps(pair, indent=1).encode())
    finally:
        out.result(pair, f"{'agrees' if same else 'DISAGREES'}: {words}", [run.run_id])
    out.say("next    green-collect --push   (a second contributor makes the recipe `reproduced` in the next release)")
    if not same:
        raise RunsFailedError(f"run {run.run_id} does not confirm {original.run_id}", hint="both are worth a look")


def review_requests(repo: str | None, out: Output, *, only: int | None, dry_run: bool, accept_held: bool) -> None:
    """Review what waits, and show one line a pull request.

    Raises:
        HubError: no right or no network.
    """
    from ecotaskset.hub import repo_name, review

    _no_bars()
    outcomes = review(repo, only=only, dry_run=dry_run, accept_held=accept_held)
    if not outcomes:
        out.say(f"no open pull request at {repo_name(repo)}" + (f" with number {only}" if only else ""))
    lines = []
    for o in outcomes:
        good = sum(1 for run in o.report.runs if o.report.verdict_of(run.run_id) == "accepted")
        lines.append(f"#{o.num} by {o.author}: {o.verdict}, {good} of {o.report.rows} rows passed; {o.done}")
        lines += _finding_lines(o.report.findings)
    data = [
        {
            "number": o.num,
            "author": o.author,
            "url": o.url,
            "commit": o.head,
            "verdict": o.verdict,
            "done": o.done,
            "rows": o.report.rows,
            "findings": [_finding_data(finding) for finding in o.report.findings],
        }
        for o in outcomes
    ]
    out.result(data, [_plain(line) for line in lines], [str(o.num) for o in outcomes])


def release_version(version: str, repo: str | None, out: Output, *, store: Path | None, yes: bool) -> None:
    """Release what the main branch holds (and the runs of `store`, if named).

    Raises:
        UsageError: bad version, or nothing new.
        HubError: no right or no network.
    """
    from ecotaskset.hub import release, repo_name
    from ecotaskset.store import Store

    repo = repo_name(repo)
    if not (yes or out.json or out.quiet):
        typer.confirm(f"Release {version} of {repo}? A version is never remade.", default=True, err=True, abort=True)
    _no_bars()
    done = release(version, repo, extra=Store(store).runs() if store else ())
    for name, findings in list(done.left_out.items())[:MAX_SHOWN]:
        out.say(f"left out {name}: {findings[0].code} {findings[0].message}")
    data = {
        "repo": done.repo,
        "tag": done.tag,
        "commit": done.commit,
        "runs": done.manifest["runs"],
        "files": done.manifest["files"],
        "left_out": {name: [_finding_data(f) for f in findings] for name, findings in done.left_out.items()},
    }
    human = f"released {done.tag} of {done.repo}: {done.manifest['runs']} runs at commit {done.commit}"
    out.result(data, [_plain(human), _plain(done.changes)], [done.tag])
    out.say(f"next    load_dataset('{repo}', 'cv', revision='{done.tag}')")


def mount(app: typer.Typer) -> None:
    """Add the maintainer's commands `review` and `release` to a typer app."""

    @app.command("review")
    def review_command(
        repo: Annotated[str | None, typer.Option(help="the Hub data set, owner/name [$ECOTASKSET_REPO]")] = None,
        only: Annotated[int | None, typer.Option(help="this pull request only")] = None,
        accept_held: Annotated[bool, typer.Option("--accept-held", help="merge what waits for a human")] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="judge only: no comment, no merge, no closing")
        ] = False,
        json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="numbers only")] = False,
    ) -> None:
        """For maintainers: check all open pull requests, comment, merge what passes, close what does not."""
        review_requests(repo, Output(json=json, quiet=quiet), only=only, dry_run=dry_run, accept_held=accept_held)

    @app.command("release")
    def release_command(
        version: Annotated[str, typer.Argument(help="X.Y.Z, higher than the last one")],
        repo: Annotated[str | None, typer.Option(help="the Hub data set, owner/name [$ECOTASKSET_REPO]")] = None,
        store: Annotated[Path | None, typer.Option(help="add the runs of this local store")] = None,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
        json: Annotated[bool, typer.Option("--json", help="one JSON object on stdout")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="the tag only")] = False,
    ) -> None:
        """For maintainers: accepted runs become a version: splits, card, changelog, manifest, tag."""
        release_version(version, repo, Output(json=json, quiet=quiet), store=store, yes=yes)


def _show_plan(out: Output, plan: "Plan", store: "Store") -> None:
    out.say(f"[bold]push[/]    {len(plan.runs)} run(s) from {store.path} to {plan.repo}")
    rest = {"pushed before": plan.already, "imported, never pushed": plan.imported, "for the next push": plan.later}
    for what, count in rest.items():
        if count:
            out.say(f"        {count} {what}")
    if plan.refused:
        out.say(f"        {len(plan.refused)} kept here, because the checks refuse them:")
    for line in _finding_lines(plan.findings):
        out.say(_escaped(f"        {line}"))


def _plan_data(plan: "Plan") -> dict[str, Any]:
    return {
        "repo": plan.repo,
        "runs": [run.run_id for run in plan.runs],
        "refused": [run.run_id for run in plan.refused],
        "findings": [_finding_data(finding) for finding in plan.findings],
        "pushed_before": plan.already,
    }


def _finding_lines(findings: "Sequence[Finding]") -> list[str]:
    lines = [f"  {f.run_id or 'file'}  {f.code} {f.severity}: {f.message}" for f in findings[:MAX_SHOWN]]
    return lines + ([f"  … and {len(findings) - MAX_SHOWN} more"] if len(findings) > MAX_SHOWN else [])


def _finding_data(finding: "Finding") -> dict[str, Any]:
    return {
        "run_id": finding.run_id,
        "row": finding.row,
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
    }


def _find_run(run_id: str, store: "Store", repo: str | None) -> "Run":
    """The run whose id begins with `run_id`: in this store, the shipped snapshot, the data set on the Hub."""
    from ecotaskset.hub import repo_name

    sources = (
        store.runs,
        lambda: [] if repo else _rows(run_id, None),
        lambda: _rows(run_id, repo_name(repo)),
    )
    for source in sources:
        found = {run.run_id: run for run in source() if run.run_id.startswith(run_id)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise UsageError(f"{len(found)} runs begin with '{run_id}'", hint="name it in full")
    raise UsageError(f"no run begins with '{run_id}' in {repo_name(repo)}", hint="--repo says in which data set")


def _rows(run_id: str, repo: str | None) -> "list[Run]":
    from ecotaskset.load import SNAPSHOT, load_runs
    from ecotaskset.run import from_table

    if repo is None and not (SNAPSHOT / "manifest.json").is_file():
        return []  # a checkout without the snapshot
    table = load_runs(repo=repo).drop_columns(["split"])
    hits = [index for index, name in enumerate(table["run_id"].to_pylist()) if name.startswith(run_id)]
    return from_table(table.take(hits)) if hits else []


def _no_bars() -> None:
    """The files are small; bars for each of them would bury what a command says."""
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()


def _plain(line: str) -> Any:
    from rich.text import Text

    return Text(line)


def _escaped(line: str) -> str:
    from rich.markup import escape

    return escape(line)


def main() -> None:
    """`python -m collectors.hub_commands review|release …`: the maintainer's commands on machines without torch."""
    from ecotaskset.console import run_app

    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    mount(app)
    run_app(app, "python -m collectors.hub_commands")


if __name__ == "__main__":
    main()
