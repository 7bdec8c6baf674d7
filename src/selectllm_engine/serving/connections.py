"""Connections to one endpoint: each is a client of its own.

A pool of httpx looks at each of its connections once for every other, whenever a request comes or goes: with 200 at a
time that takes ten times as long as all else that a request needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

    import httpx

__all__ = ["Connections"]


class Connections:
    """As many connections as there are requests at the same time; they are kept open.

    Args:
        timeout: of each.
        headers: of every request.
        transport: instead of the network.
    """

    def __init__(
        self, timeout: httpx.Timeout, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._timeout, self._headers, self._transport = timeout, headers, transport
        self._idle: list[httpx.AsyncClient] = []

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        """A connection that nobody else has meanwhile."""
        client = self._idle.pop() if self._idle else self._made()
        try:
            yield client
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        """Give up those that are idle."""
        await asyncio.gather(*(client.aclose() for client in self._idle))
        self._idle.clear()

    def _made(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            verify=_trusted(), timeout=self._timeout, headers=self._headers, transport=self._transport
        )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; to read them takes longer than to make a connection."""
    import httpx

    return httpx.create_ssl_context()
