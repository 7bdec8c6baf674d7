"""The engine for LLMs that a server runs: any that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama, hosted ones).

Requests run in a thread of their own; whatever passes by itself (connections reset, 429, 500) is tried again there by
OpenAI's client, with a growing delay or the one that the server asks for. A completion counts only when it is whole.
The key is the environment's OPENAI_API_KEY; it is part of no message. A server can't be seeded: not all know how, and
some would then draw every sample alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import re
import threading
import time
import uuid
from collections import deque
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError, SelectLLMError, UnknownNameError
from selectllm_engine.generation.engine import Encoded, Finished, Timing
from selectllm_engine.generation.openai_protocol import Ask, Dialect, Reply, read_reply, whole

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from selectllm_engine.generation.prompts import Prompt
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["OpenAIEngine", "load"]

KEY = "OPENAI_API_KEY"
CONCURRENCY = 64  # samples at the same time
RETRIES = 8  # of a request, over about a minute, or as long as the server asks for
MENDS = 4  # times that a reply which is not whole is asked for again
MEND_SECONDS = 0.5  # before the first; each time twice as long
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 1800.0  # an answer waits for its turn at a busy server
REFUSALS = 8  # requests that are refused, before any was answered: then none will be
_BYTES_PER_TOKEN = 4  # an estimate, until the server has counted
MOST_WAIT, _CLIENT_WAITS = 3600.0, 60.0  # seconds that a server may ask for
_PAUSE = 0.2
_NUMBER = re.compile(r"\d+(\.\d*)?")


def load(spec: WorkerSpec, folder: Path | None) -> OpenAIEngine:
    """The engine for an LLM at its endpoint.

    Raises:
        EngineError: no server answers there, or it refuses the key.
        UnknownNameError: it runs one LLM only, and that is another one.
    """
    del folder
    engine = OpenAIEngine(spec.llm.endpoint or "", spec.llm.weights, concurrency=spec.concurrency or CONCURRENCY)
    try:
        engine.look()
    except SelectLLMError:
        engine.close()
        raise
    return engine


class OpenAIEngine:
    """One LLM at an endpoint; see `Engine` for what the methods do."""

    def __init__(self, base_url: str, model: str, *, concurrency: int) -> None:
        import openai

        self._model = model
        self._key = os.environ.get(KEY, "").strip()
        self.chat, self.context = True, None
        self.capacity = concurrency
        self.by_length = False
        self._server = ""
        self._models: list[str] = []
        self._dialect = Dialect()
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=self._key or "none",  # servers of one's own want none
            max_retries=RETRIES,
            timeout=openai.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
        self._base_url = base_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._waiting: deque[tuple[str, Ask]] = deque()
        self._running: dict[str, int] = {}  # samples by request
        self._done: queue.Queue[Finished | SelectLLMError] = queue.Queue()
        self._answered, self._refused = 0, 0

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def look(self) -> None:
        """Ask the server which LLMs it runs; not all tell."""
        import openai

        try:
            listed = self._wait(self._list())
        except (openai.APIResponseValidationError, ValueError, AttributeError, TypeError):
            return
        except (openai.AuthenticationError, openai.APIConnectionError) as error:
            raise self._fatal(error) from None
        except openai.APIStatusError:
            return
        named = [each for each in listed if isinstance(getattr(each, "id", None), str)]
        self._models = [each.id for each in named]
        if len(listed) == len(named) == 1 and self._models[0] not in {self._model, f"{self._model}:latest"}:
            raise self._unknown()  # such servers often answer to any name
        owners = {str(getattr(each, "owned_by", None) or "") for each in named}
        self._server = self._clean(owners.pop()) if len(owners) == 1 else ""

    async def _list(self) -> list[Any]:
        client = self._client.with_options(max_retries=2, timeout=30.0)
        return [each async for each in client.models.list()]

    def encode(self, prompt: Prompt) -> Encoded:
        """The prompt as it is; the server has the tokenizer, so that its length is estimated."""
        said = prompt.text or "".join(message["content"] for message in prompt.messages or ())
        return Encoded(prompt, len(said.encode()) // _BYTES_PER_TOKEN + 1, exact=False)

    def start(self, *, longest: int, seed: int) -> None:
        """Nothing: the server has the weights, and draws as it likes."""

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue a request; it is sent when fewer than `capacity` samples are under way."""
        self._waiting.append((request_id, Ask(self._model, prompt.content, sampling, samples)))
        self._fill()

    def unfinished(self) -> int:
        """Samples queued or asked for."""
        return sum(ask.samples for _, ask in self._waiting) + sum(self._running.values())

    def _fill(self) -> None:
        while self._waiting:
            request_id, ask = self._waiting[0]
            if self._running and sum(self._running.values()) + ask.samples > self.capacity:
                return
            self._waiting.popleft()
            self._running[request_id] = ask.samples
            asyncio.run_coroutine_threadsafe(self._answer(request_id, ask), self._loop)

    def step(self) -> list[Finished]:
        """What has arrived; waits a moment for it."""
        arrived: list[Finished] = []
        while not arrived or not self._done.empty():
            try:
                result = self._done.get(timeout=_PAUSE)
            except queue.Empty:
                break
            if isinstance(result, SelectLLMError):
                self._drop()
                raise result
            del self._running[result.request_id]
            arrived.append(result)
        self._fill()
        return arrived

    def _drop(self) -> None:
        """Forget all that is under way: it belongs to a benchmark that failed."""

        def cancel() -> None:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)
        self._waiting.clear()
        self._running.clear()
        self._done = queue.Queue()

    async def _answer(self, request_id: str, ask: Ask) -> None:
        """Put what becomes of a request into the queue, whatever that is."""
        import openai

        done = self._done
        try:
            completions, prompt_tokens = await self._completions(ask)
            self._answered += 1
            done.put(Finished(request_id, tuple(completions), prompt_tokens))
        except (
            openai.BadRequestError,
            openai.UnprocessableEntityError,
        ) as error:  # of this prompt alone, unless it is so from the beginning
            self._refused += 1
            if self._answered or self._refused < REFUSALS:
                done.put(Finished(request_id, problem=self._reason(error)))
            else:
                done.put(self._fatal(error))
        except asyncio.CancelledError:
            raise
        except EngineError as error:
            done.put(error)
        except Exception as error:
            done.put(self._fatal(error))

    async def _completions(self, ask: Ask) -> tuple[list[Any], int | None]:
        """All completions of a request: from one call, or from as many as the server needs for that."""
        first = await self._call(ask, ask.samples if self._dialect.many else 1)
        completions, prompt_tokens = list(first.completions), first.prompt_tokens
        if len(completions) < ask.samples and self._dialect.many:
            self._dialect.many = False  # it ignores n
        missing = ask.samples - len(completions)
        if missing > 0:
            more = await asyncio.gather(*(self._call(ask, 1) for _ in range(missing)))
            completions += [reply.completions[0] for reply in more]
        return completions[: ask.samples], prompt_tokens

    async def _call(self, ask: Ask, samples: int) -> Reply:
        """One whole reply of up to so many samples; learns what the server doesn't take."""
        import openai

        mends, reason = 0, ""
        while mends <= MENDS:
            fields = self._dialect.fields(ask, samples)
            try:
                return read_reply(await self._send(ask, fields), ask)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                learnt = fields != self._dialect.fields(ask, samples)  # meanwhile, from another request
                if not learnt and not self._dialect.learn(str(error), ask):
                    raise
                samples = samples if self._dialect.many else 1
            except (openai.RateLimitError, openai.InternalServerError) as error:
                seconds = _asked(error)
                if seconds <= _CLIENT_WAITS:  # so the client has waited, again and again
                    raise
                await asyncio.sleep(seconds)
            except (ValueError, openai.APIResponseValidationError) as error:  # not whole, or no JSON
                mends, reason = mends + 1, self._clean(str(error))
                await asyncio.sleep(MEND_SECONDS * 2.0 ** (mends - 1))
        raise EngineError(
            f"the server at {self._base_url} answers what is no completion ({reason})",
            "check --base-url: most end in /v1",
        )

    async def _send(self, ask: Ask, fields: dict[str, Any], **options: Any) -> Any:
        client = self._client.with_options(**options) if options else self._client
        if ask.prompt.messages is None:
            return await client.completions.create(**fields)
        return await client.chat.completions.create(**fields)

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one request, sent alone; of servers that can, with exactly so many tokens and nothing cached."""
        import openai

        ask = Ask(self._model, prompt.content, sampling, 1, output_tokens)
        while True:
            try:
                timing: Timing = self._wait(self._timed(ask))
                return timing
            except openai.BadRequestError as error:
                if not self._dialect.learn(str(error), ask):
                    raise self._fatal(error) from None
            except EngineError:
                raise
            except Exception as error:
                raise self._fatal(error) from None

    async def _timed(self, ask: Ask) -> Timing:
        """The seconds of an attempt that worked at once; a delay before another one would be counted otherwise."""
        import openai

        delay = 0.0
        for attempt in range(RETRIES + 1):
            if attempt:
                await asyncio.sleep(delay)
            start = time.perf_counter()
            try:
                fields = self._dialect.fields(ask, 1, salt=uuid.uuid4().hex)
                raw = await self._send(ask, fields, max_retries=0)
                seconds = time.perf_counter() - start
                reply = read_reply(raw, ask)
            except (ValueError, openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
                failure, delay = error, max(min(MEND_SECONDS * 2.0 ** (attempt + 1), 8.0), _asked(error))
                continue
            made = reply.completions[0]
            if reply.prompt_tokens is None or made.output_tokens is None:
                raise EngineError("the server does not say how many tokens it took, so that no latency can be fitted")
            return Timing(reply.prompt_tokens, made.output_tokens, seconds)
        raise self._fatal(failure)

    def close(self) -> None:
        """Give up what is under way, and the connections."""
        self._drop()
        self._wait(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def facts(self) -> Mapping[str, str]:
        """The client's version and the kind of server; what it computes on only its owner knows."""
        from importlib.metadata import version

        kind = f" ({self._server})" if self._server else ""
        return {"engine": f"openai {version('openai')}", "hardware": f"endpoint{kind}", "seed": "the server's own"}

    def _clean(self, text: str) -> str:
        """The first line of what a server says, without the key."""
        line = next((line.strip() for line in whole(text).splitlines() if line.strip()), "")
        return (line.replace(self._key, "…") if self._key else line)[:300]

    def _reason(self, error: Exception) -> str:
        """What a server says is wrong, without the key."""
        body = getattr(error, "body", None)
        said = body.get("message") if isinstance(body, dict) else None
        return self._clean(said if isinstance(said, str) else str(error)) or type(error).__name__

    def _unknown(self) -> UnknownNameError:
        return UnknownNameError(f"LLM at {self._base_url}", self._model, self._models)

    def _fatal(self, error: Exception) -> EngineError | UnknownNameError:
        """Why nothing more can be had from the server, and what to do."""
        import openai

        where = f"the server at {self._base_url}"
        if isinstance(error, openai.APIConnectionError):
            cause = self._clean(str(error.__cause__ or error))
            return EngineError(f"{where} cannot be reached ({cause})", "start it, or check --base-url")
        status = getattr(error, "status_code", None)
        reason = self._reason(error)
        if status == 401:
            remedy = f"set {KEY} to a key of that server" if not self._key else f"check the key in {KEY}"
            return EngineError(
                f"{where} wants another key (401)" if self._key else f"{where} wants a key (401)", remedy
            )
        if status == 403:
            return EngineError(f"{where} forbids this (403: {reason})", f"check what the key in {KEY} may do")
        if status == 404:
            if self._models and self._model not in self._models:
                return self._unknown()
            return EngineError(
                f"{where} has no such LLM, or no such route (404: {reason})",
                "check the LLM's name there, and --base-url: most end in /v1; few-shot prompts need /completions",
            )
        if status == 429:
            return EngineError(
                f"{where} is asked too often (429: {reason})",
                "go on later with the same command, or lower --concurrency",
            )
        if status is not None:
            return EngineError(
                f"{where} refuses requests ({status}: {reason})", "" if status < 500 else "look at its log"
            )
        return EngineError(f"{where} cannot be used ({type(error).__name__}: {reason})")


def _asked(error: Exception) -> float:
    """The seconds that a server asks to wait, in seconds or until a date; 0 where it asks nothing bearable."""
    response = getattr(error, "response", None)
    said = response.headers.get("retry-after", "") if response is not None else ""
    seconds = 0.0
    with contextlib.suppress(ValueError, OverflowError):
        seconds = float(said) if _NUMBER.fullmatch(said) else parsedate_to_datetime(said).timestamp() - time.time()
    return seconds if 0 < seconds <= MOST_WAIT else 0.0
