"""Asking one LLM for a request: what is asked and said is counted, and kept with the request's answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selectllm_engine.serving.chat import RequestError
from selectllm_engine.serving.samples import BROKEN, Sample, StreamedReply, samples_of
from selectllm_engine.serving.upstream import DownError, RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

    from selectllm_engine.serving.ballot import Outcome
    from selectllm_engine.serving.chat import ChatRequest
    from selectllm_engine.serving.decision import Decision
    from selectllm_engine.serving.metrics import Metrics
    from selectllm_engine.serving.upstream import Completed, Opened, Upstream

__all__ = ["Answer", "Asker", "nobody"]


@dataclass(slots=True)
class Answer:
    """What became of a request.

    Attributes:
        request: what was asked.
        asked: the LLMs that were asked, in order.
        failed: those of them whose endpoint gave no answer.
        llm: whose text is returned.
        decision: whom the setup wanted asked; None where an LLM was asked for by name, or nothing was decided.
        fallback: why it is answered otherwise than the setup says; None where it isn't.
        body, media: a reply that is passed on as it came.
        pieces: the same where it is still coming.
        choice: a reply that was voted on; None where it is passed on.
        outcome: of that vote.
        given: the samples that there are, by LLM.
    """

    request: ChatRequest
    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    llm: str | None = None
    decision: Decision | None = None
    fallback: str | None = None
    body: bytes = b""
    media: str = "application/json"
    pieces: AsyncIterator[bytes] | None = None
    choice: dict[str, object] | None = None
    outcome: Outcome | None = None
    given: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def usage(self) -> dict[str, int]:
        """The tokens of all that was asked, as far as endpoints count."""
        samples = [each for listed in self.given.values() for each in listed]
        prompt, output = (
            sum(getattr(each, name) or 0 for each in samples) for name in ("prompt_tokens", "output_tokens")
        )
        return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


class Asker:
    """The LLMs of a setup at their endpoints.

    Args:
        names: the LLMs of the run.
        upstreams: by LLM, its place in the run, where it is asked.
        metrics: what is counted.
    """

    def __init__(self, names: Sequence[str], upstreams: Mapping[int, Upstream], metrics: Metrics) -> None:
        self.names = names
        self._upstreams, self._metrics = upstreams, metrics

    def rested_first(self, llms: Iterable[int]) -> list[int]:
        """These LLMs, those last that could not be reached a moment ago."""
        return sorted(llms, key=self.resting)

    def resting(self, llm: int) -> bool:
        """Whether an LLM could not be reached a moment ago."""
        return self._upstreams[llm].resting

    async def close(self) -> None:
        """Give up connections."""
        await asyncio.gather(*(each.close() for each in self._upstreams.values()))

    async def complete(self, llm: int, fields: Mapping[str, object], answer: Answer) -> Completed:
        """A whole reply; raises DownError or RefusedRequestError."""
        start = time.perf_counter()
        with self._asking(llm, answer):
            done = await self._upstreams[llm].complete(fields)
        self._take(llm, done.reply, time.perf_counter() - start, answer)
        return done

    async def open(self, llm: int, answer: Answer) -> None:
        """Begin a streamed reply, the answer's pieces then; raises DownError or RefusedRequestError."""
        start = time.perf_counter()
        with self._asking(llm, answer):
            opened = await self._upstreams[llm].open(answer.request.fields)
        answer.media, answer.pieces = opened.media, self._streamed(llm, answer, opened, start)

    def priced(self, answer: Answer) -> list[tuple[str, Sample, float | None]]:
        """What was said, LLM by LLM, with its dollars."""
        return [
            (name, each, self._upstreams[self.names.index(name)].cost(each.prompt_tokens, each.output_tokens))
            for name, samples in answer.given.items()
            for each in samples
        ]

    async def _streamed(self, llm: int, answer: Answer, opened: Opened, start: float) -> AsyncIterator[bytes]:
        """The pieces as they come; of a stream that breaks, an error at the end, for its beginning is out."""
        import httpx

        read, name = StreamedReply(), self.names[llm]
        try:
            yield opened.first
            read.feed(opened.first)
            async for piece in opened.rest:
                read.feed(piece)
                yield piece
        except (httpx.HTTPError, OSError, ValueError):
            self._failed(name, answer)
            yield BROKEN
        finally:  # also where the client has gone
            await opened.close()
            self._take(llm, read.reply(), time.perf_counter() - start, answer)

    @contextlib.contextmanager
    def _asking(self, llm: int, answer: Answer) -> Iterator[None]:
        name = self.names[llm]
        if name not in answer.asked:
            answer.asked.append(name)
            self._metrics.choices.labels(name).inc()
        try:
            yield
        except DownError:
            self._failed(name, answer)
            raise

    def _failed(self, name: str, answer: Answer) -> None:
        self._metrics.failures.labels(name).inc()
        if name not in answer.failed:
            answer.failed.append(name)

    def _take(self, llm: int, reply: Mapping[str, object], seconds: float, answer: Answer) -> None:
        """Count what a reply took, and keep its samples."""
        name, upstream = self.names[llm], self._upstreams[llm]
        samples = samples_of(reply, seconds)
        answer.given.setdefault(name, []).extend(samples)
        for part in ("prompt", "output"):
            self._metrics.tokens.labels(name, part).inc(sum(getattr(each, f"{part}_tokens") or 0 for each in samples))
        dollars = [upstream.cost(each.prompt_tokens, each.output_tokens) for each in samples]
        self._metrics.dollars.labels(name).inc(sum(each or 0.0 for each in dollars))


def nobody(refusals: Sequence[RefusedRequestError]) -> Exception:
    """What is raised where no LLM answers: the first refusal of the request, else that nobody could be reached."""
    if refusals:
        return refusals[0]
    return RequestError(502, "no endpoint gave an answer", code="no_endpoint", headers={"Retry-After": "2"})
