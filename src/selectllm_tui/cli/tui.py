"""`selectllm tui`: the explorer."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Annotated

import typer

from selectllm_engine.errors import UsageError
from selectllm_tui.cli.loaded_run import named
from selectllm_tui.cli.options import Benchmark, CacheDir, SetupFile

__all__ = ["tui"]


def tui(
    benchmark: Benchmark = None,
    setup: SetupFile = None,
    cache: CacheDir = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Start with the pool, router, policy, tab and theme of last time: the default."),
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start with everything on, not where the last one was left.")
    ] = False,
    web: Annotated[bool, typer.Option("--web", help="In a browser of this machine. Needs the extra web.")] = False,
    port: Annotated[int, typer.Option(metavar="N", min=1, max=65535, help="Of --web.")] = 8000,
) -> None:
    """Explore results: toggle LLMs, switch routers and policies, and read every single vote."""
    if resume and setup is not None:
        raise UsageError("--resume and --setup both say what is shown first", "leave out one of them")
    if resume and fresh:
        raise UsageError("--resume and --fresh are opposites", "leave out one of them")
    from selectllm_engine.settings import read_settings
    from selectllm_tui.cli.web import in_browser, serve_explorer
    from selectllm_tui.preferences import AUTO, preferences

    wishes, cache = preferences(read_settings()), named(cache)
    if web:
        serve_explorer(benchmark, setup, cache, fresh=fresh, port=port)
        return
    # Textual draws on standard error's terminal and reads keys from standard input's.
    if not in_browser() and not all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__)
    ):
        raise UsageError(
            "the explorer needs a terminal", "selectllm evaluate and selectllm show print the same figures"
        )
    import asyncio

    from selectllm_tui.app import ExplorerApp, leave_soon
    from selectllm_tui.terminal import background_is_light
    from selectllm_tui.themes import DEFAULT, LIGHT

    if wishes.theme == AUTO:
        wishes = replace(wishes, theme=LIGHT if background_is_light() else DEFAULT)
    resume = setup is None and not fresh and (resume or wishes.resume)
    app = ExplorerApp(benchmark, cache, resume=resume, setup=setup, wishes=wishes)
    try:
        app.run(loop=asyncio.new_event_loop())  # asyncio's own would wait for threads that nobody needs any more
    finally:
        leave_soon(1 if app.crash is not None else app.return_code or 0)
        if app.crash is not None:
            raise app.crash
    if app.refusal is not None:
        raise app.refusal
    raise typer.Exit(app.return_code or 0)
