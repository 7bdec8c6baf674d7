"""Answering one request: the setup's LLMs are asked, best-single where that can't be, then the next best."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.serving.chat import SELF, RequestError
from selectllm_engine.serving.deciding import Decision, Kinds, decide
from selectllm_engine.serving.samples import BROKEN, Sample, StreamedReply, samples_of
from selectllm_engine.serving.upstream import Completed, DownError, Opened, RefusedError, Upstream
from selectllm_engine.serving.votes import Ballot, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    import httpx

    from selectllm_engine.llms import LLM
    from selectllm_engine.routers.choosing import Chooser, Fixed
    from selectllm_engine.run import StoredRun
    from selectllm_engine.serving.chat import ChatRequest
    from selectllm_engine.serving.journal import Journal
    from selectllm_engine.serving.metrics import Metrics
    from selectllm_engine.setups import Setup

__all__ = ["SELF", "Answer", "Desk", "Limits"]

_NOT_OF_SAMPLES = {"n", "stream", "stream_options"}
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server puts up with.

    Attributes:
        requests: at the same time; more are told to come again.
        body: bytes of a request.
        seconds: for an LLM's answer.
        router_seconds: for the router; then best-single answers.
        unsure: best-single answers where the router gives nobody that it would ask such a chance; 0 for never.
    """

    requests: int = 256
    body: int = 16 << 20
    seconds: float = 600.0
    router_seconds: float = 2.0
    unsure: float = 0.0


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
    choice: dict[str, Any] | None = None
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


class Desk:
    """Answers requests for a setup.

    Args:
        run: the setup's.
        setup: what is served.
        chooser: from `setups.chooser_of`.
        llms: the settings' LLMs by name, with their endpoints.
        metrics: what is counted.
        limits: what it puts up with.
        journal: where it is written down; None for nowhere.
        transport: instead of the network.

    Raises:
        UsageError: an LLM of the pool has no endpoint, the policy draws by chance, or answers can't be voted on.
    """

    def __init__(
        self,
        run: StoredRun,
        setup: Setup,
        chooser: Chooser | Fixed,
        llms: Mapping[str, LLM],
        metrics: Metrics,
        *,
        limits: Limits,
        journal: Journal | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if setup.spec is not None and POLICIES[setup.spec.name].draws:
            raise UsageError(f"{setup.spec} draws an LLM, and nothing is served by chance", "take another policy")
        for name in setup.pool:
            if name not in llms or llms[name].endpoint is None:
                raise UsageError(
                    f"nobody knows where {name} is served",
                    f'add [llms."{name}"] with endpoint = "http://…/v1" to selectllm.toml',
                )
        self.setup, self.chooser, self.limits = setup, chooser, limits
        self.metrics, self.journal = metrics, journal
        self._names: tuple[str, ...] = run.llms
        self._ranked: list[int] = chooser.view.ranked.tolist()
        self._upstreams = {
            run.llms.index(name): Upstream(llms[name], seconds=limits.seconds, transport=transport)
            for name in setup.pool
        }
        decide(chooser, "What is 2 + 3?")  # what is loaded late is loaded now
        self.votes = setup.samples > 1 or setup.asks_several
        self._kinds = Kinds(run) if self.votes else None
        self._thread = ThreadPoolExecutor(1, "routing")  # what is computed holds the interpreter anyway

    @property
    def models(self) -> tuple[str, ...]:
        """What may be asked for."""
        return (SELF, *self.setup.pool)

    @property
    def best_single(self) -> str:
        """Who answers where nothing else is decided."""
        return self._names[self._ranked[0]]

    async def close(self) -> None:
        """Give up connections and threads."""
        await asyncio.gather(*(each.close() for each in self._upstreams.values()))
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self.journal is not None:
            self.journal.close()

    async def decide(self, text: str) -> tuple[Decision | None, str | None]:
        """Whom a question goes to; else why nobody can say: best-single then answers."""
        if not text.strip():
            return None, "no question"
        start = time.perf_counter()
        try:
            async with asyncio.timeout(self.limits.router_seconds):
                decision = await self._threaded(decide, self.chooser, text)
        except TimeoutError:
            return None, "router slow"
        except Exception:  # whatever a router's libraries raise
            return None, "router failed"
        finally:
            self.metrics.seconds.labels("route").observe(time.perf_counter() - start)
        if (sure := decision.confidence) is not None and sure < self.limits.unsure:
            return None, "router unsure"
        return decision, None

    async def answer(self, request: ChatRequest) -> Answer:
        """Answer a request; raises RequestError, or RefusedError where all that were asked refuse it."""
        answer = Answer(request)
        if request.model != SELF:
            if request.model not in self.setup.pool:
                raise RequestError(404, "there is no such model; see /v1/models", code="model_not_found")
            await self._pass_on([self._names.index(request.model)], answer)
            return answer
        if self.votes and request.samples != 1:
            raise RequestError(400, "n must be 1: how many samples vote is the setup's to say")
        answer.decision, answer.fallback = await self.decide(request.text)
        if answer.decision is not None and self.votes and request.calls_tools:
            answer.decision, answer.fallback = None, "tools"
        wanted = [self._ranked[0]] if answer.decision is None else list(answer.decision.asked)
        if len(wanted) > 1 or (self.setup.samples > 1 and answer.fallback != "tools"):
            await self._vote(answer)
        else:
            await self._pass_on([*wanted, *(llm for llm in self._ranked if llm not in wanted)], answer)
        if answer.failed and answer.llm not in self._wanted(answer):
            answer.fallback = answer.fallback or "endpoint down"
        if answer.fallback is not None:
            self.metrics.fallbacks.labels(answer.fallback).inc()
        return answer

    def finish(self, answer: Answer, seconds: float) -> None:
        """Count an answer that is out, and write it down."""
        self.metrics.seconds.labels("answer").observe(seconds)
        if self.journal is None:
            return
        outcome, decision = answer.outcome, answer.decision
        facts = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "model": answer.request.model,
            "choice": [self._names[llm] for llm in decision.asked] if decision is not None else answer.asked[:1],
            "asked": answer.asked,
            "llm": answer.llm,
            "answer": None if outcome is None else outcome.answer,
            "fallback": answer.fallback,
            "seconds": round(seconds, 6),
            "turns": answer.request.turns,
        }
        given = [
            (name, each, self._upstreams[self._names.index(name)].cost(each.prompt_tokens, each.output_tokens))
            for name, samples in answer.given.items()
            for each in samples
        ]
        self.journal.write(answer.request.text, facts, given)

    def _wanted(self, answer: Answer) -> list[str]:
        first = [self._ranked[0]] if answer.decision is None else answer.decision.asked
        return [self._names[llm] for llm in first]

    # One LLM answers

    async def _pass_on(self, order: Sequence[int], answer: Answer) -> None:
        """The reply of the first of these LLMs that gives one, as it comes."""
        refusals: list[RefusedError] = []
        for llm in sorted(order, key=lambda llm: self._upstreams[llm].resting):
            try:
                if answer.request.stream:
                    await self._open(llm, answer)
                else:
                    done = await self._complete(llm, answer.request.fields, answer)
                    answer.body = done.body
            except RefusedError as error:
                refusals.append(error)
            except DownError:
                pass
            else:
                answer.llm = self._names[llm]
                return
        raise _nobody(refusals)

    async def _open(self, llm: int, answer: Answer) -> None:
        start = time.perf_counter()
        with self._asking(llm, answer):
            opened = await self._upstreams[llm].open(answer.request.fields)
        answer.media, answer.pieces = opened.media, self._streamed(llm, answer, opened, start)

    async def _streamed(self, llm: int, answer: Answer, opened: Opened, start: float) -> AsyncIterator[bytes]:
        """The pieces as they come; of a stream that breaks, an error at the end, for its beginning is out."""
        import httpx

        read, name = StreamedReply(), self._names[llm]
        try:
            yield opened.first
            read.feed(opened.first)
            async for piece in opened.rest:
                read.feed(piece)
                yield piece
        except (httpx.HTTPError, OSError, ValueError):
            answer.failed.append(name)
            self.metrics.failures.labels(name).inc()
            yield BROKEN
        finally:  # also where the client has gone
            await opened.close()
            self._take(llm, read.reply(), time.perf_counter() - start, answer)

    async def _complete(self, llm: int, fields: Mapping[str, Any], answer: Answer) -> Completed:
        """A whole reply, counted and kept."""
        start = time.perf_counter()
        with self._asking(llm, answer):
            done = await self._upstreams[llm].complete(fields)
        self._take(llm, done.reply, time.perf_counter() - start, answer)
        return done

    @contextlib.contextmanager
    def _asking(self, llm: int, answer: Answer) -> Iterator[None]:
        name = self._names[llm]
        if name not in answer.asked:
            answer.asked.append(name)
            self.metrics.choices.labels(name).inc()
        try:
            yield
        except DownError:
            answer.failed.append(name)
            self.metrics.failures.labels(name).inc()
            raise

    def _take(self, llm: int, reply: Mapping[str, Any], seconds: float, answer: Answer) -> None:
        """Count what a reply took, and keep its samples."""
        name, upstream = self._names[llm], self._upstreams[llm]
        samples = samples_of(reply, seconds)
        answer.given.setdefault(name, []).extend(samples)
        for part in ("prompt_tokens", "output_tokens"):
            self.metrics.tokens.labels(name, part.partition("_")[0]).inc(
                sum(getattr(each, part) or 0 for each in samples)
            )
        dollars = [upstream.cost(each.prompt_tokens, each.output_tokens) for each in samples]
        self.metrics.dollars.labels(name).inc(sum(each or 0.0 for each in dollars))

    # Several LLMs answer, or one several times

    async def _vote(self, answer: Answer) -> None:
        """Ask whom the policy says, side by side or in turn, and vote; where nobody answers, the next best alone."""
        assert self._kinds is not None  # noqa: S101 - there are some where there are votes
        decision, chooser = answer.decision, self.chooser
        kind, choices = await self._threaded(self._kinds.of, answer.request.text)
        ballot, refusals = Ballot(kind, choices, self.setup.samples), list[RefusedError]()
        if decision is not None and decision.selection is not None:
            await asyncio.gather(*(self._sample(llm, ballot, answer, refusals) for llm in decision.asked))
        elif decision is not None:
            while following := await self._threaded(ballot.following, chooser, decision):
                await self._sample(following[0], ballot, answer, refusals)
        if decision is not None and any(ballot.given.values()):
            answer.outcome = await self._threaded(ballot.outcome, chooser, decision)
        else:
            alone = await self._next_best(ballot, answer, refusals)
            answer.outcome = await self._threaded(ballot.alone, alone)
        carrier, sample = ballot.carrier(answer.outcome, self._ranked)
        answer.llm, answer.choice = self._names[carrier], sample.choice

    async def _next_best(self, ballot: Ballot, answer: Answer, refusals: list[RefusedError]) -> int:
        """The best LLM that gives an answer."""
        for llm in sorted(self._ranked, key=lambda llm: self._upstreams[llm].resting):
            if self._names[llm] not in answer.asked:
                await self._sample(llm, ballot, answer, refusals, although_resting=True)
                if ballot.given[llm]:
                    return llm
        raise _nobody(refusals)

    async def _sample(
        self,
        llm: int,
        ballot: Ballot,
        answer: Answer,
        refusals: list[RefusedError],
        *,
        although_resting: bool = False,
    ) -> None:
        """K samples of an LLM, fewer or none where it gives no more."""
        ballot.given[llm] = []
        if self._upstreams[llm].resting and not although_resting:
            answer.failed.append(self._names[llm])
            return
        fields = {name: value for name, value in answer.request.fields.items() if name not in _NOT_OF_SAMPLES}
        try:
            if ballot.samples > 1:
                await self._complete(llm, {**fields, "n": ballot.samples}, answer)
            else:
                await self._complete(llm, fields, answer)
        except DownError:
            return
        except RefusedError as error:
            if ballot.samples == 1:
                refusals.append(error)
                return
        there = answer.given.get(self._names[llm], [])
        singly = (self._complete(llm, _another(fields, at), answer) for at in range(len(there), ballot.samples))
        for done in await asyncio.gather(*singly, return_exceptions=True):
            if isinstance(done, RefusedError):
                refusals.append(done)
            elif isinstance(done, BaseException) and not isinstance(done, DownError):
                raise done
        ballot.given[llm] = answer.given.get(self._names[llm], [])[: ballot.samples]

    async def _threaded(self, work: Callable[..., _Result], *given: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


def _another(fields: Mapping[str, Any], at: int) -> dict[str, Any]:
    """The request of one further sample; the same seed would draw the same."""
    seed = fields.get("seed")
    return {**fields, "seed": seed + at} if isinstance(seed, int) else dict(fields)


def _nobody(refusals: Sequence[RefusedError]) -> Exception:
    if refusals:
        return refusals[0]
    return RequestError(502, "no endpoint gave an answer", code="no_endpoint", headers={"Retry-After": "2"})
