"""What a choice of LLMs is, and how to pick the best of scored LLMs. Q questions, N LLMs of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.vote_weights import VoteWeights

__all__ = ["Selection", "as_selection", "best_of", "top_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which LLMs answer each question; exactly one of the three forms is set.

    `voters`, `answers`, `confidence` and `vote` are about questions that several LLMs answer: by whose votes, and what.

    Attributes:
        llms: N.
        choice: intp [Q], where one LLM answers each question (a one-hot row).
        several: bool [Q, N], any number of LLMs.
        weights: float64 [Q, N], rows summing to 1: the expectation over one LLM drawn at random.
        alike: every question has the same row of `several` or `weights`, so that one look at it is enough.
        voters: the learned vote that decides; None for the vote rule of the pool.
        voters_of: of a vote that depends on who is asked: the learned vote of those, bool [N].
        answers: int16 [Q], codes of what was voted; None where every sample counts alike.
        confidence: float64 [Q], the chance that `answers` are right.
        vote: the name of the vote rule behind `answers`.
        notes: what to know about this selection.
    """

    llms: int
    choice: NDArray[np.intp] | None = None
    several: NDArray[np.bool_] | None = None
    weights: NDArray[np.float64] | None = None
    alike: bool = False
    voters: VoteWeights | None = None
    voters_of: Callable[[NDArray[np.bool_]], VoteWeights] | None = None
    answers: NDArray[np.int16] | None = None
    confidence: NDArray[np.float64] | None = None
    vote: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The LLMs that answer, or may answer: bool [Q, N]."""
        if self.several is not None:
            return self.several
        if self.weights is not None:
            return np.asarray(self.weights > 0)
        return np.asarray(np.arange(self.llms) == np.asarray(self.choice)[:, None])

    def drawn(self, seed: int = 0) -> Selection:
        """An expectation turned into one seeded draw per question; other selections as they are."""
        if self.weights is None:
            return self
        chances = np.cumsum(self.weights, axis=1)
        draws = np.random.default_rng(seed).random(len(chances)) * chances[:, -1]
        return Selection(self.llms, choice=(chances <= draws[:, None]).sum(axis=1))


def as_selection(
    given: Selection | NDArray[np.generic], policy: str, questions: int, llms: int, order: NDArray[np.intp]
) -> Selection:
    """What a policy of one's own returned, checked against the LLMs `order` of the pool.

    A `Selection`, or an array: integers [Q], the LLM that answers; bool [Q, N], the LLMs that answer; floats [Q, N],
    the chance of each, rows summing to 1.

    Raises:
        UsageError: it is none of these, a question is left to nobody, or goes to an LLM outside the pool.
    """

    def refused(problem: str) -> UsageError:
        remedy = "return ints [Q], bools [Q, N] or chances [Q, N], of LLMs in `inputs.order`"
        return UsageError(f"policy {policy}: {problem}", remedy)

    if isinstance(given, Selection):
        made = given
    else:
        array = np.asarray(given)
        if array.shape == (questions,) and array.dtype.kind in "iu":
            made = Selection(llms, choice=array.astype(np.intp))
        elif array.shape == (questions, llms) and array.dtype == np.bool_:
            made = Selection(llms, several=np.asfortranarray(array))
        elif array.shape == (questions, llms) and array.dtype.kind == "f":
            made = Selection(llms, weights=np.asfortranarray(array, dtype=np.float64))
        else:
            raise refused(f"{array.dtype} {list(array.shape)} is no choice of LLMs for {questions} questions")
    if made.choice is not None and not np.isin(made.choice, order).all():
        raise refused("an LLM outside the pool is chosen")
    weights = made.weights
    if weights is not None and not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise refused("chances are not all 0 or more")
    if weights is not None and not np.allclose(weights.sum(axis=1), 1.0):
        raise refused("chances do not add up to 1")
    asked = made.mask
    if asked.shape != (questions, llms) or np.delete(asked, order, axis=1).any():
        raise refused("LLMs outside the pool are chosen, or for other questions")
    if not asked.any(axis=1).all():
        raise refused("a question is left to nobody")
    return made


def best_of(scores: NDArray[np.floating], order: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """Per question the LLM of `order` with the highest score, and that score; ties go to the first in `order`.

    `scores` is [Q, N] with contiguous columns: N passes over Q numbers need no [Q, N] temporary.
    """
    best = scores[:, order[0]].copy()
    choice = np.full(len(best), order[0], dtype=np.intp)
    for llm in order[1:]:
        column = scores[:, llm]
        np.putmask(choice, column > best, llm)
        np.maximum(best, column, out=best)
    return choice, best


def top_of(scores: NDArray[np.float32], order: NDArray[np.intp], m: int) -> NDArray[np.bool_]:
    """Per question the m LLMs of `order` with the highest scores, bool [Q, N]; ties go to the first in `order`."""
    chosen = np.zeros(scores.shape, dtype=bool, order="F")
    if m >= len(order):
        chosen[:, order] = True
        return chosen
    if m == 1:
        choice, _ = best_of(scores, order)
        chosen[np.arange(len(choice)), choice] = True
        return chosen
    last = np.partition(scores[:, order], len(order) - m, axis=1)[:, len(order) - m]
    room = np.full(len(last), m)
    for llm in order:
        chosen[:, llm] = scores[:, llm] > last
        room -= chosen[:, llm]
    for llm in order:
        ties = (scores[:, llm] == last) & (room > 0)
        chosen[:, llm] |= ties
        room -= ties
    return chosen
