"""The conversation with one server that speaks OpenAI's protocol: requests and when they are tried again, its errors.

Whatever passes by itself (connections reset, 429, 500) is tried again by OpenAI's client, with a growing delay or the
one that the server asks for. A completion counts only when it is whole. The key is the environment's,
OPENAI_API_KEY unless the LLM names another variable;
it is part of no message. A server that means harm gets nowhere: a reply is neither unpacked nor endless.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
import uuid
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError, UnknownNameError, UsageError
from selectllm_engine.generation.engine import Timing
from selectllm_engine.generation.openai_protocol import OWN_SERVERS, Dialect, Reply, helps, read_reply, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from selectllm_engine.generation.openai_protocol import Ask

__all__ = ["KEY", "Endpoint", "EndpointLimits", "RefusedPromptError", "endpoint_key"]

KEY = "OPENAI_API_KEY"
MENDS = 4  # times that a reply which is not whole is asked for again
CONNECT_SECONDS = 10.0
REFUSALS = 8  # requests that are refused, before any was answered: then none will be
MOST_WAIT, _CLIENT_WAITS = 3600.0, 60.0  # seconds that a server may ask for
_KEY_CHARACTERS = re.compile(r"[!-~]*")
_LEAST_PART = 6  # characters of a key that are hidden where they stand alone
_NUMBER = re.compile(r"\d+(\.\d*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLimits:
    """How patient one is with a server, and how much of it one takes.

    Attributes:
        retries: of a request, over about a minute, or as long as the server asks for.
        mend: seconds before a reply that is not whole is asked for again; each time twice as long.
        answer: seconds for one answer, which waits for its turn at a busy server.
        stop: seconds for the answers that are under way when all shall stop.
        reply: bytes of one reply.
    """

    retries: int = 8
    mend: float = 0.5
    answer: float = 1800.0
    stop: float = 60.0
    reply: int = 64 << 20


class RefusedPromptError(EngineError):
    """A server refuses one prompt, in its own words; it may answer others."""


class Endpoint:
    """One LLM at a server, asked from one event loop.

    Attributes:
        model: the LLM's name there.
        kind: what the server is, in its own word ("vllm"); "" until `look`, and where it doesn't tell.
        stopping: nothing is asked or tried again any more.

    Raises:
        UsageError: the key can't be one.
    """

    def __init__(self, base_url: str, model: str, *, key: str = KEY, limits: EndpointLimits | None = None) -> None:
        import openai

        self.model = model
        self.kind = ""
        self.stopping = False
        self._base_url = base_url
        self._key_name = key
        self._key = endpoint_key(key)
        self._limits = limits or EndpointLimits()
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=self._key or "none",  # servers of one's own want none
            max_retries=self._limits.retries,
            timeout=openai.Timeout(self._limits.answer, connect=CONNECT_SECONDS),
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAsyncHttpxClient(
                event_hooks={"request": [self._before], "response": [self._bounded]}
            ),
        )
        self._models: list[str] = []
        self._dialect = Dialect()
        self._answered, self._refused = 0, 0

    async def look(self) -> None:
        """Ask the server which LLMs it runs; not all tell.

        Raises:
            EngineError: no server answers there, or it refuses the key.
            UnknownNameError: it runs one LLM only, and that is another one.
        """
        import openai

        client = self._client.with_options(max_retries=2, timeout=30.0)
        try:
            listed = [each async for each in client.models.list()]
        except (openai.APIResponseValidationError, ValueError, AttributeError, TypeError, RecursionError):
            return
        except (openai.AuthenticationError, openai.APIConnectionError) as error:
            raise self._fatal(error) from None
        except openai.APIStatusError:
            return
        except openai.OpenAIError as error:
            raise self._fatal(error) from None
        named = [each for each in listed if isinstance(getattr(each, "id", None), str)]
        self._models = [each.id for each in named]
        if len(listed) == len(named) == 1 and self._models[0] not in {self.model, f"{self.model}:latest"}:
            raise self._unknown()  # such servers often answer to any name
        owners = {str(getattr(each, "owned_by", None) or "") for each in named}
        self.kind = self._clean(owners.pop()) if len(owners) == 1 else ""
        self._dialect.defaults = self.kind in OWN_SERVERS

    async def complete(self, ask: Ask) -> Reply:
        """All completions of a request.

        Raises:
            RefusedPromptError: the server refuses this prompt.
            EngineError, UnknownNameError: nothing more can be had from it.
        """
        import openai

        try:
            reply = await self._completions(ask)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if (remedy := helps(self._reason(error), ask.sampling)) is not None:
                raise EngineError(
                    f"the server at {self._base_url} refuses how {self.model} is to be sampled ({self._reason(error)})",
                    remedy,
                ) from None
            self._refused += 1
            if self._answered or self._refused < REFUSALS:
                raise RefusedPromptError(self._reason(error)) from None
            raise self._fatal(error) from None  # it has been so from the beginning
        except EngineError:
            raise
        except Exception as error:
            raise self._fatal(error) from None
        self._answered += 1
        return reply

    async def time_one(self, ask: Ask) -> Timing:
        """Time one request, sent alone; of servers that can, with exactly so many tokens and nothing cached.

        Raises:
            EngineError, UnknownNameError: nothing can be had from the server, or it doesn't count tokens.
        """
        import openai

        while True:
            try:
                return await self._timed(ask)
            except openai.BadRequestError as error:
                if not self._dialect.learn(str(error), ask):
                    raise self._fatal(error) from None
            except EngineError:
                raise
            except Exception as error:
                raise self._fatal(error) from None

    async def close(self) -> None:
        """Give up the connections."""
        await self._client.close()

    async def _before(self, _request: object) -> None:
        if self.stopping:
            raise _refusal("all is being stopped")

    async def _bounded(self, response: Any) -> None:
        """Let a reply be read up to a size and a time only; one that is packed would be larger than it looks."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _refusal("its reply is packed, which nobody asked for")
        pieces, end = response.aiter_raw, time.monotonic() + self._limits.answer

        async def bounded(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            size = 0
            async for piece in pieces(chunk_size):
                size += len(piece)
                if size > self._limits.reply:
                    raise _refusal(f"its reply is larger than {self._limits.reply >> 20} MiB")
                if time.monotonic() > end:
                    raise _refusal(f"its reply takes longer than {self._limits.answer / 60:.0f} minutes")
                yield piece

        response.aiter_raw = bounded

    async def _completions(self, ask: Ask) -> Reply:
        """All completions of a request: from one call, or from as many as the server needs for that."""
        first = await self._call(ask, ask.samples if self._dialect.many else 1)
        completions = list(first.completions)
        if len(completions) < ask.samples and self._dialect.many:
            self._dialect.many = False  # it ignores n
        missing = ask.samples - len(completions)
        if missing > 0:
            more = await asyncio.gather(*(self._call(ask, 1) for _ in range(missing)))
            completions += [reply.completions[0] for reply in more]
        return Reply(tuple(completions[: ask.samples]), first.prompt_tokens)

    async def _call(self, ask: Ask, samples: int) -> Reply:
        """One whole reply of up to so many samples; learns what the server doesn't take."""
        import openai

        mends, reason = 0, ""
        while mends <= MENDS:
            fields = self._dialect.fields(ask, samples)
            try:
                return read_reply(await self._send(ask, fields), ask)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                several = samples if self._dialect.many else 1
                learnt = fields != self._dialect.fields(ask, several)  # meanwhile, from another request
                if not learnt and not self._dialect.learn(str(error), ask):
                    raise
                samples = samples if self._dialect.many else 1
            except (openai.RateLimitError, openai.InternalServerError) as error:
                seconds = _asked(error)
                if seconds <= _CLIENT_WAITS:  # so the client has waited, again and again
                    raise
                await asyncio.sleep(seconds)
            except (ValueError, RecursionError, openai.APIResponseValidationError) as error:  # not whole, or no JSON
                mends, reason = mends + 1, self._clean(str(error))
                await asyncio.sleep(self._limits.mend * 2.0 ** (mends - 1))
        raise EngineError(
            f"the server at {self._base_url} answers what is no completion ({reason})",
            "check --base-url: most end in /v1",
        )

    async def _send(self, ask: Ask, fields: dict[str, Any], **options: Any) -> Any:
        client = self._client.with_options(**options) if options else self._client
        if ask.prompt.messages is None:
            return await client.completions.create(**fields)
        return await client.chat.completions.create(**fields)

    async def _timed(self, ask: Ask) -> Timing:
        """The seconds of an attempt that worked at once; a delay before another one would be counted otherwise."""
        import openai

        delay = 0.0
        for attempt in range(self._limits.retries + 1):
            if attempt:
                await asyncio.sleep(delay)
            start = time.perf_counter()
            try:
                fields = self._dialect.fields(ask, 1, salt=uuid.uuid4().hex)
                raw = await self._send(ask, fields, max_retries=0)
                seconds = time.perf_counter() - start
                reply = read_reply(raw, ask)
            except (ValueError, openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
                failure, delay = error, max(min(self._limits.mend * 2.0 ** (attempt + 1), 8.0), _asked(error))
                continue
            made = reply.completions[0]
            if reply.prompt_tokens is None or made.output_tokens is None:
                raise EngineError("the server does not say how many tokens it took, so that no latency can be fitted")
            return Timing(reply.prompt_tokens, made.output_tokens, seconds)
        raise self._fatal(failure)

    def _clean(self, text: str) -> str:
        """The first line of what a server says, without the key."""
        line = next((line.strip() for line in whole(text).splitlines() if line.strip()), "")
        return without(self._key, line[:2000])[:300]

    def _reason(self, error: Exception) -> str:
        """What a server says is wrong, without the key."""
        body = getattr(error, "body", None)
        said = body.get("message") if isinstance(body, dict) else None
        return self._clean(said if isinstance(said, str) else str(error)) or type(error).__name__

    def _unknown(self) -> UnknownNameError:
        return UnknownNameError(f"LLM at {self._base_url}", self.model, self._models)

    def _fatal(self, error: Exception) -> EngineError | UnknownNameError:
        """Why nothing more can be had from the server, and what to do."""
        import openai

        where = f"the server at {self._base_url}"
        if type(error) is openai.OpenAIError:  # see _refusal
            return EngineError(f"{where} cannot be used: {error}", "check --base-url, and whose server that is")
        if isinstance(error, openai.APIConnectionError):
            cause = self._clean(str(error.__cause__ or error))
            return EngineError(f"{where} cannot be reached ({cause})", "start it, or check --base-url")
        status = getattr(error, "status_code", None)
        reason = self._reason(error)
        if status == 404 and self._models and self.model not in self._models:
            return self._unknown()
        known = {
            401: (
                "wants another key (401)" if self._key else "wants a key (401)",
                f"check the key in {self._key_name}" if self._key else f"set {self._key_name} to a key of that server",
            ),
            403: (f"forbids this (403: {reason})", f"check what the key in {self._key_name} may do"),
            404: (
                f"has no such LLM, or no such route (404: {reason})",
                "check the LLM's name there, and --base-url: most end in /v1; few-shot prompts need /completions",
            ),
            429: (
                f"is asked too often (429: {reason})",
                "go on later with the same command, or lower --concurrency",
            ),
        }
        if status in known:
            problem, remedy = known[status]
            return EngineError(f"{where} {problem}", remedy)
        if status is not None:
            return EngineError(
                f"{where} refuses requests ({status}: {reason})", "" if status < 500 else "look at its log"
            )
        return EngineError(f"{where} cannot be used ({type(error).__name__}: {reason})")


def endpoint_key(name: str) -> str:
    """The key of the environment, "" where there is none."""
    key = os.environ.get(name, "").strip()
    if not _KEY_CHARACTERS.fullmatch(key):
        raise UsageError(f"{name} holds a character that no key has", "copy the key again, and nothing beside it")
    return key


def without(key: str, text: str) -> str:
    """A text without a key, as it is, as Python writes it, and without longer parts of it."""
    for form in sorted({key, repr(key)[1:-1], ascii(key)[1:-1]} - {""}, key=len, reverse=True):
        text = text.replace(form, "…")
    kept, at = [], 0
    while at < len(text):
        length = 0
        while at + length < len(text) and text[at : at + length + 1] in key:
            length += 1
        kept.append("…" if length >= _LEAST_PART else text[at : at + max(1, length)])
        at += max(1, length)
    return "".join(kept)


def _refusal(problem: str) -> Exception:
    """What ends a request, and isn't tried again by OpenAI's client."""
    import openai

    return openai.OpenAIError(problem)


def _asked(error: Exception) -> float:
    """The seconds that a server asks to wait, in seconds or until a date; 0 where it asks nothing bearable."""
    response = getattr(error, "response", None)
    said = response.headers.get("retry-after", "") if response is not None else ""
    seconds = 0.0
    with contextlib.suppress(ValueError, OverflowError):
        seconds = float(said) if _NUMBER.fullmatch(said) else parsedate_to_datetime(said).timestamp() - time.time()
    return seconds if 0 < seconds <= MOST_WAIT else 0.0
