"""One LLM's endpoint: requests to it, when they are tried again, and what of its replies is believed.

Its key comes from the environment, goes to this endpoint alone and into no message. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_engine.generation.endpoint import KEY, endpoint_key
from selectllm_engine.serving.connections import Connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    import httpx

    from selectllm_engine.llms import LLM

__all__ = ["Completed", "DownError", "Opened", "RefusedRequestError", "Upstream"]

CONNECT_SECONDS = 5.0
RETRIES = 2  # of a request, before another LLM answers
PAUSE = 0.1  # seconds before the first; each time four times as long
MOST_PAUSE = 5.0  # that a server may ask for; else another LLM is quicker
REST_SECONDS = 10.0  # for which others are asked first, after an endpoint could not be reached
MOST_REPLY = 64 << 20  # bytes
_REFUSALS = {400, 413, 422}  # of this request; others are about the endpoint


class DownError(Exception):
    """An endpoint gives no answer."""


class RefusedRequestError(Exception):
    """An endpoint refuses this request.

    Attributes:
        status, body, media: of its reply.
    """

    def __init__(self, status: int, body: bytes, media: str) -> None:
        super().__init__(f"refused ({status})")
        self.status, self.body, self.media = status, body, media


@dataclass(frozen=True, slots=True)
class Completed:
    """A whole reply: its bytes, and the object in them."""

    body: bytes
    reply: dict[str, object]


@dataclass(frozen=True, slots=True)
class Opened:
    """A streamed reply that has begun: its first piece, all that come after it, and how it is given up."""

    first: bytes
    rest: AsyncIterator[bytes]
    media: str
    close: Callable[[], Awaitable[None]]


class Upstream:
    """One LLM at its endpoint.

    Args:
        llm: with an endpoint.
        seconds: for one whole reply, or between two pieces of a streamed one.
        transport: instead of the network.

    Raises:
        UsageError: it has no endpoint, or its key can't be one.
    """

    def __init__(
        self,
        llm: LLM,
        *,
        seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        import httpx  # which loads rich

        if llm.endpoint is None:
            raise UsageError(f"{llm.name} has no endpoint", f'say where it is served: [llms."{llm.name}"] endpoint = …')
        self.llm = llm
        self._seconds = seconds
        self._tired = 0.0
        self.pause = PAUSE
        key = endpoint_key(llm.api_key_env or KEY)
        self._url = llm.endpoint.rstrip("/") + "/chat/completions"
        headers = {
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "selectllm",
            **({"Authorization": f"Bearer {key}"} if key else {}),
        }
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS, pool=None)
        self._connections = Connections(timeout, headers, transport)

    @property
    def resting(self) -> bool:
        """Whether it could not be reached a moment ago."""
        return time.monotonic() < self._tired

    def cost(self, prompt_tokens: int | None, output_tokens: int | None) -> float | None:
        """Dollars; None where tokens or prices are not known."""
        price = self.llm.price
        if price is None or prompt_tokens is None or output_tokens is None:
            return None
        return (price.input * prompt_tokens + price.output * output_tokens) / 1e6

    async def complete(self, fields: Mapping[str, object]) -> Completed:
        """A whole reply; raises DownError or RefusedRequestError."""
        import httpx

        for attempt in count():
            try:
                async with asyncio.timeout(self._seconds), self._connections.one() as client:
                    response = await self._send(client, fields)
                    try:
                        body = await _whole(response)
                    finally:
                        await response.aclose()
                return Completed(body, _completion(body))
            except (httpx.HTTPError, TimeoutError, OSError, ValueError, RecursionError) as error:
                await self._again(error, attempt)
        raise AssertionError("there is always another attempt")

    async def open(self, fields: Mapping[str, object]) -> Opened:
        """A streamed reply, once its first piece is there; raises DownError or RefusedRequestError."""
        import httpx

        for attempt in count():
            try:
                async with contextlib.AsyncExitStack() as stack:
                    client = await stack.enter_async_context(self._connections.one())
                    response = await self._send(client, fields)
                    stack.push_async_callback(response.aclose)
                    pieces = _bounded(response)
                    first = await anext(pieces)
                    close = stack.pop_all().aclose
                return Opened(first, pieces, response.headers.get("content-type", ""), close)
            except (httpx.HTTPError, OSError, ValueError, StopAsyncIteration) as error:
                await self._again(error, attempt)
        raise AssertionError("there is always another attempt")

    async def close(self) -> None:
        """Give up the connections."""
        await self._connections.close()

    async def _send(self, client: httpx.AsyncClient, fields: Mapping[str, object]) -> httpx.Response:
        """The beginning of a reply that is none of an error."""
        body = json.dumps({**fields, "model": self.llm.weights}).encode()  # plain ASCII: halves of characters, too
        request = client.build_request("POST", self._url, content=body)
        response = await client.send(request, stream=True)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise ValueError("packed")  # would be larger than it looks
        if response.status_code == 200:
            return response
        try:
            if response.status_code in _REFUSALS:
                media = response.headers.get("content-type", "application/json")
                raise RefusedRequestError(response.status_code, await _whole(response), media)
            raise _BusyError(response.status_code, response.headers.get("retry-after", ""))
        finally:
            await response.aclose()

    async def _again(self, error: Exception, attempt: int) -> None:
        """Wait before the next attempt; raises DownError where there is none."""
        import httpx

        wait = self.pause * 4.0**attempt
        if isinstance(error, _BusyError):
            wait = max(wait, error.asked)
            if not error.passes or wait > MOST_PAUSE:
                raise DownError(str(error)) from None
        if attempt == RETRIES:
            if isinstance(error, (httpx.ConnectError, httpx.TimeoutException, TimeoutError)):
                self._tired = time.monotonic() + REST_SECONDS
            raise DownError(str(error) or type(error).__name__) from None
        if isinstance(error, (httpx.ReadTimeout, TimeoutError)):  # another try would take as long
            self._tired = time.monotonic() + REST_SECONDS
            raise DownError("it takes too long") from None
        await asyncio.sleep(wait)


class _BusyError(ValueError):
    """An answer of an endpoint that can't answer now, or at all."""

    def __init__(self, status: int, asked: str) -> None:
        super().__init__(f"status {status}")
        self.passes = status in {408, 409, 425, 429} or status >= 500
        self.asked = 0.0
        with contextlib.suppress(ValueError):
            self.asked = max(0.0, float(asked))


async def _bounded(response: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > MOST_REPLY:
            raise ValueError("too large")
        yield piece


async def _whole(response: httpx.Response) -> bytes:
    return b"".join([piece async for piece in _bounded(response)])


def _completion(body: bytes) -> dict[str, object]:
    """The object of a reply; raises ValueError where it is no whole one."""
    reply = json.loads(body)
    if not isinstance(reply, dict):
        raise ValueError("no object")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(each, dict) for each in choices):
        raise ValueError("no choices")
    return reply
