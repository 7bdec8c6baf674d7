"""The process of a server: it listens, says where, and finishes what is under way before it ends."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import uvicorn

from selectllm_engine.errors import UsageError
from selectllm_engine.machine import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

__all__ = ["client_key", "listen", "serve"]


def client_key(host: str, name: str | None) -> str:
    """The key that requests must have, "" for none.

    Args:
        host: where the server listens.
        name: of the environment variable that holds it.

    Raises:
        UsageError: the variable is empty, or there is none where others than this machine can ask.
    """
    if name is None:
        if not is_loopback(host):
            raise UsageError(
                f"{host} can be reached from other machines, which would need no key",
                "put one into an environment variable and name that: --api-key-env NAME",
            )
        return ""
    key = os.environ.get(name, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(f"{name} holds no key", f"set it: export {name}=…")
    return key


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; raises UsageError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        place = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise UsageError(f"nothing can listen on {host}:{port} ({error.strerror})", "choose another --port") from error
    # connections take it over: a reply's body doesn't wait 40 ms for the acknowledgement of its head
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place


def serve(app: ASGIApp, place: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until a signal comes; then those under way are finished, unless it comes again.

    Args:
        app: an application.
        place: from `listen`.
        ready: called once requests are answered.
    """
    config = uvicorn.Config(
        app, log_level="error", access_log=False, server_header=False, proxy_headers=False, ws="none", lifespan="on"
    )
    _Server(config, ready).run(sockets=[place])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
