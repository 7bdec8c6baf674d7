"""`vote:auto`: the learned vote over the m most accurate LLMs, m as small as it may be. L labelled questions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.candidates import candidates_of
from selectllm_engine.evaluation.conditional_logit import FOLDS, MOST_STEPS, Posterior, cross_fitted, fit, folds_of
from selectllm_engine.evaluation.learned_vote import design_from, design_of, merits_of, ridge_of, unpacked, vote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.candidates import Candidates
    from selectllm_engine.evaluation.labelled_questions import Labelled
    from selectllm_engine.evaluation.vote_weights import VoteWeights

__all__ = ["BestM", "CrossFitted", "GroupVotes", "best_m", "cross_fitted_among", "cross_fitted_vote"]

KEPT = 128  # groups of LLMs whose votes are remembered
GLANCE = 2  # Newton steps that show well enough whether an LLM helps the vote
CLOSE = 1e-3  # of a question: how near the optimum weights must be that one more step takes there


class CrossFitted(NamedTuple):
    """A learned vote on questions that it did not learn from.

    Attributes:
        right: bool [L], is its answer right.
        confidence: float64 [L], P of its answer; 0 where there is none.
        weights: float64 [F + G], learned on all questions.
    """

    right: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    weights: NDArray[np.float64]


class BestM(NamedTuple):
    """Which LLMs vote.

    Attributes:
        llms: the m most accurate, the best first.
        accuracies: the cross-fitted accuracy of the vote of the best 1, 2, … N.
    """

    llms: tuple[int, ...]
    accuracies: tuple[float, ...]


class GroupVotes:
    """The learned votes of groups of LLMs on every labelled question, each learned once on the other folds'.

    Args:
        known: the labelled questions.
        penalty: λ.
    """

    def __init__(self, known: Labelled, penalty: float) -> None:
        self.known = known
        self._penalty = penalty
        self._of = lru_cache(maxsize=KEPT)(lambda llms: cross_fitted_vote(known, self._mask(llms), penalty))
        self._glances: dict[frozenset[int], float] = {}

    def of(self, llms: frozenset[int]) -> CrossFitted:
        """The vote of these LLMs."""
        return self._of(llms)

    def at_a_glance(self, llms: frozenset[int]) -> float:
        """About how accurate it is: after steps that show well enough whether an LLM helps."""
        if llms not in self._glances:
            found = cross_fitted_vote(self.known, self._mask(llms), self._penalty, steps=GLANCE)
            self._glances[llms] = float(found.right.mean())
        return self._glances[llms]

    def weights(self, llms: frozenset[int]) -> VoteWeights:
        """Its weights, learned on all questions."""
        columns = np.flatnonzero(self._mask(llms))
        return unpacked(self.of(llms).weights, self.known, columns, self._penalty, popularity=True)

    def _mask(self, llms: frozenset[int]) -> NDArray[np.bool_]:
        return np.isin(np.arange(len(self.known.llms)), list(llms))


def best_m(known: Labelled, order: Sequence[int], penalty: float, votes: GroupVotes | None = None) -> BestM:
    """The smallest m whose cross-fitted vote is within half a standard error of the best one's accuracy.

    The standard error is that of the paired difference. LLMs are taken by accuracy on the labelled questions.

    Args:
        known: the labelled questions.
        order: the pool's LLMs, from fast to slow; of equally accurate ones the faster comes first.
        penalty: λ.
        votes: of these labelled questions and λ, as far as they were learned; None learns them.
    """
    votes = votes or GroupVotes(known, penalty)
    ranked = sorted(order, key=lambda llm: -int(known.labels[:, llm].sum()))
    right = [known.labels[:, ranked[0]]]
    right += [votes.of(frozenset(ranked[:count])).right for count in range(2, len(ranked) + 1)]
    accuracies = [float(each.mean()) for each in right]
    best = right[int(np.argmax(accuracies))].astype(float)

    def close(each: NDArray[np.bool_]) -> bool:
        behind = best - each
        return bool(behind.mean() <= 0.5 * behind.std() / np.sqrt(len(behind)))

    m = next(count for count, each in enumerate(right, start=1) if close(each))
    return BestM(tuple(ranked[:m]), tuple(accuracies))


def cross_fitted_vote(
    known: Labelled,
    mask: NDArray[np.bool_],
    penalty: float,
    *,
    steps: int = MOST_STEPS,
) -> CrossFitted:
    """The vote of the LLMs of a mask, bool [N], on every labelled question, learned on the other folds'."""
    found = candidates_of(known.tally, mask)
    merits = merits_of(known, mask)
    design = design_of(found, known.gold, mask, known.opinions, merits)
    ridge = ridge_of(design, merits, penalty)
    near = fit(design, ridge, tolerance=CLOSE * known.questions, steps=steps)
    chance, weights = cross_fitted(design, ridge, near)
    return CrossFitted(*leading(found, chance, design.right), weights)


def cross_fitted_among(
    known: Labelled, mask: NDArray[np.bool_], several: NDArray[np.bool_], penalty: float
) -> NDArray[np.int16]:
    """What those of a pool who are asked answer by its learned vote, learned on the other folds: codes int16 [L].

    Args:
        known: the labelled questions.
        mask: bool [N], the pool.
        several: bool [L, N], whom a policy asks.
        penalty: λ.
    """
    design = design_from(known, mask, popularity=False)
    ridge, fold = ridge_of(design, merits_of(known, mask), penalty), folds_of(known.questions)
    tolerance = CLOSE * known.questions
    start = fit(design, ridge, tolerance=tolerance)
    code = np.zeros(known.questions, dtype=np.int16)
    for each in range(FOLDS):
        own = fold == each
        flat = fit(design.rows(~own), ridge, start, tolerance=tolerance)
        weights = unpacked(flat, known, np.flatnonzero(mask), penalty, popularity=False)
        code[own] = vote(weights, known.tally, known.llms, several, known.opinions).code[own]
    return code


def leading(
    found: Candidates, chance: Posterior, right: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether the most probable candidate of each question is right, bool [L], and its probability, [L]."""
    # Probabilities may be too small to tell candidates apart, logarithms are not.
    winners = found.winners(np.log(np.maximum(chance.candidate, np.finfo(float).tiny)))
    if not len(right):
        return np.zeros(found.questions, dtype=bool), np.zeros(found.questions)
    some = winners >= 0
    return some & right[winners], np.where(some, chance.candidate[winners], 0.0)
