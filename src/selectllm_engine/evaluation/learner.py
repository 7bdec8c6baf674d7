"""What the labelled questions of a run teach at one K: votes, cascades and margins, each learned once and kept.

L labelled questions, Q questions to answer, N LLMs of the run.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.best_m import BestM, GroupVotes, best_m
from selectllm_engine.evaluation.cascade_value import (
    CascadeValue,
    best_single_of,
    best_within,
    cascade_along,
    possible_chains,
)
from selectllm_engine.evaluation.labelled_questions import Labelled, labelled, opinions
from selectllm_engine.evaluation.learned_vote import choose_penalty, learn
from selectllm_engine.evaluation.margin import Margin, learn_margin
from selectllm_engine.evaluation.question_burdens import better_by_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.outcomes import By
    from selectllm_engine.evaluation.prepared import Prepared
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.vote_weights import VoteWeights

__all__ = ["Learned", "Learner"]

KEPT = 512  # pools whose weights are remembered
FEW = 16  # chains that pools share

SAME = 1e-6  # probabilities closer than this are equal


class Learned:
    """What is learned with one router's opinions, or with none.

    λ, whom `vote:auto` asks and the chain of `cascade-value` are chosen without opinions, once for all routers.

    Args:
        train, validation: the labelled splits over the same number of samples; None where there is none.
        scores: whose `train` and `validation` are the opinions; None for none.
        plain: what is learned without opinions; None where this is.
    """

    def __init__(
        self,
        train: Prepared | None,
        validation: Prepared | None,
        scores: RouterScores | None = None,
        plain: Learned | None = None,
    ) -> None:
        self._splits = train, validation
        self._scores = scores
        self._plain = plain or self
        self._last: dict[bool, VoteWeights] = {}
        self._weights = lru_cache(maxsize=KEPT)(self._fitted)
        self._best_m = lru_cache(maxsize=KEPT)(lambda order: best_m(self.known, order, self.penalty, self.votes))
        self._chains = lru_cache(maxsize=KEPT)(self._possible)
        self._cascade = lru_cache(maxsize=KEPT)(self._chained)
        self._along = lru_cache(maxsize=FEW)(
            lambda chain, best_single, by: cascade_along(chain, self.votes, self._burdens(by), best_single)
        )

    def check(self) -> None:
        """Raise NotAvailableError, which says why, where nothing can be learned."""
        assert self.known.questions  # noqa: S101 - looking at them is what raises

    @cached_property
    def known(self) -> Labelled:
        """The labelled questions; raises NotAvailableError where there are too few, or labels only."""
        train, validation = (None if split is None else split.outcomes for split in self._splits)
        own = self._scores
        return labelled(train, validation, (None, None) if own is None else (own.train, own.validation))

    @cached_property
    def penalty(self) -> float:
        """λ: chosen once, for all LLMs of the run; raises as `known` does."""
        if self._plain is not self:
            return self._plain.penalty
        return choose_penalty(self.known, np.ones(len(self.known.llms), dtype=bool))

    @cached_property
    def votes(self) -> GroupVotes:
        """Of groups of LLMs, whatever the pool; raises as `known` does."""
        return GroupVotes(self.known, self.penalty)

    def weights(self, mask: NDArray[np.bool_], *, popularity: bool = True) -> VoteWeights:
        """The learned vote of a pool, bool [N]; raises as `known` does.

        With `popularity` for questions that the whole pool answers: what a share of all votes means depends on who
        votes.
        """
        return self._weights(mask.tobytes(), popularity)

    def _fitted(self, mask: bytes, popularity: bool) -> VoteWeights:
        pool = np.frombuffer(mask, dtype=bool)
        start = self._last.get(popularity)
        self._last[popularity] = learn(self.known, pool, self.penalty, popularity=popularity, start=start)
        return self._last[popularity]

    def best_m(self, order: Sequence[int]) -> BestM:
        """Over whom of the LLMs `order`, from fast to slow, `vote:auto` votes; raises as `known` does."""
        return self._plain._best_m(tuple(order))

    def cascade(self, order: Sequence[int], by: By | None, budget: float | None) -> CascadeValue:
        """The cascade over the LLMs `order` within a budget, by latency where that is known, else by cost.

        Raises:
            NotAvailableError: too few labelled questions, labels only, or neither latency nor cost of every LLM.
        """
        return self._cascade(tuple(order), by, budget)

    def _chained(self, order: tuple[int, ...], by: By | None, budget: float | None) -> CascadeValue:
        chains, looks = self._plain._chains(order, by, budget), self._looks(order, by)
        best_single = best_single_of(self.known, order)
        return best_within([self._along(chain, best_single, looks) for chain in chains], budget)

    def _possible(self, order: tuple[int, ...], by: By | None, budget: float | None) -> list[tuple[int, ...]]:
        burden = self._burdens(self._looks(order, by))
        return possible_chains(self.known, order, burden, self.penalty, budget, votes=self.votes)

    def _looks(self, order: tuple[int, ...], by: By | None) -> By:
        """At seconds, or at dollars: whatever is known of each LLM."""
        self.check()
        names: tuple[By, ...] = ("latency", "cost") if by is None else (by,)
        for name in names:
            if not np.isnan(self._burdens(name)[:, list(order)]).all(axis=0).any():
                return name
        raise NotAvailableError(f"needs the {' or '.join(names)} of every LLM of the pool")

    def _burdens(self, by: By) -> NDArray[np.floating]:
        """Seconds or dollars of the labelled questions, [L, N]."""
        return np.concatenate([getattr(split, by) for split in self._splits if split is not None])

    def views(self, scores: RouterScores) -> NDArray[np.float64] | None:
        """The router's opinions on questions to answer, [Q, N]; None where it was learned without any."""
        return None if self.known.opinions is None else opinions(scores.probabilities, self.known.rates)


class Learner:
    """All that is learned from two splits, whatever the pool.

    Args:
        train, validation: prepared splits; None where there is none.
    """

    def __init__(self, train: Prepared | None, validation: Prepared | None) -> None:
        self._splits = train, validation
        self._plain = Learned(train, validation)
        self._learned = lru_cache(maxsize=32)(lambda scores: Learned(train, validation, scores, self._plain))
        self._margin = lru_cache(maxsize=KEPT)(self._cautious)
        self._by_question = lru_cache(maxsize=KEPT)(self._looks_at_questions)

    def of(self, scores: RouterScores | None = None) -> Learned:
        """With a router's opinions where it has held-out ones for every labelled question, else without any.

        One that says the same of all questions has none: its held-out probabilities differ by the labels left out,
        which is all that there would be to learn from them.
        """
        if scores is None or len(self._held_out(scores)) < self._count:
            return self._plain
        if not (np.ptp(scores.probabilities, axis=0) > SAME).any():
            return self._plain
        return self._learned(scores)

    @cached_property
    def on_train(self) -> Learner:
        """What train alone teaches, to tune on validation with; itself where that is too little."""
        alone = Learner(self._splits[0], None)
        try:
            alone.of().check()
        except NotAvailableError:
            return self
        return alone

    @property
    def _count(self) -> int:
        return sum(split is not None for split in self._splits)

    def _held_out(self, scores: RouterScores) -> list[tuple[Prepared, NDArray[np.float32]]]:
        """The splits for which a router has probabilities that it has not learned from."""
        pairs = zip(self._splits, (scores.train, scores.validation), strict=True)
        return [
            (split, p) for split, p in pairs if split is not None and p is not None and p.shape == split.labels.shape
        ]

    def margin(self, scores: RouterScores, order: Sequence[int], best_single: int) -> Margin:
        """From which gain on policy `margin` leaves best-single.

        Raises:
            NotAvailableError: the router has no held-out probabilities for labelled questions.
        """
        return self._margin(scores, tuple(order), best_single)

    def better_by_question(self, scores: RouterScores, by: By) -> bool:
        """Whether cost-aware does better on validation by what each question is expected to take.

        Found once per router, on all samples and all LLMs of which that is known, whatever the pool and K.
        """
        return self._by_question(scores, by)

    def _looks_at_questions(self, scores: RouterScores, by: By) -> bool:
        validation, p = self._splits[1], scores.validation
        if validation is None or p is None or p.shape != validation.labels.shape or scores.unseen:
            return False
        actual, expected = getattr(validation, by), validation.expected.get(by)
        if expected is None:
            return False
        known = np.isfinite(actual).all(axis=0) & np.isfinite(expected).all(axis=0) & np.isfinite(p).all(axis=0)
        llms = validation.order[known[validation.order]]
        return better_by_question(p[:, llms], validation.whole.labels[:, llms], actual[:, llms], expected[:, llms])

    def _cautious(self, scores: RouterScores, order: tuple[int, ...], best_single: int) -> Margin:
        held_out = self._held_out(scores)
        if not held_out:
            raise NotAvailableError("needs the router's probabilities for questions that it has not learned from")
        p = np.concatenate([each for _, each in held_out])
        labels = np.concatenate([split.labels for split, _ in held_out])
        return learn_margin(np.asfortranarray(p), labels, np.array(order), best_single)
