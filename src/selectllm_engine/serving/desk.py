"""Answering one request: the setup's LLMs are asked, best-single where that can't be, then the next best."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.serving.asker import Answer, Asker, nobody
from selectllm_engine.serving.chat import SELF, RequestError
from selectllm_engine.serving.decision import AnswerKinds, Decision, decide
from selectllm_engine.serving.upstream import DownError, RefusedRequestError, Upstream
from selectllm_engine.serving.voter import Voter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from selectllm_engine.llms import LLM
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.run import StoredRun
    from selectllm_engine.serving.chat import ChatRequest
    from selectllm_engine.serving.journal import Journal
    from selectllm_engine.serving.metrics import Metrics
    from selectllm_engine.setups import Setup

__all__ = ["SELF", "Desk", "ServerLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
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
        limits: ServerLimits,
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
        upstreams = {
            run.llms.index(name): Upstream(llms[name], seconds=limits.seconds, transport=transport)
            for name in setup.pool
        }
        self._asker = Asker(run.llms, upstreams, metrics)
        decide(chooser, "What is 2 + 3?")  # what is loaded late is loaded now
        self._thread = ThreadPoolExecutor(1, "routing")  # what is computed holds the interpreter anyway
        self._voter: Voter | None = None
        if setup.samples > 1 or setup.asks_several:
            self._voter = Voter(
                self._asker, chooser, AnswerKinds(run), samples=setup.samples, ranked=self._ranked, thread=self._thread
            )

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
        await self._asker.close()
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
                routing = asyncio.get_running_loop().run_in_executor(self._thread, decide, self.chooser, text)
                decision = await routing
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
        """Answer a request; raises RequestError, or RefusedRequestError where all that were asked refuse it."""
        answer = Answer(request)
        if request.model != SELF:
            if request.model not in self.setup.pool:
                raise RequestError(404, "there is no such model; see /v1/models", code="model_not_found")
            await self._pass_on([self._names.index(request.model)], answer)
            return answer
        if self._voter is not None and request.wants_several:
            raise RequestError(400, "n must be 1: how many samples vote is the setup's to say")
        answer.decision, answer.fallback = await self.decide(request.text)
        if answer.decision is not None and len(answer.decision.asked) > 1 and request.calls_tools:
            answer.decision, answer.fallback = None, "tools"  # on which nobody can vote
        wanted = (self._ranked[0],) if answer.decision is None else answer.decision.asked
        if self._voter is not None and not request.calls_tools and (len(wanted) > 1 or self.setup.samples > 1):
            await self._voter.vote(answer)
        else:
            await self._pass_on([*wanted, *(llm for llm in self._ranked if llm not in wanted)], answer)
        if answer.failed and answer.llm not in [self._names[llm] for llm in wanted]:
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
        self.journal.write(answer.request.text, facts, self._asker.priced(answer))

    async def _pass_on(self, order: Sequence[int], answer: Answer) -> None:
        """The reply of the first of these LLMs that gives one, as it comes."""
        refusals: list[RefusedRequestError] = []
        for llm in self._asker.rested_first(order):
            try:
                if answer.request.stream:
                    await self._asker.open(llm, answer)
                else:
                    answer.body = (await self._asker.complete(llm, answer.request.fields, answer)).body
            except RefusedRequestError as error:
                refusals.append(error)
            except DownError:
                pass
            else:
                answer.llm = self._names[llm]
                return
        raise nobody(refusals)
