"""Several LLMs answer, or one several times: they are asked, and their answers voted on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from selectllm_engine.serving.asker import nobody
from selectllm_engine.serving.ballot import Ballot
from selectllm_engine.serving.upstream import DownError, RefusedRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.serving.asker import Answer, Asker
    from selectllm_engine.serving.decision import AnswerKinds

__all__ = ["Voter"]

_NOT_OF_SAMPLES = {"n", "stream", "stream_options"}
_Result = TypeVar("_Result")


class Voter:
    """Votes as a setup says.

    Args:
        asker: the LLMs.
        chooser: from `setups.chooser_of`.
        kinds: how answers are read.
        samples: K, of each LLM.
        ranked: the pool's LLMs, the most accurate first.
        thread: where answers are read and counted.
    """

    def __init__(
        self,
        asker: Asker,
        chooser: Chooser | Fixed,
        kinds: AnswerKinds,
        *,
        samples: int,
        ranked: Sequence[int],
        thread: Executor,
    ) -> None:
        self._asker, self._chooser, self._kinds = asker, chooser, kinds
        self._samples, self._ranked, self._thread = samples, ranked, thread

    async def vote(self, answer: Answer) -> None:
        """Ask whom the policy says, side by side or in turn, and vote; where nobody answers, the next best alone."""
        decision, chooser = answer.decision, self._chooser
        kind, choices = await self._threaded(self._kinds.of, answer.request.text)
        ballot, refusals = Ballot(kind, choices, self._samples), list[RefusedRequestError]()
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
        answer.llm, answer.choice = self._asker.names[carrier], sample.choice

    async def _next_best(self, ballot: Ballot, answer: Answer, refusals: list[RefusedRequestError]) -> int:
        """The best LLM that gives an answer."""
        for llm in self._asker.rested_first(self._ranked):
            if self._asker.names[llm] not in answer.asked:
                await self._sample(llm, ballot, answer, refusals, although_resting=True)
                if ballot.given[llm]:
                    return llm
        raise nobody(refusals)

    async def _sample(
        self,
        llm: int,
        ballot: Ballot,
        answer: Answer,
        refusals: list[RefusedRequestError],
        *,
        although_resting: bool = False,
    ) -> None:
        """K samples of an LLM, fewer or none where it gives no more."""
        ballot.given[llm] = []
        if self._asker.resting(llm) and not although_resting:
            answer.failed.append(self._asker.names[llm])
            return
        fields = {name: value for name, value in answer.request.fields.items() if name not in _NOT_OF_SAMPLES}
        try:
            several = {"n": ballot.samples} if ballot.samples > 1 else {}
            await self._asker.complete(llm, {**fields, **several}, answer)
        except DownError:
            return
        except RefusedRequestError as error:
            if ballot.samples == 1:
                refusals.append(error)
                return
        there = answer.given.get(self._asker.names[llm], [])
        singly = (self._asker.complete(llm, _another(fields, at), answer) for at in range(len(there), ballot.samples))
        for done in await asyncio.gather(*singly, return_exceptions=True):
            if isinstance(done, RefusedRequestError):
                refusals.append(done)
            elif isinstance(done, BaseException) and not isinstance(done, DownError):
                raise done
        ballot.given[llm] = answer.given.get(self._asker.names[llm], [])[: ballot.samples]

    async def _threaded(self, work: Callable[..., _Result], *given: object) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


def _another(fields: Mapping[str, object], at: int) -> dict[str, object]:
    """The request of one further sample; the same seed would draw the same."""
    seed = fields.get("seed")
    return {**fields, "seed": seed + at} if isinstance(seed, int) else dict(fields)
