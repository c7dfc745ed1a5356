"""One voice: results on stdout, talk on stderr, expected errors in one line, exit codes as documented."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ecotaskset import errors
from ecotaskset.console import Output, guarded
from ecotaskset.errors import unknown_name

ROOT = Path(__file__).parents[2]
APP = """
    import sys, time
    import typer
    from ecotaskset import errors
    from ecotaskset.console import Output, run_app

    app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

    @app.command()
    def fail(name: str):
        raise getattr(errors, name)("the [red]thing[/] broke\\nin two lines", hint="try [the] other")

    @app.command()
    def crash():
        raise KeyError("a bug")

    @app.command()
    def work(json: bool = False, quiet: bool = typer.Option(False, "-q"), number: int = 1):
        out = Output(json=json, quiet=quiet)
        out.say("working …")
        out.result({"energy_kwh": 0.5, "name": "é"}, human="[bold]0.5 kWh[/]", ids=["a", "b"])

    @app.command()
    def long():
        from rich.text import Text
        Output().result(None, [Text("a word " * 30), "green-collect " + "--knob a=1 " * 15 + ":fire:"])

    @app.command()
    def wait():
        print("waiting", flush=True)
        time.sleep(60)

    @app.command()
    def much():
        for i in range(200_000):
            print("a line of output", i)

    run_app(app, "thing")
"""


def start(*words: str, **options) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(APP), *words], env=environment, **pipes, **options)


def outcome(*words: str, **options) -> tuple[int, str, str]:
    process = start(*words, **options)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 2),
        ("RefusedError", 3),
        ("MeasurementError", 4),
        ("RunsFailedError", 5),
        ("HubError", 6),
    ],
)
def test_an_expected_error_is_one_line_a_hint_and_its_code(name, code):
    returned, out, err = outcome("fail", name)
    assert (returned, out) == (code, "")
    # brackets are text, not markup: file names and values may hold them
    assert err.splitlines() == ["error: the [red]thing[/] broke in two lines", "hint: try [the] other"]
    assert getattr(errors, name).exit_code == code


@pytest.mark.parametrize("debug", [["--debug"], []])
def test_with_debug_there_is_a_traceback(debug):
    environment = {} if debug else {"ECOTASKSET_DEBUG": "1"}
    code, out, err = outcome("fail", "HubError", *debug, env=environment)
    assert code == 1 and out == "" and "Traceback" in err


def test_a_bug_is_exit_1_and_says_how_to_see_more():
    code, out, err = outcome("crash")
    assert (code, out) == (1, "") and "KeyError" in err and "--debug" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "culprit"),
    [
        (["work", "--nmber", "3"], "--nmber"),
        (["work", "--number", "three"], "--number"),
        (["wrok"], "wrok"),
        (["fail"], "name"),
    ],
)
def test_wrong_use_is_exit_2_and_names_the_culprit(words, culprit):
    code, out, err = outcome(*words)
    assert (code, out) == (2, "") and culprit in err
    assert err.count("\n") <= 2 and "Traceback" not in err


def test_human_output_and_talk_are_apart():
    assert outcome("work") == (0, "0.5 kWh\n", "working …\n")


def test_in_a_terminal_a_line_stays_whole_and_a_paragraph_is_fitted():
    outer, inner = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "dumb"}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(APP), "long"], stdout=inner, env=environment)
    assert process.wait(60) == 0
    *paragraph, command = os.read(outer, 4096).decode().splitlines()
    os.close(inner), os.close(outer)
    assert command == "green-collect " + "--knob a=1 " * 15 + ":fire:"
    assert len(paragraph) > 1 and max(map(len, paragraph)) <= 80


def test_json_output_is_one_object():
    code, out, err = outcome("work", "--json")
    assert code == 0 and json.loads(out) == {"energy_kwh": 0.5, "name": "é"} and err == "working …\n"


def test_quiet_output_is_identifiers_only():
    assert outcome("work", "-q") == (0, "a\nb\n", "")


def test_control_c_is_130_without_a_traceback():
    # a test runner that was itself started in the background hands down an ignored Ctrl-C
    process = start("wait", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and out == "" and "interrupted" in err and "Traceback" not in err


def test_a_closed_pipe_is_no_error():
    process = start("much")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0 and err == ""


def test_a_pipe_closed_before_the_answer_is_no_error():
    process = start("work", "--json")
    process.stdout.close()
    assert process.stderr.read() == "working …\n" and process.wait(timeout=60) == 0


def test_help_is_on_stdout_and_exit_0():
    code, out, err = outcome("--help")
    assert code == 0 and "work" in out and err == ""


def test_no_words_at_all_show_the_same_help():
    assert outcome() == (0, outcome("--help")[1], "")
    process = start()
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(timeout=60) == 0


def test_an_unknown_name_suggests_the_nearest_and_lists_what_there_is():
    error = unknown_name("domain", "recys", ("cv", "nlp", "recsys"), see="green-collect --list")
    assert error.message == "unknown domain 'recys'; did you mean 'recsys'?"
    assert error.hint == "choose from: cv, nlp, recsys; see `green-collect --list`"
    assert "(30 in all)" in unknown_name("x", "y", map(str, range(30))).hint
    assert str(error) == f"{error.message} ({error.hint})"


def test_names_of_strangers_neither_steer_the_terminal_nor_become_pictures(capsys):
    name = "csv:\x1b[2J\u202eratings.csv:user:book:time"
    out = Output()
    out.say(f"reading {name}")
    out.result(None, [f"next {name}"])

    def refuse() -> int:
        raise errors.UsageError(f"no run is of {name}", hint=name)

    guarded(refuse)
    shown = "".join(capsys.readouterr())
    assert shown.count(":user:book:time") == 4 and "\x1b" not in shown and "\u202e" not in shown
