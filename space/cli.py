"""green-space: the app in a browser, from what is installed, without a network."""

import typer

from ecotaskset.console import Output, run_app
from ecotaskset.errors import UsageError
from ecotaskset.versions import Version

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860

EPILOG = """\b
Examples:
  green-space
  green-space --port 8080 --store my-store/
"""

app = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(epilog=EPILOG)
def serve(
    host: str = typer.Option(DEFAULT_HOST, help="address to serve on; 0.0.0.0 is everybody who can reach this machine"),
    port: int = typer.Option(DEFAULT_PORT, min=1, max=65535, help="port to serve on"),
    store: str = typer.Option("", help="answer from the runs of this store instead of the shipped snapshot"),
    version: Version = False,
) -> None:
    """Choose a recipe with your eyes: serve the app and print its address."""
    import os
    from pathlib import Path

    from space.sources import DATA_VARIABLE

    if store:
        if not Path(store).expanduser().is_dir():
            raise UsageError(f"no store at '{store}'", hint="name the folder that green-collect writes its runs to")
        os.environ[DATA_VARIABLE] = store
    try:
        from space.app import launch
    except ImportError as error:
        raise UsageError(f"the app needs '{error.name}'", hint="pip install 'ecotaskset[space]'") from None
    out = Output()
    try:
        with out.talk.status("loading the runs and the predictor"):
            page = launch(host, port)
    except OSError as error:
        raise UsageError(f"cannot serve on {host}:{port}: {error}", hint="choose another --port") from None
    out.say(f"[bold]{page.local_url}[/]  (Ctrl+C stops it)")
    page.block_thread()


def main() -> None:
    """The console script."""
    run_app(app, "green-space")


if __name__ == "__main__":
    main()
