"""What the README and `--help` tell people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tests.house import ROOT

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


def test_python_blocks_run_in_order(tmp_path):
    script = tmp_path / "readme.py"
    script.write_text("\n\n".join(blocks("python")))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        env={**__import__("os").environ, "ECOTASKSET_STORE": str(tmp_path / "store"), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("line", command_lines("\n".join(blocks("bash"))))
def test_commands_in_the_readme_parse(line):
    parse_only(line)


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
