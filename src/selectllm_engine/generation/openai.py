"""The engine for LLMs that a server runs: any that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama, hosted ones).

Requests run in a thread of their own. A server can't be seeded: not all know how, and some would then draw every sample
alike.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.generation.endpoint import KEY, Endpoint, EndpointLimits, RefusedPromptError
from selectllm_engine.generation.engine import Encoded, Finished, Timing
from selectllm_engine.generation.openai_protocol import Ask

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from selectllm_engine.generation.prompts import Prompt
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["OpenAIEngine", "load"]

CONCURRENCY = 64  # samples at the same time
_BYTES_PER_TOKEN = 4  # an estimate, until the server has counted
_PAUSE = 0.2

_Result = TypeVar("_Result")


def load(spec: WorkerSpec, folder: Path | None, limits: EndpointLimits | None = None) -> OpenAIEngine:
    """The engine for an LLM at its endpoint.

    Raises:
        EngineError: no server answers there, or it refuses the key.
        UnknownNameError: it runs one LLM only, and that is another one.
    """
    del folder
    engine = OpenAIEngine(
        spec.llm.endpoint or "",
        spec.llm.weights,
        concurrency=spec.concurrency or CONCURRENCY,
        key=spec.llm.api_key_env or KEY,
        limits=limits,
    )
    try:
        engine.look()
    except SelectLLMError:
        engine.close()
        raise
    return engine


class OpenAIEngine:
    """One LLM at an endpoint; see `Engine` for what the methods do."""

    def __init__(
        self, base_url: str, model: str, *, concurrency: int, key: str = KEY, limits: EndpointLimits | None = None
    ) -> None:
        self.chat, self.context = True, None
        self.capacity = concurrency
        self.by_length = False
        self._limits = limits or EndpointLimits()
        self._endpoint = Endpoint(base_url, model, key=key, limits=self._limits)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._waiting: deque[tuple[str, Ask]] = deque()
        self._running: dict[str, int] = {}  # samples by request
        self._done: queue.Queue[Finished | SelectLLMError] = queue.Queue()

    def _wait(self, work: Coroutine[object, object, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def look(self) -> None:
        """Ask the server which LLMs it runs; see `Endpoint.look`."""
        self._wait(self._endpoint.look())

    def encode(self, prompt: Prompt) -> Encoded:
        """The prompt as it is; the server has the tokenizer, so that its length is estimated."""
        said = prompt.text or "".join(message["content"] for message in prompt.messages or ())
        return Encoded(prompt, len(said.encode()) // _BYTES_PER_TOKEN + 1, exact=False)

    def start(self, *, longest: int, seed: int) -> None:
        """Nothing: the server has the weights, and draws as it likes."""

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue a request; it is sent when fewer than `capacity` samples are under way."""
        self._waiting.append((request_id, Ask(self._endpoint.model, prompt.content, sampling, samples)))
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

    def finish_soon(self) -> None:
        """Try nothing again, and give up in a minute what is not there then."""
        if not self._endpoint.stopping:
            self._endpoint.stopping = True
            self._loop.call_soon_threadsafe(self._loop.call_later, self._limits.stop, self._cancel)

    def _cancel(self) -> None:
        for task in asyncio.all_tasks(self._loop):
            task.cancel()

    def _drop(self) -> None:
        """Forget all that is under way: it belongs to a benchmark that failed."""
        self._loop.call_soon_threadsafe(self._cancel)
        self._waiting.clear()
        self._running.clear()
        self._done = queue.Queue()

    async def _answer(self, request_id: str, ask: Ask) -> None:
        """Put what becomes of a request into the queue, whatever that is."""
        done = self._done  # `_drop` makes another one for later requests
        try:
            reply = await self._endpoint.complete(ask)
            done.put(Finished(request_id, reply.completions, reply.prompt_tokens))
        except RefusedPromptError as error:
            done.put(Finished(request_id, problem=error.problem))
        except SelectLLMError as error:
            done.put(Finished(request_id, problem=error.problem) if self._endpoint.stopping else error)
        except asyncio.CancelledError:
            done.put(Finished(request_id, problem="given up"))
            raise

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one request, sent alone; see `Endpoint.time_one`."""
        ask = Ask(self._endpoint.model, prompt.content, sampling, 1, output_tokens)
        return self._wait(self._endpoint.time_one(ask))

    def close(self) -> None:
        """Give up what is under way, and the connections."""
        self._drop()
        self._wait(self._endpoint.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def facts(self) -> Mapping[str, str]:
        """The client's version and the kind of server; what it computes on only its owner knows."""
        from importlib.metadata import version

        kind = f" ({self._endpoint.kind})" if self._endpoint.kind else ""
        return {"engine": f"openai {version('openai')}", "hardware": f"endpoint{kind}", "seed": "the server's own"}
