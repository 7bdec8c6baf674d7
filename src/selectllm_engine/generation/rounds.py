"""What to ask of every question next, where sampling stops as soon as its vote is decided.

Rounds of different questions run side by side: what a finished round says is read when there is something to ask
again or when nothing new is left, and a question that goes on comes before new ones, so that the engine stays full
until the last questions end.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.evaluation import StopRule, next_round
from selectllm_engine.store import GENERATION_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selectllm_engine.store import Cache

__all__ = ["Ask", "OneRound", "Rounds", "missing_of"]

Ask = tuple[str, tuple[int, ...]]  # a question and the numbers of its samples

_READ = 64  # finished questions that are read at once: each time costs a few milliseconds


class OneRound:
    """Everything that is missing, each question once."""

    spared = 0

    def __init__(self, missing: Iterable[Ask]) -> None:
        self._waiting = iter(missing)

    def next(self) -> Ask | None:
        """The next question; None at the end."""
        return next(self._waiting, None)

    def add(self, question_id: str, samples: Sequence[int], texts: Sequence[str]) -> None:
        """Nothing follows from what was said."""

    def end(self) -> None:
        """Nothing is left to do."""


class Rounds:
    """The samples of one benchmark that could still decide a vote, a round at a time.

    Args:
        cache: where the benchmark is; it tells which answers are equal.
        benchmark: its name.
        made: by question the answers there are, by the sample's number.
        asked: the questions, in the order in which they begin.
        samples: K.
        rule: when to stop.

    Attributes:
        spared: samples of the questions asked that turned out not to be needed.
    """

    def __init__(
        self,
        cache: Cache,
        benchmark: str,
        made: Mapping[str, Mapping[int, str | None]],
        *,
        asked: Iterable[str],
        samples: int,
        rule: StopRule,
    ) -> None:
        self._cache = cache
        self._benchmark = benchmark
        self._made = {question_id: dict(each) for question_id, each in made.items()}
        self._samples = samples
        self._rule = rule
        self._waiting = deque(ask for each in asked if (ask := self._next(each)))
        self._unread: list[tuple[str, int, str]] = []
        self.spared = 0
        self._finished = 0
        slow = (cache.questions(benchmark)["kind"] == "expression").any()  # comparing them starts a process
        self._enough = _READ * (16 if slow else 1)

    def add(self, question_id: str, samples: Sequence[int], texts: Sequence[str]) -> None:
        """A round is finished."""
        self._unread += [(question_id, sample, text) for sample, text in zip(samples, texts, strict=True)]
        self._finished += 1

    def next(self) -> Ask | None:
        """The next round; None where all that could be asked is under way or done."""
        if self._unread and (not self._waiting or self._finished >= self._enough):
            self._read()
        return self._waiting.popleft() if self._waiting else None

    def end(self) -> None:
        """Read what was added, for `spared`."""
        if self._unread:
            self._read()

    def _read(self) -> None:
        rows = pl.DataFrame(
            [(question_id, sample, text, None, None, None) for question_id, sample, text in self._unread],
            schema=GENERATION_SCHEMA,
            orient="row",
        )
        self._unread, self._finished = [], 0
        answers = self._cache.answers_in(self._benchmark, rows)
        for question_id, sample, answer in answers.select("question_id", "sample", "answer").iter_rows():
            self._made[question_id][sample] = answer
        again = []
        for question_id in rows["question_id"].unique(maintain_order=True):
            if ask := self._next(question_id):
                again.append(ask)
            else:
                self.spared += self._samples - len(self._made[question_id])
        self._waiting.extendleft(reversed(again))

    def _next(self, question_id: str) -> Ask | None:
        lacking = _lacking(self._made[question_id], self._samples, self._rule)
        return (question_id, lacking) if lacking else None


def _lacking(made: Mapping[int, str | None], samples: int, rule: StopRule) -> tuple[int, ...]:
    """The samples of the next round that aren't there yet; none where no more are needed."""
    there = 0
    while there in made:
        there += 1
    answers = [made[sample] for sample in range(min(there, samples))]
    more = next_round(answers, samples, rule)
    return tuple(sample for sample in range(there, there + more) if sample not in made)


def missing_of(made: Mapping[str, Mapping[int, str | None]], samples: int, rule: StopRule) -> list[Ask]:
    """Per question that is not finished the sample numbers below K that don't exist: the most that it may take."""
    return [
        (question_id, tuple(sample for sample in range(samples) if sample not in each))
        for question_id, each in made.items()
        if _lacking(each, samples, rule)
    ]
