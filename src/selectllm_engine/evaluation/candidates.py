"""The candidate answers of every question: what the asked LLMs said, and how often.

Q questions, N LLMs of the run, K samples, M candidates of all questions together, E entries: an LLM that gave one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.outcomes import NOT_FOUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.votes import Tally

__all__ = ["Candidates", "candidates_of"]

SAME = 1e-9  # scores closer than this are tied: sums in another order differ by less


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The distinct answers that the asked LLMs gave, in the order of questions and codes.

    Attributes:
        questions, ballots: Q, and how many votes each LLM has.
        question: intp [M], ascending.
        code: int16 [M], the answer.
        votes: int64 [M], of all asked LLMs.
        first: int32 [M], LLM · K + sample at which it was seen first.
        cast: int64 [Q], votes cast for any answer.
        candidate: intp [E], the candidate of each entry.
        llm: intp [E], its LLM.
        count: [E] as in the tally, that LLM's votes for it.
    """

    questions: int
    ballots: int
    question: NDArray[np.intp]
    code: NDArray[np.int16]
    votes: NDArray[np.int64]
    first: NDArray[np.int32]
    cast: NDArray[np.int64]
    candidate: NDArray[np.intp]
    llm: NDArray[np.intp]
    count: NDArray[np.int32] | NDArray[np.int64]

    @property
    def share(self) -> NDArray[np.float64]:
        """Of the entry's LLM's votes those for the answer, [E]."""
        return np.asarray(self.count / self.ballots)

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of entries [E] added up by candidate, [M]."""
        return np.asarray(np.bincount(self.candidate, values, minlength=len(self.question)), np.float64)

    def winners(self, score: NDArray[np.float64]) -> NDArray[np.intp]:
        """The candidate of the highest score [M] of each question, [Q]; −1 where there is none.

        Ties go to the candidate with more votes, then to the one seen first.
        """
        found = np.full(self.questions, -1, dtype=np.intp)
        if not len(score):
            return found
        starts = np.flatnonzero(np.diff(self.question, prepend=-1))
        group = np.cumsum(np.diff(self.question, prepend=-1) > 0) - 1
        leading = np.flatnonzero(score >= np.maximum.reduceat(score, starts)[group] - SAME)
        order = np.lexsort((self.first[leading], -self.votes[leading], self.question[leading]))
        ranked = leading[order]
        chosen = ranked[np.flatnonzero(np.diff(self.question[ranked], prepend=-1))]
        found[self.question[chosen]] = chosen
        return found

    def codes(self, winners: NDArray[np.intp]) -> NDArray[np.int16]:
        """The answers of the candidates [Q]; NOT_FOUND for −1."""
        if not len(self.code):
            return np.full(len(winners), NOT_FOUND, dtype=np.int16)
        return np.where(winners >= 0, self.code[winners], np.int16(NOT_FOUND))


def candidates_of(tally: Tally, asked: NDArray[np.bool_]) -> Candidates:
    """The candidates among the asked LLMs' answers; `asked` is bool [Q, N], or bool [N] for the same everywhere."""
    chosen = asked[tally.llm] if asked.ndim == 1 else asked.reshape(-1)[tally.pair]
    own = np.flatnonzero(chosen)
    cell = tally.candidate[own]
    new = np.diff(cell, prepend=-1) > 0
    start = np.flatnonzero(new)
    count = tally.count[own]
    question = tally.voted[tally.candidate_question[cell[start]]]
    votes = np.add.reduceat(count, start, dtype=np.int64) if len(start) else np.zeros(0, np.int64)
    return Candidates(
        questions=tally.questions,
        ballots=tally.ballots,
        question=question,
        code=tally.candidate_code[cell[start]],
        votes=votes,
        first=tally.first[own[start]],
        cast=np.bincount(question, votes, minlength=tally.questions).astype(np.int64),
        candidate=np.cumsum(new) - 1,
        llm=tally.llm[own].astype(np.intp),
        count=count,
    )
