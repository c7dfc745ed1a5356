"""The command `ecotaskset`: look at runs, check them, import measurement sets, build a snapshot.

ecotaskset report                                          # the shipped snapshot
ecotaskset report ~/my-store --figures figures/
ecotaskset validate runs.parquet
ecotaskset import zeus ~/zeus/trace --store imported/
ecotaskset build --store ~/my-store --to ecotaskset/data --version 1.2.0
"""

# no `from __future__ import annotations`: typer reads the annotations

from pathlib import Path
from typing import Annotated

import typer

from ecotaskset.console import Output, run_app
from ecotaskset.errors import UsageError
from ecotaskset.versions import Version

EPILOG = """\b
Examples:
  ecotaskset report
  ecotaskset report my-store/ --json
  ecotaskset validate runs.parquet
  ecotaskset build --store my-store/ --to ecotaskset/data --version 1.2.0
"""

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print identifiers only.")]

FINDINGS_SHOWN = 10


@app.callback(epilog=EPILOG)
def top(version: Version = False) -> None:
    """EcoTaskSet: what trainings cost in energy and how good they became."""


@app.command(epilog="Example: ecotaskset report my-store/ --figures figures/")
def report(
    path: Annotated[
        Path | None,
        typer.Argument(help="A store, a snapshot folder or a parquet file; the shipped snapshot if left out."),
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for the report's figures (PNG).")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Describe runs: coverage, repeatability, outliers, contention, gaps, leaks; with -q the ids of outliers."""
    from ecotaskset.report import report as describe
    from ecotaskset.report_source import read_rows
    from ecotaskset.report_text import render

    out = Output(json=json, quiet=quiet)
    rows = read_rows(path)
    data = describe(rows)
    if figures is not None:
        from ecotaskset.report_figures import write_figures

        for written in write_figures([row.run for row in rows], data, figures):
            out.say(f"wrote {written}")
    human = None if json or quiet else render(data)
    out.result(data, human=human, ids=sorted({item["run_id"] for item in data["outliers"]}))


@app.command(epilog="Example: ecotaskset validate my-store/")
def validate(
    path: Annotated[Path, typer.Argument(help="A parquet or JSON file, a store, a snapshot folder.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check runs: schema, units, physics, provenance, duplicates, leaks. Exit code 3 if anything is refused."""
    from rich.markup import escape

    from ecotaskset.report_validate import validate as check

    out = Output(json=json, quiet=quiet)
    verdict = check(path)
    colour = {"accepted": "green", "held": "yellow", "refused": "red"}
    lines = [f"[red]{escape(problem)}[/]" for problem in verdict.problems]
    for name, found in verdict.files.items():
        lines.append(f"[{colour[found.verdict]}]{found.verdict}[/] {escape(name)} ({found.rows} rows)")
        for finding in found.findings[:FINDINGS_SHOWN]:
            where = finding.run_id or ("" if finding.row is None else f"row {finding.row}")
            lines.append(escape(f"  {finding.severity} {finding.code} {where} {finding.message}"))
        if len(found.findings) > FINDINGS_SHOWN:
            lines.append(f"  … {len(found.findings) - FINDINGS_SHOWN} more with --json")
    refused = {f.run_id for r in verdict.files.values() for f in r.findings if f.run_id and f.severity == "error"}
    out.result(verdict.to_dict(), human=lines, ids=sorted(refused))
    if verdict.verdict == "refused":
        raise typer.Exit(3)


@app.command("import", epilog="Example: ecotaskset import csv table.csv --mapping columns.toml --store imported/")
def import_(
    name: Annotated[str, typer.Argument(help="zeus, ecnas, imagenet_efficiency, seaa2023 or csv.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the measurement set (csv: the file).")],
    store: Annotated[
        Path | None, typer.Option(help="Store that gets the table imported-<name>.parquet; yours if left out.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="For csv: what each column means (.toml, .json, .yaml).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report only, write nothing.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Import a public measurement set. Every row is reported as mapped or refused; -q prints the ids of the runs."""
    from ecotaskset.importers import import_folder

    out = Output(json=json, quiet=quiet)
    ledger = import_folder(name, folder, mapping=mapping)
    data = ledger.to_dict()
    if not dry_run:
        data["written"] = str(_write_table(ledger, store))
        out.say(f"wrote {data['written']}")
    lines = [f"[bold]{data['runs']:,} runs[/] from {ledger.source.title} ({ledger.source.licence})"]
    lines.append(f"meter: {ledger.source.meter}")
    for file, of in data["files"].items():
        lines.append(f"{file}: {of['mapped']:,} of {of['rows']:,} rows mapped")
        for refusal in of["refused"]:
            first = ", ".join(map(str, refusal["first_lines"]))
            lines.append(f"  {refusal['rows']:,} refused: {refusal['reason']} (lines {first} …)")
        left = [column for column, fate in of["columns"].items() if fate.startswith("left out")]
        lines.append(f"  columns left out: {', '.join(left) or 'none'} (reasons with --json)")
    out.result(data, human=lines, ids=[run.run_id for run in ledger.runs])


@app.command(epilog="Example: ecotaskset build --store my-store/ --to ecotaskset/data --version 1.2.0")
def build(
    to: Annotated[Path, typer.Option(help="Folder for the data files; the card goes beside it as README.md.")],
    version: Annotated[str, typer.Option(help="X.Y.Z of the data; other rows need another version.")],
    store: Annotated[
        list[Path] | None, typer.Option(help="A store, snapshot or parquet file; may be repeated; yours if left out.")
    ] = None,
    card: Annotated[Path | None, typer.Option(help="Write the card here too, for example dataset_card.md.")] = None,
    checkout: Annotated[
        Path | None, typer.Option(help="Repository root that gets a .huggingface.yaml, so that it loads from outside.")
    ] = None,
    repo: Annotated[str | None, typer.Option(help="Hub data set the card names.")] = None,
    with_imported: Annotated[
        bool, typer.Option("--with-imported", help="Imported rows too, in a config of their own.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build a snapshot: the same runs give the same bytes. Runs that fail the checks are named and left out."""
    from ecotaskset.card import render_card
    from ecotaskset.hub.client import repo_name
    from ecotaskset.report_source import read_rows
    from ecotaskset.snapshot import build_snapshot, configs_yaml
    from ecotaskset.store import default_store_path, write_atomically

    out = Output(json=json, quiet=quiet)
    found = {row.run.run_id: row.run for path in store or [default_store_path()] for row in read_rows(path)}
    wanted = [run for run in found.values() if with_imported or run.origin == "collected"]
    runs, refused = _passed(wanted)
    name, prefix = repo_name(repo), _below(to, checkout) if checkout else ""
    manifest = build_snapshot(runs, to, version)
    text = render_card(to, repo=name)
    texts = {to.parent / "README.md": text} | ({card: text} if card else {})
    if checkout is not None:
        texts[checkout / ".huggingface.yaml"] = configs_yaml(to, prefix=prefix)
    for target, content in texts.items():
        write_atomically(target, content.encode())
        out.say(f"wrote {target}")
    manifest |= {"left_out_imported": len(found) - len(wanted), "left_out_refused": refused}
    for run_id, reason in refused.items():
        out.say(f"left out {run_id}: {reason}")
    lines = [f"[bold]{manifest['runs']:,} runs[/] in {to}, version {manifest['version']}"]
    lines += [f"{file['path']}: {file['rows']:,} runs, {file['bytes'] / 1000:,.0f} kB" for file in manifest["files"]]
    lines += [f"{len(refused)} runs left out by the checks"] if refused else []
    out.result(manifest, human=lines, ids=[file["path"] for file in manifest["files"]])


def _below(folder: Path, root: Path) -> str:
    try:
        return folder.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"{folder} is not below {root}", hint="name the root of the checkout it is in") from None


def _passed(runs: list) -> tuple[list, dict[str, str]]:
    """The runs without an error, and for the others the first reason."""
    from ecotaskset.checks import check_runs

    checked = check_runs(runs)
    reasons: dict[str, str] = {}
    for finding in checked.of("error"):
        if finding.run_id:
            reasons.setdefault(finding.run_id, f"{finding.code} {finding.message}")
    return [run for run in runs if run.run_id not in reasons], reasons


def _write_table(ledger, store: Path | None) -> Path:
    import io

    import pyarrow.parquet as pq

    from ecotaskset.run import to_table
    from ecotaskset.store import default_store_path, write_atomically

    target = (store or default_store_path()) / f"imported-{ledger.source.name}.parquet"
    buffer = io.BytesIO()
    pq.write_table(to_table(ledger.runs), buffer, compression="zstd")
    write_atomically(target, buffer.getvalue())
    return target


def main() -> None:
    """Entry point of the command `ecotaskset`."""
    run_app(app, "ecotaskset")


if __name__ == "__main__":
    main()
