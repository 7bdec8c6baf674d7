"""`cascade-value`: ask on while the learned value of asking the next LLM exceeds its price.

LLMs are asked along a chain from cheap to dear. After each the learned vote of those asked so far gives the leading
answer and its probability P, and a question goes on while that is worth its price (`continuation_value`). It may start
anywhere in the chain. All that is read from labelled questions comes from the other folds.

L labelled questions, Q questions to answer, N LLMs of the run, M of the chain, U prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.best_m import GroupVotes
from selectllm_engine.evaluation.cascade_chain import chains_of
from selectllm_engine.evaluation.conditional_logit import FOLDS, folds_of
from selectllm_engine.evaluation.continuation_value import (
    Backward,
    Reached,
    first_places,
    go_features,
    predicted,
    start_features,
)
from selectllm_engine.evaluation.learned_vote import vote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.labelled_questions import Labelled
    from selectllm_engine.evaluation.learned_vote import Voted
    from selectllm_engine.evaluation.vote_weights import VoteWeights
    from selectllm_engine.evaluation.votes import Tally

    Floats = NDArray[np.float64]

__all__ = [
    "FEWEST_LABELLED",
    "CascadePoint",
    "CascadeValue",
    "Cascaded",
    "best_single_of",
    "best_within",
    "cascade_along",
    "learn_cascade",
    "possible_chains",
]

FEWEST_LABELLED = 300
# Of what best-single costs, in accuracy; close together where cascades of about its burden are.
PRICES = (0.0, 0.003, 0.005, 0.0075, *np.geomspace(0.01, 0.4, 42).tolist(), 0.6, 1.0, 1.7, 3.0)


class CascadePoint(NamedTuple):
    """One price of a unit of burden, and the accuracy and the mean burden of a question that follow from it."""

    price: float
    accuracy: float
    burden: float


@dataclass(frozen=True, eq=False)
class CascadeValue:
    """A learned cascade.

    Attributes:
        llms: names of the run's LLMs.
        chain: the M LLMs that may be asked, in order.
        votes: the learned vote of each stretch of the chain, by first and last place.
        go: weights of going on, [places of x, U], by first and last place asked.
        start: weights of each start, [M, places of x, U].
        points: of the labelled questions, cross-fitted, one per price.
        rights: bool [U, L], is each labelled question right at each price, cross-fitted.
        spent: float64 [U, L], its burden.
        single: float64 [L], best-single's burden.
        best_single: the LLM.
        sure_gains: float64 [U], by how much the accuracy at each price exceeds best-single's, less one standard error
            of the paired difference.
    """

    llms: tuple[str, ...]
    chain: tuple[int, ...]
    votes: dict[tuple[int, int], VoteWeights]
    go: dict[tuple[int, int], Floats]
    start: Floats
    points: tuple[CascadePoint, ...]
    rights: NDArray[np.bool_]
    spent: Floats
    single: Floats
    best_single: int
    sure_gains: Floats

    def pays(self, at: int, budget: float | None) -> bool:
        """Whether a price is to be preferred to best-single, where the budget allows for that: its lead is positive.

        The best of many prices is partly luck; without this one cascade in three loses where 450 labels choose.
        """
        return bool(self.sure_gains[at] > 0) or (budget is not None and budget < 1)

    def at_budget(self, budget: float | None) -> int:
        """The most accurate price whose burden is at most `budget` times best-single's, by a standard error.

        None for the most accurate of all; of equals the cheaper.

        Raises:
            NotAvailableError: no price is within the budget.
        """
        within = list(range(len(self.points)))
        if budget is not None:
            over = self.spent - budget * self.single
            error = over.std(axis=1) / np.sqrt(over.shape[1])
            within = np.flatnonzero(over.mean(axis=1) + error <= 0).tolist()
        if not within:
            raise NotAvailableError(f"no cascade of this pool stays within {budget:g}× best-single's")
        return max(within, key=lambda at: (self.points[at].accuracy, -self.points[at].burden))

    def answer(self, counted: Tally, views: Floats | None, at: int) -> Cascaded:
        """Which LLMs are asked and what is answered, at one of the prices, for questions with these votes.

        `views` are the router's opinions [Q, N], needed exactly where the cascade was learned with some.
        """
        voted = self._voted(counted, views)
        first, last = (each[0] for each in self._walk(voted, views, slice(at, at + 1)))
        asked = np.zeros((counted.questions, len(self.llms)), dtype=bool)
        code = np.zeros(counted.questions, dtype=np.int16)
        confidence = np.zeros(counted.questions)
        for place, llm in enumerate(self.chain):
            asked[:, llm] = (first <= place) & (place <= last)
        for (begin, end), said in voted.items():
            own = (first == begin) & (last == end)
            code[own], confidence[own] = said.code[own], said.confidence[own]
        return Cascaded(asked, code, confidence)

    def voters_of(self, asked: NDArray[np.bool_]) -> VoteWeights:
        """The learned vote of the LLMs asked, bool [N]: a stretch of the chain."""
        places = [place for place, llm in enumerate(self.chain) if asked[llm]]
        return self.votes[places[0], places[-1]]

    def curve(
        self, counted: Tally, views: Floats | None, burden: NDArray[np.floating], gold: NDArray[np.int16]
    ) -> list[CascadePoint]:
        """Accuracy and mean burden at every price, of questions with votes, burdens [Q, N] and gold answers [Q]."""
        voted = self._voted(counted, views)
        first, last = self._walk(voted, views, slice(None))
        right, spent = np.zeros(len(first)), np.zeros(len(first))
        for (begin, end), said in voted.items():
            own = (first == begin) & (last == end)
            right += own[:, said.code == gold].sum(axis=1)
            spent += np.einsum("uq,q->u", own, burden[:, self.chain[begin : end + 1]].sum(axis=1, dtype=np.float64))
        return [
            CascadePoint(point.price, float(hits) / len(gold), float(cost) / len(gold))
            for point, hits, cost in zip(self.points, right, spent, strict=True)
        ]

    def _voted(self, counted: Tally, views: Floats | None) -> dict[tuple[int, int], Voted]:
        """What the LLMs of each stretch of the chain would answer."""
        found = {}
        for (begin, end), weights in self.votes.items():
            mask = np.isin(np.arange(len(self.llms)), self.chain[begin : end + 1])
            found[begin, end] = vote(weights, counted, self.llms, mask, views)
        return found

    def _walk(
        self, voted: dict[tuple[int, int], Voted], views: Floats | None, prices: slice
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last place asked of each question at each price, [U, Q]."""
        opinions = None if views is None else views[:, self.chain]
        questions, end = len(voted[0, 0].code), len(self.chain) - 1
        first = first_places(start_features(opinions, questions), self.start[:, :, prices])
        last = np.zeros_like(first)
        for begin in range(end + 1):
            stop = np.full(first.shape, end)
            for place in reversed(range(begin, end)):
                x = go_features(voted[begin, place].confidence, opinions, place)
                stop = np.where(predicted(x, self.go[begin, place][:, prices]) > 0, stop, place)
            last = np.where(first == begin, stop, last)
        return first, last


class Cascaded(NamedTuple):
    """What a cascade did: `asked` bool [Q, N], `code` int16 [Q] its answers, `confidence` float64 [Q] P of them."""

    asked: NDArray[np.bool_]
    code: NDArray[np.int16]
    confidence: Floats


def learn_cascade(
    known: Labelled,
    order: Sequence[int],
    burden: NDArray[np.floating],
    penalty: float,
    budget: float | None = 1.0,
    *,
    chains: Sequence[tuple[int, ...]] | None = None,
) -> CascadeValue:
    """Learn a cascade over a pool, along that chain which is most accurate within the budget.

    Args:
        known: the labelled questions.
        order: the pool's LLMs from fast to slow; of equally accurate ones the first is best-single.
        burden: [L, N], seconds or dollars of each question and LLM; NaN counts as the LLM's mean.
        penalty: λ of the vote.
        budget: in multiples of best-single's burden, which the chain is chosen for; None for any.
        chains: to choose from, as `possible_chains` finds them; None finds them.

    Raises:
        NotAvailableError: fewer than 300 labelled questions or two LLMs, or an LLM's burden is nowhere known.
    """
    chains = chains or possible_chains(known, order, burden, penalty, budget)
    votes, best_single = GroupVotes(known, penalty), best_single_of(known, order)
    return best_within([cascade_along(chain, votes, burden, best_single) for chain in chains], budget)


def best_within(cascades: Sequence[CascadeValue], budget: float | None) -> CascadeValue:
    """The most accurate of several cascades within a budget, the first of equals."""

    def merit(cascade: CascadeValue) -> float:
        try:
            return cascade.points[cascade.at_budget(budget)].accuracy
        except NotAvailableError:
            return 0.0

    return max(cascades, key=merit)


def possible_chains(
    known: Labelled,
    order: Sequence[int],
    burden: NDArray[np.floating],
    penalty: float,
    budget: float | None,
    *,
    votes: GroupVotes | None = None,
) -> list[tuple[int, ...]]:
    """The chains that `learn_cascade` chooses from; arguments and errors are its own."""
    if known.questions < FEWEST_LABELLED:
        raise NotAvailableError(f"needs {FEWEST_LABELLED} labelled questions; there are {known.questions}")
    if len(order) < 2:
        raise NotAvailableError("needs two LLMs to go on from one to the other")
    best_single, mean = best_single_of(known, order), _filled(burden, order).mean(axis=0)
    allowed = None if budget is None else budget * float(mean[best_single])
    return chains_of(votes or GroupVotes(known, penalty), order, mean, best_single=best_single, budget=allowed)


def best_single_of(known: Labelled, order: Sequence[int]) -> int:
    """The most accurate LLM on the labelled questions, the first of equals in `order`."""
    return max(order, key=lambda llm: int(known.labels[:, llm].sum()))


def cascade_along(
    chain: tuple[int, ...], found: GroupVotes, burden: NDArray[np.floating], best_single: int
) -> CascadeValue:
    """The cascade along a chain that has best-single in it; other arguments and errors are those of `learn_cascade`."""
    known, each = found.known, _filled(burden, [*chain, best_single])
    single = each[:, best_single]
    prices = np.array(PRICES) / max(float(single.mean()), np.finfo(float).tiny)
    opinions = None if known.opinions is None else known.opinions[:, chain]
    steps = each[:, chain]
    stretches = {
        (begin, end): frozenset(chain[begin : end + 1])
        for begin in range(len(chain))
        for end in range(begin, len(chain))
    }
    votes = {places: found.weights(llms) for places, llms in stretches.items()}
    reached = {places: Reached(*found.of(llms)[:2]) for places, llms in stretches.items()}
    fold = folds_of(known.questions)
    right, spent = np.zeros((2, len(prices), known.questions))
    for number in range(FOLDS):
        own = fold == number
        held_out = Backward(reached, opinions, steps, prices, ~own)
        right[:, own], spent[:, own] = held_out.taken(own)
    whole = Backward(reached, opinions, steps, prices, np.ones(known.questions, dtype=bool))
    means = right.mean(axis=1), spent.mean(axis=1)
    points = tuple(CascadePoint(*point) for point in zip(prices.tolist(), *(m.tolist() for m in means), strict=True))
    gain = right - known.labels[:, best_single]
    return CascadeValue(
        llms=known.llms,
        chain=chain,
        votes=votes,
        go=whole.go,
        start=whole.start,
        points=points,
        rights=right > 0,
        spent=spent,
        single=single,
        best_single=best_single,
        sure_gains=gain.mean(axis=1) - gain.std(axis=1) / np.sqrt(known.questions),
    )


def _filled(burden: NDArray[np.floating], order: Sequence[int]) -> Floats:
    each = np.asarray(burden, np.float64).copy()
    for llm in order:
        gaps = np.isnan(each[:, llm])
        if gaps.all():
            raise NotAvailableError("needs the latency or cost of every LLM of the pool")
        each[gaps, llm] = each[~gaps, llm].mean()
    return each
