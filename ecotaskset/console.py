"""One voice for all commands: results on stdout, talk on stderr, expected errors as one line and a fitting exit code.

Exit codes: 0 done · 1 bug · 2 wrong use · 3 refused by checks · 4 a required measurement is missing ·
5 some runs failed · 6 network or Hub · 130 interrupted.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ecotaskset.errors import EcoTaskSetError

if TYPE_CHECKING:
    import typer
    from rich.console import Console

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
DEBUG_VARIABLE = "ECOTASKSET_DEBUG"
INTERRUPTED = 130


@dataclass(frozen=True)
class Output:
    """Where a command's words go. `json` prints one object, `quiet` prints identifiers only."""

    json: bool = False
    quiet: bool = False

    @cached_property
    def talk(self) -> Console:
        """A rich console on stderr; silent in quiet mode."""
        from rich.console import Console

        wraps = not sys.stderr.isatty()
        return Console(stderr=True, quiet=self.quiet, highlight=False, emoji=False, soft_wrap=wraps)

    def say(self, text: str) -> None:
        """One line of talk (rich markup)."""
        self.talk.print(harmless(text))

    def result(self, data: Any, human: Any = None, ids: Sequence[str] = ()) -> None:
        """The answer: `data` with `--json`, `ids` one a line with `-q`, else `human` (text or rich renderables).

        Text keeps its lines however narrow the terminal is: a command or a row of a table that was broken in two could
        not be copied. A renderable, such as `rich.text.Text` with a paragraph, is fitted to the terminal.
        """
        if self.json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")
        elif self.quiet:
            sys.stdout.write("".join(f"{name}\n" for name in ids))
        elif human is not None:
            from rich.console import Console

            console, fits = Console(highlight=False, emoji=False), sys.stdout.isatty()
            for part in human if isinstance(human, (list, tuple)) else [human]:
                shown = harmless(part) if isinstance(part, str) else part
                console.print(shown, soft_wrap=isinstance(part, str) or not fits)


def harmless(text: str) -> str:
    """Text without what steers a terminal or turns its writing around: names may be a stranger's."""
    return STEERING.sub("�", text)


def run_app(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a typer app as a process: every outcome becomes an exit code, every expected error one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or bool(os.environ.get(DEBUG_VARIABLE))
    words = [word for word in words if word != "--debug"]
    sys.exit(guarded(lambda: _call(app, name, words), debug=debug))


def _call(app: typer.Typer, name: str, words: list[str]) -> int:
    import typer

    command = typer.main.get_command(app)
    try:
        result = command.main(args=words, prog_name=name, standalone_mode=False)
    except SystemExit:
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":  # typer's own way to end at a closed pipe
            return 0
        raise
    if result == INTERRUPTED:  # typer turns control-C into this
        raise KeyboardInterrupt
    sys.stdout.flush()  # here, where a closed pipe is still caught
    return result if isinstance(result, int) else 0


def guarded(call: Callable[[], int], *, debug: bool = False) -> int:
    """Call something as a process would: its outcome as an exit code, an expected error as one line on stderr. Where
    words are needed and none came, the help is the outcome."""
    try:
        return call()
    except EcoTaskSetError as error:
        if debug:
            raise
        _complain(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "what was finished is saved; run the same command again to go on")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  (nothing more can be written to the closed pipe)
        return 0
    except Exception as error:
        if type(error).__name__ == "Abort":
            return INTERRUPTED
        if type(error).__name__ == "NoArgsIsHelpError":  # click's way to say: no words at all, here is the help
            text = error.format_message()
            return guarded(lambda: print(text, flush=True) or 0)
        if hasattr(error, "format_message"):  # a click exception: wrong option, missing argument
            _complain(str(error.format_message()).rstrip("."), "see --help")
            return 2
        if debug:
            raise
        _complain(f"unexpected {type(error).__name__}: {error}", "run again with --debug for the traceback")
        return 1


def _complain(message: str, hint: str | None) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
    first, *rest = message.strip().splitlines() or ["unknown error"]
    console.print(f"[bold red]error:[/] {escape(harmless(' '.join([first, *rest])))}")
    if hint:
        console.print(f"[dim]hint:[/] {escape(harmless(hint))}")
