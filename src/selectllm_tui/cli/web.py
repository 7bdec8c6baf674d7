"""The explorer in a browser of this machine: textual-serve behind a door that other pages can't pass."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from selectllm_engine.errors import MissingExtraError, SelectLLMError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web import Application, Request, StreamResponse
    from textual_serve.server import Server

    from selectllm_engine.setups import Setup

__all__ = ["in_browser", "serve_explorer"]

HOST = "127.0.0.1"
DRIVER = "textual.drivers.web_driver:WebDriver"
# Textual's page asks for a font from elsewhere: nothing that it shows needs to leave the machine.
POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws://{host}; "
    "frame-ancestors 'none'"
)


def in_browser() -> bool:
    """Whether this explorer is one of a served page: its keys come from there."""
    return os.environ.get("TEXTUAL_DRIVER") == DRIVER


def serve_explorer(benchmark: str | None, setup: Setup | None, cache: Path | None, *, fresh: bool, port: int) -> None:
    """Serve `selectllm tui` with these options, one process per page, to this machine alone, until Ctrl-C.

    Raises:
        MissingExtraError: textual-serve is not installed.
        SelectLLMError: the port is taken.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise MissingExtraError("the explorer in a browser", "web") from None

    from selectllm_engine.setups import write_setup

    allowed = {f"{host}:{port}" for host in (HOST, "localhost")}

    @web.middleware
    async def guard(request: Request, handler: Callable[[Request], Awaitable[StreamResponse]]) -> StreamResponse:
        """Takes requests for its own address alone, and keys of its own page: others could press them, too."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        foreign = origin != f"http://{host}" and (origin is not None or request.path == "/ws")
        if host not in allowed or foreign:
            raise web.HTTPForbidden
        response = await handler(request)
        if not response.prepared:
            response.headers["Content-Security-Policy"] = POLICY.format(host=host)
        return response

    class LocalServer(Server):
        async def _make_app(self) -> Application:
            app = await super()._make_app()
            app.middlewares.append(guard)
            return app

    arguments = ["--fresh"] if fresh else []
    arguments += ["--cache", str(cache)] if cache is not None else []
    with TemporaryDirectory() as folder:
        if setup is not None:
            path = Path(folder) / "setup.toml"
            write_setup(setup, path, force=True)
            arguments += ["--setup", str(path)]
        elif benchmark is not None:
            arguments += ["--benchmark", benchmark]
        command = shlex.join([sys.executable, "-m", "selectllm_tui", "tui", *arguments])
        _serve(LocalServer(command, host=HOST, port=port, title="selectllm"))


def _serve(server: Server) -> None:
    asyncio.set_event_loop(asyncio.new_event_loop())  # the server asks for the current one
    try:
        server.serve()
    except OSError as error:
        raise SelectLLMError(f"port {server.port} can't be had: {error.strerror}", "choose another: --port") from None
