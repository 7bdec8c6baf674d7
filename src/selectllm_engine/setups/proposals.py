"""Setups on trial: what each is right on and takes, with whatever it learns learned on other questions.

L labelled questions, N LLMs of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation import (
    NO_ROUTER,
    POLICIES,
    PoolView,
    Prepared,
    Selection,
    cross_fitted_among,
    cross_fitted_vote,
    folds_of,
    labelled,
    learn_cascade,
    learn_margin,
    parse_policy,
    pooled_votes,
    select,
    silent_scores,
    with_margin,
)
from selectllm_engine.llms import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import By, Labelled, PolicyInputs, RouterScores
    from selectllm_engine.setups.choice_data import ChoiceData

__all__ = ["Proposal", "Trials", "Tried", "policies_for"]

# The values of a policy's parameter that are tried: few, for the best of many is partly luck.
VALUES: dict[str, tuple[float, ...]] = {
    "cost-aware": (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8),
    "threshold": (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
    "top-m": (2, 3),
    "cascade": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
}
# An expectation; two whose forests learn from validation alone; a vote of a pool that is tried by itself; and one that
# is tried by itself, once.
NOT_TRIED = ("random", "prediction", "sorted-prediction", "vote:auto", "cascade-value")
REMEMBERED = 10  # LLMs of whose subsets each vote is remembered; of more, KEPT that are asked at once
KEPT = 4


class Proposal(NamedTuple):
    """What is tried; names as in `Setup`, LLMs by their places in the run."""

    pool: tuple[int, ...]
    router: str | None = None
    policy: str | None = None
    vote: str = "equal"
    k: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """How a proposal did on the labelled questions.

    Attributes:
        right: bool [L], each question with what the others teach.
        latency, cost: mean seconds and dollars per question, NaN where unknown.
        latency_error, cost_error: their standard errors.
        llms: mean number of LLMs asked.
    """

    right: NDArray[np.bool_]
    latency: float
    cost: float
    latency_error: float
    cost_error: float
    llms: float


def policies_for(llms: int, *, by: By | None = None) -> Iterator[tuple[str, bool]]:
    """The policies to try on a pool of that many LLMs, and whether each asks a router; `by` of one that looks at it."""
    for name, info in POLICIES.items():
        if name in NOT_TRIED:
            continue
        values: Sequence[float | None] = (None,)
        if info.symbol is not None:
            values = VALUES.get(name) or info.grid(llms)[:: max(1, len(info.grid(llms)) // 5)]
        for value in values:
            if name == "top-m" and value is not None and value >= llms:
                continue  # all of them
            looking = f":{by}" if by in info.options else ""
            yield name if value is None else f"{name}:{value:g}{looking}", info.asks_router


class Trials:
    """Tries proposals on labelled questions, over their first k samples.

    Args:
        data: the questions and routers.
        k: how many samples vote; None for all.
        penalty: λ of learned votes; None where none can be learned.
    """

    def __init__(self, data: ChoiceData, k: int | None = None, penalty: float | None = None) -> None:
        self.prepared = Prepared(data.outcomes, k)
        self.llms = data.outcomes.llms
        self._data = data
        self._k = k
        self._penalty = penalty
        self._scores = {each.name: each for each in (silent_scores(self.prepared.labels), *data.routers)}
        self._votes: dict[int, NDArray[np.bool_]] = {}
        self._learned: dict[tuple[int, ...], NDArray[np.bool_]] = {}
        self._views: dict[tuple[int, ...], PoolView] = {}
        self._known: Labelled | None = None
        self._bits = 1 << np.arange(len(self.llms), dtype=np.int64)
        self._fold = folds_of(self.prepared.questions)

    @property
    def votes(self) -> bool:
        """Whether there are answers to vote with."""
        return self.prepared.outcomes.answers is not None

    @property
    def learns(self) -> bool:
        """Whether votes can be learned."""
        return self._penalty is not None and self.votes

    def first(self, k: int) -> Trials:
        """The same over fewer samples."""
        return Trials(self._data, k, self._penalty)

    def on(self, proposal: Proposal) -> Tried:
        """How a proposal does; raises NotAvailableError where the data can't say."""
        view = self.view(proposal.pool)
        if proposal.policy is None:
            if len(proposal.pool) == 1:
                return self._taken(view, view.one(proposal.pool[0]), self.prepared.labels[:, proposal.pool[0]])
            everyone = Selection(
                len(self.llms), several=np.broadcast_to(view.mask, self.prepared.labels.shape), alike=True
            )
            right = self._vote_of(proposal.pool) if proposal.vote == "learned" else self._pooled(everyone)
            return self._taken(view, everyone, right)
        spec = parse_policy(proposal.policy)
        scores = self._scores[proposal.router or NO_ROUTER]
        selection = self._margin(view, scores) if spec.name == "margin" else select(spec, self._inputs(view, scores))
        if selection.choice is not None:
            return self._taken(view, selection, self.prepared.labels[self.prepared.positions, selection.choice])
        if proposal.vote == "learned":
            return self._taken(view, selection, self._weighed(view, selection, scores))
        return self._taken(view, selection, self._pooled(selection))

    def _inputs(self, view: PoolView, scores: RouterScores) -> PolicyInputs:
        """What a policy may look at; a view over all labelled questions has no validation that would choose."""
        chosen = self._data.by_question
        return replace(
            view.inputs(scores), by_question=lambda by: view.expecting(by, better=(scores.name, by) in chosen)
        )

    def view(self, pool: tuple[int, ...]) -> PoolView:
        """A pool over the labelled questions."""
        if pool not in self._views:
            self._views[pool] = PoolView(self.prepared, Pool.of(self.llms, [self.llms[llm] for llm in pool]))
        return self._views[pool]

    def cascade(self, pool: tuple[int, ...], budget: float | None, by: By) -> Tried:
        """Policy `cascade-value` without a router, within a budget in multiples of best-single's burden.

        Its chain is chosen, and its price, on all labelled questions; what it learns beyond that is from other folds.
        """
        if self._penalty is None:
            raise NotAvailableError("needs a vote that can be learned")
        view = self.view(pool)
        burdens = {"latency": self.prepared.latency, "cost": self.prepared.cost}
        found = learn_cascade(self.known, view.order.tolist(), burdens[by], self._penalty, budget)
        at = found.at_budget(budget)
        if not found.pays(at, budget):
            raise NotAvailableError("no gain is certain enough")
        assert self.prepared.tally is not None  # noqa: S101 - there is a vote to learn
        asked = found.answer(self.prepared.tally, None, at).asked
        return self._taken(view, Selection(len(self.llms), several=asked), found.rights[at])

    @property
    def known(self) -> Labelled:
        """The labelled questions as votes learn from them, without opinions."""
        if self._known is None:
            self._known = labelled(self.prepared.outcomes, None)
        return self._known

    def _pooled(self, selection: Selection) -> NDArray[np.bool_]:
        """Whether an equal vote of those asked is right; the few sets of LLMs that are asked often are remembered."""
        counted = self.prepared.tally
        if counted is None:
            raise NotAvailableError("needs votes; this benchmark has labels only")
        several = np.asarray(selection.several)
        gold = self.prepared.outcomes.gold
        sets, own = np.unique((several[:1] if selection.alike else several) @ self._bits, return_inverse=True)
        missing = [each for each in sets.tolist() if each not in self._votes]
        if len(missing) > KEPT and len(self.llms) > REMEMBERED:
            return np.asarray(pooled_votes(counted, several).code == gold)
        for each in missing:
            mask = (each & self._bits) > 0
            self._votes[each] = pooled_votes(counted, mask).code == gold
        if selection.alike:
            return self._votes[int(sets[0])]
        right = np.zeros(len(gold), dtype=bool)
        for place, each in enumerate(sets.tolist()):
            at = own == place
            right[at] = self._votes[each][at]
        return right

    def _vote_of(self, pool: tuple[int, ...]) -> NDArray[np.bool_]:
        """Whether the learned vote of a whole pool is right, learned on the other folds."""
        if self._penalty is None:
            raise NotAvailableError("no vote can be learned")
        if pool not in self._learned:
            mask = np.isin(np.arange(len(self.llms)), pool)
            self._learned[pool] = cross_fitted_vote(self.known, mask, self._penalty).right
        return self._learned[pool]

    def _weighed(self, view: PoolView, selection: Selection, scores: RouterScores) -> NDArray[np.bool_]:
        """Whether the learned vote of those that a policy asks is right, learned on the other folds."""
        if self._penalty is None:
            raise NotAvailableError("no vote can be learned")
        known = labelled(self.prepared.outcomes, None, (scores.probabilities, None))
        several = np.asarray(selection.several)
        code = cross_fitted_among(known, view.mask, several, self._penalty)
        alone = several.sum(axis=1) == 1
        own = (several & self.prepared.labels).any(axis=1)
        return np.where(alone, own, code == self.prepared.outcomes.gold)

    def _margin(self, view: PoolView, scores: RouterScores) -> Selection:
        """Policy `margin`, with the margin learned on the other folds."""
        choice = np.full(self.prepared.questions, view.best_single)
        for each in range(self._fold.max() + 1):
            own = self._fold == each
            others = np.asfortranarray(scores.probabilities[~own]), self.prepared.labels[~own]
            found = learn_margin(*others, view.order, view.best_single)
            choice[own] = with_margin(scores.probabilities[own], view.order, view.best_single, found).choice
        return Selection(len(self.llms), choice=choice)

    def _taken(self, view: PoolView, selection: Selection, right: NDArray[np.bool_]) -> Tried:
        """What a selection takes, beside what it is right on."""
        if selection.choice is not None:
            chosen = self.prepared.positions * len(self.llms) + selection.choice
            spent = [None if each is None else each.ravel()[chosen].astype(np.float64) for each in self._burdens]
            llms = 1.0
        else:
            several = np.asarray(selection.several)[:, view.order]
            spent = [
                None if each is None else np.where(several, each[:, view.order], 0).sum(axis=1, dtype=np.float64)
                for each in self._burdens
            ]
            llms = float(several.sum(axis=1).mean())
        (latency, latency_error), (cost, cost_error) = [_mean_of(each) for each in spent]
        return Tried(right, latency, cost, latency_error, cost_error, llms)

    @cached_property
    def _burdens(self) -> list[NDArray[np.float32] | None]:
        """Seconds and dollars, [L, N]; None where not one is known."""
        both = (self.prepared.latency, self.prepared.cost)
        return [None if np.isnan(each).all() else np.ascontiguousarray(each) for each in both]


def _mean_of(spent: NDArray[np.float64] | None) -> tuple[float, float]:
    """A mean and its standard error; NaN where nothing is known."""
    if spent is None:
        return np.nan, np.nan
    mean = float(spent.sum()) / len(spent)
    off = spent - mean
    return mean, float(np.sqrt(off @ off)) / len(spent)
