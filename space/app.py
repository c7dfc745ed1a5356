"""The Space's entry: `python space/app.py`, or `green-space`. Asks no other host for anything.

On a Hugging Face Space the host and port come from the environment (GRADIO_SERVER_NAME, GRADIO_SERVER_PORT).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from space import exports
from space.describe_upload import MOST_UPLOAD_BYTES
from space.figure_box import page_head, routes

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
STYLE = Path(__file__).parent / "style.css"
MOST_THREADS = 16


def theme() -> Any:
    """A quiet theme with the system's own fonts, so that none is fetched."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue=gr.themes.colors.emerald,
        neutral_hue=gr.themes.colors.gray,
        font=["system-ui", "-apple-system", "Segoe UI", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
        radius_size=gr.themes.sizes.radius_md,
    )


def launch(host: str | None = None, port: int | None = None) -> Any:
    """Serve the app in the background. Returns the page: `.local_url` is its address, `.block_thread()` waits.

    Raises:
        OSError: the port is taken.
    """
    from space.answer import warm
    from space.page import build

    warm()
    page = build()
    page.queue(max_size=200)
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        max_threads=MOST_THREADS,
        max_file_size=MOST_UPLOAD_BYTES,
        theme=theme(),
        css=STYLE.read_text(encoding="utf-8"),
        head=page_head(),
        footer_links=["api"],
        ssr_mode=False,
        app_kwargs={"routes": [*routes(), *exports.routes()]},
        state_session_capacity=500,
    )
    return page


if __name__ == "__main__":
    launch().block_thread()
