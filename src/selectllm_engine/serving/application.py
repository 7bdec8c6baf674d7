"""The HTTP of a server: what is asked where, who may ask, and how answers are written."""

from __future__ import annotations

import contextlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from selectllm_engine.serving.chat import (
    DETAILS,
    RequestError,
    completion,
    events,
    last_words,
    read_chat,
    read_object,
)
from selectllm_engine.serving.desk import SELF
from selectllm_engine.serving.metrics import MEDIA
from selectllm_engine.serving.reports import decided, details_of, headers_of
from selectllm_engine.serving.upstream import RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from selectllm_engine.serving.asker import Answer
    from selectllm_engine.serving.desk import Desk

    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["application"]

_JSON, _EVENTS = "application/json", "text/event-stream; charset=utf-8"
_OPEN = "/healthz"  # for everybody: it says nothing


def application(desk: Desk, *, key: str = "") -> ASGIApp:
    """The application of a desk.

    Args:
        desk: which answers; closed with the application.
        key: that requests must have; without one only those are answered that name this machine as their host, for a
            page in somebody's browser could ask otherwise.
    """
    pages = _Pages(desk)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await desk.close()

    routes = [
        Route("/v1/models", _told(pages.models)),
        Route("/v1/chat/completions", _told(pages.chat), methods=["POST"]),
        Route("/v1/route", _told(pages.route), methods=["POST"]),
        Route(_OPEN, _told(pages.health)),
        Route("/metrics", _told(pages.metrics)),
    ]
    return _Gate(Starlette(routes=routes, lifespan=lifespan), desk, key)


def _told(page: Handler) -> Handler:
    """The page with its errors as replies."""

    async def told(request: Request) -> Response:
        try:
            return await page(request)
        except RequestError as error:
            return Response(error.body, error.status, headers=error.headers, media_type=_JSON)

    return told


class _Gate:
    """Who may ask, and how many at the same time."""

    def __init__(self, app: ASGIApp, desk: Desk, key: str) -> None:
        self._app, self._desk, self._key = app, desk, key
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = None if scope["path"] == _OPEN else self._refused(scope)
        if refused is not None:
            reply = Response(refused.body, refused.status, headers=refused.headers, media_type=_JSON)
            await reply(scope, receive, send)
            return
        self._running += 1
        self._desk.metrics.running.set(self._running)
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
            self._desk.metrics.running.set(self._running)

    def _refused(self, scope: Scope) -> RequestError | None:
        headers = dict(scope["headers"])
        if self._key:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, b"Bearer " + self._key.encode()):
                return RequestError(401, "this server wants a key", headers={"WWW-Authenticate": "Bearer"})
        elif _host(headers.get(b"host", b"").decode("latin-1")) not in {"localhost", "127.0.0.1", "::1"}:
            return RequestError(403, "without a key this server answers its own machine alone")
        if scope["method"] == "POST" and self._running >= self._desk.limits.requests:
            return RequestError(429, "too many requests at the same time", headers={"Retry-After": "1"})
        return None


def _host(value: str) -> str:
    """The name or address in a Host header."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.rpartition(":")[0] if value.count(":") == 1 else value


class _Pages:
    """What each path answers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def models(self, _: Request) -> Response:
        listed = [{"id": name, "object": "model", "created": 0, "owned_by": "selectllm"} for name in self._desk.models]
        return _json({"object": "list", "data": listed})

    async def health(self, _: Request) -> Response:
        return _json({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        return Response(self._desk.metrics.text(), headers={"Content-Type": MEDIA})

    async def route(self, request: Request) -> Response:
        """Whom a question would go to; nobody is asked."""
        fields = read_object(await self._body(request))
        messages, question = fields.get("messages"), fields.get("question")
        if isinstance(messages, list) and all(isinstance(each, dict) for each in messages):
            question = last_words(messages)
        if not isinstance(question, str) or not question.strip():
            raise RequestError(400, "send a question, or messages with one")
        decision, fallback = await self._desk.decide(question)
        if decision is None:
            return _json({"choice": [self._desk.best_single], "fallback": fallback})
        return _json({**decided(self._desk.chooser, decision), "fallback": None})

    async def chat(self, request: Request) -> Response:
        start, model, status = time.perf_counter(), "unknown", 500
        try:
            asked = read_chat(await self._body(request))
            model = asked.model if asked.model in self._desk.models else model
            answer = await self._desk.answer(asked)
            status = 200
            return self._reply(answer, start)
        except RequestError as error:
            status = error.status
            raise
        except RefusedRequestError as error:
            status = error.status
            return Response(error.body, status, headers={"Content-Type": error.media})
        finally:
            self._desk.metrics.requests.labels(model, str(status)).inc()

    def _reply(self, answer: Answer, start: float) -> Response:
        desk, asked = self._desk, answer.request
        headers = headers_of(desk.chooser, answer)
        if answer.pieces is not None:
            return StreamingResponse(
                _finishing(desk, answer, start), headers={**headers, "Content-Type": answer.media or _EVENTS}
            )
        desk.finish(answer, time.perf_counter() - start)
        details = details_of(desk.chooser, answer) if asked.details else None
        if answer.choice is None:
            body = answer.body
            if details is not None:
                body = json.dumps({**json.loads(body), DETAILS: details}).encode()
            return Response(body, headers=headers, media_type=_JSON)
        if asked.stream:
            usage = answer.usage if asked.counts_usage else None
            written = b"".join(events(SELF, answer.choice, usage, details))
            return Response(written, headers={**headers, "Content-Type": _EVENTS})
        return _json(completion(SELF, answer.choice, answer.usage, details), headers)

    async def _body(self, request: Request) -> bytes:
        """A request's body, as far as it may go."""
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != _JSON:  # which a page in a browser can't send without asking first
            raise RequestError(415, "send JSON, with the header Content-Type: application/json")
        size, pieces = 0, []
        async for piece in request.stream():
            size += len(piece)
            if size > self._desk.limits.body:
                raise RequestError(413, f"the request is larger than {self._desk.limits.body >> 20} MiB")
            pieces.append(piece)
        return b"".join(pieces)


async def _finishing(desk: Desk, answer: Answer, start: float) -> AsyncIterator[bytes]:
    assert answer.pieces is not None  # noqa: S101 - callers have looked
    try:
        async with contextlib.aclosing(answer.pieces) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece
    finally:
        desk.finish(answer, time.perf_counter() - start)


def _json(value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(value, allow_nan=False).encode(), headers=headers, media_type=_JSON)
