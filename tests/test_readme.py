"""What the README, the pages it sends people to and `--help` tell people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ecotaskset import Store
from ecotaskset.checks import check_runs
from tests.house import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = r"^```.*?^```"

COMMANDS = {
    "green-collect": "collectors.cli:app",
    "green-recommend": "green_predictor.cli:recommend_app",
    "green-predictor": "green_predictor.cli:app",
    "green-space": "space.cli:app",
    "ecotaskset": "ecotaskset.cli:app",
}


def blocks(language: str, path: Path = ROOT / "README.md") -> list[str]:
    """The fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def command_lines(text: str) -> list[str]:
    """The lines of a text that call one of our commands, comments and line continuations removed."""
    joined = text.replace("\\\n", " ")
    return [
        line.strip().split("  #")[0]
        for line in joined.splitlines()
        if line.strip().split(" ")[0] in COMMANDS and not line.strip().startswith("#")
    ]


def inline_commands(text: str) -> list[str]:
    """Commands of ours that stand in a sentence, as `code`; those with … in them are left to the reader."""
    code = re.findall(r"`([^`]+)`", re.sub(FENCED, "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [" ".join(words.split()) for words in code]
    return [line for line in lines if " " in line and line.split()[0] in COMMANDS and "…" not in line]


def links(text: str) -> list[str]:
    """What a page links to or shows, but for other sites."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(FENCED, "", text, flags=re.MULTILINE | re.DOTALL))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(path: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    text = re.sub(FENCED, "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def parse_only(line: str) -> None:
    """Parse a command line as the real command would, without doing anything."""
    name, *words = shlex.split(line)
    module, attribute = COMMANDS[name].split(":")
    app = getattr(__import__(module, fromlist=[attribute]), attribute)
    command = typer.main.get_command(app)
    with command.make_context(name, words, resilient_parsing=False) as context:
        rest = [*context._protected_args, *context.args] if hasattr(context, "_protected_args") else context.args
        if rest:
            inner_name, inner, inner_words = command.resolve_command(context, rest)
            inner.make_context(inner_name, inner_words, parent=context)


@pytest.mark.parametrize("page", [path for path in PAGES if blocks("python", path)], ids=lambda path: path.name)
def test_python_blocks_run_in_order(page, tmp_path):
    script = tmp_path / "page.py"
    script.write_text("\n\n".join(blocks("python", page)))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        env={**__import__("os").environ, "ECOTASKSET_STORE": str(tmp_path / "store"), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if page.name == "README.md":
        kept = Store(tmp_path / "store").runs()
        assert len(kept) == 2 and not check_runs(kept).of("error"), "what the README records can be shared"


@pytest.mark.parametrize(
    "line",
    sorted(
        {line for path in PAGES for line in command_lines("\n".join(blocks("bash", path)))}
        | {line for path in PAGES for line in inline_commands(path.read_text())}
    ),
)
def test_commands_in_the_pages_parse(line):
    parse_only(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_a_page_links_to_is_there(page):
    missing = []
    for link in links(page.read_text()):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    scripts = re.findall(r"python ((?:tests|examples)/[\w/]+\.py)", page.read_text())
    assert missing + [name for name in scripts if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_is_there_with_examples_that_parse(name):
    shown = subprocess.run([Path(sys.executable).parent / name, "--help"], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    examples = command_lines(shown.stdout)
    assert len(examples) >= 2, "help shows no examples"
    for line in examples:
        parse_only(line)


def test_the_readme_starts_with_the_two_commands():
    first = blocks("bash")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


def test_ci_calls_exactly_the_readme_command():
    assert (ROOT / ".ci" / "run").read_text().strip().splitlines()[-1] == "make test"
