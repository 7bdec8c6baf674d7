"""`cascade-value`: ask on while the learned value of asking the next LLM exceeds its price.

LLMs are asked along a chain from cheap to dear. After each the learned vote of those asked so far gives the leading
answer and its probability P. What going on is worth is learned by least squares from the end backwards (Longstaff and
Schwartz 2001, Review of Financial Studies 14:113), for a price μ of one unit of burden:

    V_M = right_M;  m = M − 1 … 1:  y = V_{m+1} − μ·burden_{m+1},  w_m = ridge(y − P_m ~ 1, P, P², P³, ℓ, ℓ·P)
    go on where x·w_m > 0;  V_m = y where on, right_m elsewhere

with ℓ the router's opinion of the next LLM. A question may start anywhere in the chain: V_j − μ·burden_j of each start
is predicted from the opinions alone. All that is read from labelled questions comes from the other folds.

L labelled questions, Q questions to answer, N LLMs of the run, M of the chain, U prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation.best_m import cross_fitted_vote
from selectllm_engine.evaluation.cascade_chain import chain_of
from selectllm_engine.evaluation.conditional_logit import FOLDS, folds_of
from selectllm_engine.evaluation.learned_vote import unpacked, vote
from selectllm_engine.evaluation.policies import NotAvailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.labelled import Labelled
    from selectllm_engine.evaluation.vote_weights import VoteWeights
    from selectllm_engine.evaluation.votes import Tally

    Floats = NDArray[np.float64]

__all__ = ["FEWEST_LABELLED", "CascadePoint", "CascadeValue", "Cascaded", "learn_cascade"]

FEWEST_LABELLED = 300
# Of what best-single costs, in accuracy; close together where cascades of about its burden are.
PRICES = (0.0, 0.003, 0.005, 0.0075, *np.geomspace(0.01, 0.4, 42).tolist(), 0.6, 1.0, 1.7, 3.0)
GO_RIDGE, START_RIDGE = 1.0, 10.0


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
        spent: float64 [U, L], each labelled question's burden at each price.
        single: float64 [L], best-single's burden.
    """

    llms: tuple[str, ...]
    chain: tuple[int, ...]
    votes: dict[tuple[int, int], VoteWeights]
    go: dict[tuple[int, int], Floats]
    start: Floats
    points: tuple[CascadePoint, ...]
    spent: Floats
    single: Floats

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
        first, last = (each[:, 0] for each in self._walk(counted, views, slice(at, at + 1)))
        asked = np.zeros((counted.questions, len(self.llms)), dtype=bool)
        code = np.zeros(counted.questions, dtype=np.int16)
        confidence = np.zeros(counted.questions)
        for place, llm in enumerate(self.chain):
            asked[:, llm] = (first <= place) & (place <= last)
        for (begin, end), weights in self.votes.items():
            own = (first == begin) & (last == end)
            voted = vote(weights, counted, self.llms, self._mask(begin, end), views)
            code[own], confidence[own] = voted.code[own], voted.confidence[own]
        return Cascaded(asked, code, confidence)

    def _mask(self, begin: int, end: int) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.llms), dtype=bool)
        mask[list(self.chain[begin : end + 1])] = True
        return mask

    def _walk(self, counted: Tally, views: Floats | None, prices: slice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last place asked of each question at each price, [Q, U]."""
        opinions = None if views is None else views[:, self.chain]
        merit = np.einsum("qx,mxu->qum", _start_features(opinions, counted.questions), self.start[:, :, prices])
        first = merit.argmax(axis=2)
        last = np.zeros_like(first)
        end = len(self.chain) - 1
        for begin in range(end + 1):
            stop = np.full(first.shape, end)
            for place in reversed(range(begin, end)):
                chance = vote(self.votes[begin, place], counted, self.llms, self._mask(begin, place), views).confidence
                on = _go_features(chance, opinions, place) @ self.go[begin, place][:, prices] > 0
                stop = np.where(on, stop, place)
            last = np.where(first == begin, stop, last)
        return first, last


class Cascaded(NamedTuple):
    """What a cascade did: `asked` bool [Q, N], `code` int16 [Q] its answers, `confidence` float64 [Q] P of them."""

    asked: NDArray[np.bool_]
    code: NDArray[np.int16]
    confidence: Floats


def learn_cascade(
    from_: Labelled,
    order: Sequence[int],
    burden: NDArray[np.floating],
    penalty: float,
    budget: float | None = 1.0,
) -> CascadeValue:
    """Learn a cascade over a pool.

    Args:
        from_: the labelled questions.
        order: the pool's LLMs from fast to slow; of equally accurate ones the first is best-single.
        burden: [L, N], seconds or dollars of each question and LLM; NaN counts as the LLM's mean.
        penalty: λ of the vote.
        budget: in multiples of best-single's burden, which the chain is chosen for; None for any.

    Raises:
        NotAvailableError: fewer than 300 labelled questions or two LLMs, or an LLM's burden is nowhere known.
    """
    if from_.questions < FEWEST_LABELLED:
        raise NotAvailableError(f"needs {FEWEST_LABELLED} labelled questions; there are {from_.questions}")
    if len(order) < 2:
        raise NotAvailableError("needs two LLMs to go on from one to the other")
    each = _filled(burden, order)
    best_single = max(order, key=lambda llm: int(from_.labels[:, llm].sum()))
    mean = each.mean(axis=0)
    allowed = None if budget is None else budget * float(mean[best_single])
    chain = chain_of(from_, order, mean, best_single=best_single, penalty=penalty, budget=allowed)
    prices = np.array(PRICES) / max(float(mean[best_single]), np.finfo(float).tiny)
    opinions = None if from_.opinions is None else from_.opinions[:, chain]
    steps = each[:, chain]
    votes, reached = _stretches(from_, chain, penalty)
    fold = folds_of(from_.questions)
    accuracy, spent = (np.zeros((from_.questions, len(prices))) for _ in range(2))
    everyone = np.ones(from_.questions, dtype=bool)
    for number in range(FOLDS):
        own = fold == number
        held_out = _Backward(reached, opinions, steps, prices, ~own)
        accuracy[own], spent[own] = held_out.taken(own)
    whole = _Backward(reached, opinions, steps, prices, everyone)
    means = accuracy.mean(axis=0), spent.mean(axis=0)
    points = tuple(CascadePoint(*point) for point in zip(prices.tolist(), *(m.tolist() for m in means), strict=True))
    return CascadeValue(
        from_.llms, chain, votes, whole.go, whole.start, points, np.ascontiguousarray(spent.T), each[:, best_single]
    )


def _filled(burden: NDArray[np.floating], order: Sequence[int]) -> Floats:
    each = np.asarray(burden, np.float64).copy()
    for llm in order:
        gaps = np.isnan(each[:, llm])
        if gaps.all():
            raise NotAvailableError("needs the latency or cost of every LLM of the pool")
        each[gaps, llm] = each[~gaps, llm].mean()
    return each


class _Reached(NamedTuple):
    """The vote of a stretch of the chain on the labelled questions, cross-fitted: right bool [L], P float64 [L]."""

    right: NDArray[np.bool_]
    chance: Floats


def _stretches(
    from_: Labelled, chain: Sequence[int], penalty: float
) -> tuple[dict[tuple[int, int], VoteWeights], dict[tuple[int, int], _Reached]]:
    """The learned vote of the LLMs at places begin..end of the chain, for every begin and end."""
    votes, reached = {}, {}
    for begin in range(len(chain)):
        for end in range(begin, len(chain)):
            columns = np.sort(np.array(chain[begin : end + 1]))
            mask = np.zeros(from_.labels.shape[1], dtype=bool)
            mask[columns] = True
            found = cross_fitted_vote(from_, mask, penalty)
            votes[begin, end] = unpacked(found.weights, from_, columns, penalty, popularity=True)
            reached[begin, end] = _Reached(found.right, found.confidence)
    return votes, reached


def _go_features(chance: Floats, opinions: Floats | None, place: int) -> Floats:
    """What going on after a place is judged by: 1, P, P², P³ and, with text, the next LLM's ℓ and ℓ·P, [Q, 4 or 6]."""
    columns = [np.ones_like(chance), chance, chance**2, chance**3]
    if opinions is not None:
        columns += [opinions[:, place + 1], opinions[:, place + 1] * chance]
    return np.stack(columns, axis=1)


def _start_features(opinions: Floats | None, questions: int) -> Floats:
    """What a start is judged by: 1 and, with text, the opinions of the chain and their mean, [Q, 1 or M + 2]."""
    ones = np.ones((questions, 1))
    return ones if opinions is None else np.hstack([ones, opinions, opinions.mean(axis=1, keepdims=True)])


def _ridge(x: Floats, y: Floats, penalty: float) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), np.float64)


class _Backward:
    """The induction from the end, learned on some questions, bool [L], and followed on all of them.

    Attributes:
        go, start: the weights, as in CascadeValue.
    """

    def __init__(
        self,
        reached: dict[tuple[int, int], _Reached],
        opinions: Floats | None,
        steps: Floats,
        prices: Floats,
        learn: NDArray[np.bool_],
    ) -> None:
        self.go: dict[tuple[int, int], Floats] = {}
        questions, length = steps.shape
        self._x = _start_features(opinions, questions)
        self._right, self._spent, values = [], [], []
        for begin in range(length):
            right = np.repeat(reached[begin, length - 1].right[:, None].astype(float), len(prices), axis=1)
            spent = np.zeros_like(right)
            for place in reversed(range(begin, length - 1)):
                stop = reached[begin, place]
                further = spent + steps[:, place + 1 : place + 2]
                x = _go_features(stop.chance, opinions, place)
                gain = right - prices * further - stop.chance[:, None]
                weights = self.go[begin, place] = _ridge(x[learn], gain[learn], GO_RIDGE)
                on = x @ weights > 0
                right = np.where(on, right, stop.right[:, None])
                spent = np.where(on, further, 0.0)
            spent += steps[:, begin : begin + 1]
            self._right.append(right)
            self._spent.append(spent)
            values.append(_ridge(self._x[learn], (right - prices * spent)[learn], START_RIDGE))
        self.start = np.stack(values)

    def taken(self, own: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Right answers and burden of the chosen start on some questions, [own, U] each."""
        first = np.einsum("qx,mxu->mqu", self._x[own], self.start).argmax(axis=0)[None]
        right, spent = (
            np.take_along_axis(np.stack([each[own] for each in values]), first, axis=0)[0]
            for values in (self._right, self._spent)
        )
        return right, spent
