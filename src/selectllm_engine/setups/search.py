"""Which proposals are tried: pools × routers × policies × values × votes, then fewer samples for the best of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation import POLICIES, parse_policy
from selectllm_engine.setups.proposals import Proposal, Trials, policies_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from selectllm_engine.evaluation import By
    from selectllm_engine.setups.choice import Wish
    from selectllm_engine.setups.choice_data import ChoiceData
    from selectllm_engine.setups.proposals import Tried

    Found: TypeAlias = dict[Proposal, Tried]
    Progress: TypeAlias = Callable[[str, int, int], None]  # what is being done, how much of it is, of how much

__all__ = ["MANY", "Search"]

MANY = 2000
BEST = 400  # proposals that are confirmed, and that are tried with fewer samples
MOST = 6000  # proposals that are kept, of each size of a pool and in all
WEIGHED = 12  # that are tried with a learned vote of those that a policy asks
EXHAUSTIVE = 6  # LLMs of which all pools are tried; of more, forward selection:
FEW, WIDE, NARROW = 10, 12, 3  # pools of a size that grow: so many of up to FEW LLMs, so many of more
LARGEST, PATIENCE = 8, 2  # LLMs of a pool that grew, steps without gain
FEWER = (1, 3, 5, 10, 20)  # samples


class Search:
    """What there is to try on some data, wish after wish: what was tried for one is there for the next.

    Whatever ends it in the middle, such as a `progress` that raises, it goes on where it was.

    Args:
        data: the labelled questions.
        penalty: λ of learned votes; None where none can be learned.
        many: questions: of more, so many are searched on, and all confirm the best.
    """

    def __init__(self, data: ChoiceData, penalty: float | None, *, many: int = MANY) -> None:
        count = len(data.outcomes.labels)
        self._data = data
        self._whole = self._first = Trials(data, penalty=penalty)
        if count > many:
            rows = np.sort(np.random.default_rng(0).choice(count, many, replace=False))
            self._first = Trials(data.rows(rows), penalty=penalty)
        self._over: dict[int, Trials] = {}  # fewer samples
        self._broad: dict[By | None, _Broad] = {}
        self._known: Found = {}  # on all questions, but for those of `_broad`

    def within(self, wish: Wish, progress: Progress) -> Found:
        """Try what there is to try within a wish's limits.

        Args:
            wish: more LLMs than it allows aren't tried, nor are its limits on seconds and dollars by policies that have
                no use for them.
            progress: told what is done.
        """
        found = self._every(wish, progress)
        if self._first is not self._whole:
            best, found = _best(found, BEST), {}
            for place, proposal in enumerate(best):
                self._attempt(found, proposal)
                progress("confirming on all questions", place + 1, len(best))
        self._cascades(found, wish, progress)
        self._weighed(found)
        self._fewer(found, progress)
        return found

    def one_sample(self, proposal: Proposal) -> Tried | None:
        """How a proposal does over one sample of each LLM; None where the data can't say."""
        found: Found = {}
        self._attempt(found, proposal._replace(k=1))
        return next(iter(found.values()), None)

    def _attempt(self, found: Found, proposal: Proposal) -> None:
        """Try a proposal on all questions, where that was not done before."""
        if proposal not in self._known:
            trials = self._whole if proposal.k is None else self._over_first(proposal.k)
            try:
                self._known[proposal] = trials.on(proposal)
            except NotAvailableError:
                return
        found[proposal] = self._known[proposal]

    def _over_first(self, k: int) -> Trials:
        if k not in self._over:
            self._over[k] = self._whole.first(k)
        return self._over[k]

    def _every(self, wish: Wish, progress: Progress) -> Found:
        """All pools that the wish allows, with all routers and policies."""
        trials = self._first
        by: By | None = "cost" if wish.max_cost is not None or wish.prefer == "cost" else None
        if by not in self._broad:
            self._broad[by] = _Broad(sorted(_pools(trials, self._data, progress), key=len))
        broad, routers = self._broad[by], [each.name for each in self._data.routers]
        most = wish.max_llms or len(trials.llms)
        wanted = sum(len(pool) <= most for pool in broad.pools)
        while broad.done < wanted:
            pool = broad.pools[broad.done]
            of_size = broad.found.setdefault(len(pool), {})
            for proposal in _of_pool(pool, trials, routers, by):
                try:
                    of_size[proposal] = trials.on(proposal)
                except NotAvailableError:
                    continue
            if len(of_size) > 2 * MOST:
                broad.found[len(pool)] = {proposal: of_size[proposal] for proposal in _best(of_size, MOST)}
            broad.done += 1
            progress("trying setups", broad.done, wanted)
        found = {p: tried for size, each in broad.found.items() if size <= most for p, tried in each.items()}
        return found if len(found) <= 2 * MOST else {proposal: found[proposal] for proposal in _best(found, MOST)}

    # What is tried for the best alone

    def _cascades(self, found: Found, wish: Wish, progress: Progress) -> None:
        """Policy `cascade-value` over all LLMs, within the wish's limit if it has one, else at two budgets."""
        trials = self._whole
        everyone = tuple(range(len(trials.llms)))
        if not trials.learns or (wish.max_llms or len(everyone)) < len(everyone):
            return
        by: By = "cost" if wish.max_cost is not None or wish.prefer == "cost" else "latency"
        limit = wish.max_cost if by == "cost" else wish.max_latency
        means = trials.prepared.mean_cost if by == "cost" else trials.prepared.mean_latency
        single = float(means[int(np.argmax(trials.prepared.right))])
        budgets: list[float | None] = [1.0, None]
        if limit is not None and single > 0:
            budgets = [float(np.floor(100 * np.clip(limit / single, 0.25, 4)) / 100)]
        for place, budget in enumerate(budgets):
            value = "max" if budget is None else f"{budget:g}"
            proposal = Proposal(everyone, None, f"cascade-value:{value}{':cost' if by == 'cost' else ''}")
            if proposal not in self._known:
                try:
                    self._known[proposal] = trials.cascade(everyone, budget, by)
                except NotAvailableError:
                    continue
            found[proposal] = self._known[proposal]
            progress("learning cascades", place + 1, len(budgets))

    def _weighed(self, found: Found) -> None:
        """The learned vote of those that a policy asks, for the best policies that ask several."""
        if not self._whole.learns:
            return
        several = [each for each in _best(found, BEST) if each.policy is not None and _votes_equally(each.policy)]
        for proposal in several[:WEIGHED]:
            self._attempt(found, proposal._replace(vote="learned"))

    def _fewer(self, found: Found, progress: Progress) -> None:
        """The best over fewer samples."""
        best = [p for p in _best(found, BEST) if p.policy is None or not p.policy.startswith("cascade-value")]
        fewer = [k for k in FEWER if k < self._whole.prepared.samples]
        for place, k in enumerate(fewer):
            for proposal in best:
                self._attempt(found, proposal._replace(k=k))
            progress("trying fewer samples", place + 1, len(fewer))


@dataclass
class _Broad:
    """The pools to try, small ones first, how many of them were tried, and what is kept of that by a pool's size."""

    pools: list[tuple[int, ...]]
    done: int = 0
    found: dict[int, Found] = field(default_factory=dict)


def _of_pool(pool: tuple[int, ...], trials: Trials, routers: Sequence[str], by: By | None) -> Iterator[Proposal]:
    yield Proposal(pool)
    if len(pool) == 1:
        return
    if trials.learns:
        yield Proposal(pool, vote="learned")
    for policy, asks in policies_for(len(pool), by=by):
        for router in routers if asks else [None]:
            yield Proposal(pool, router, policy)


def _attempt(found: Found, trials: Trials, proposal: Proposal) -> None:
    try:
        found[proposal] = trials.on(proposal)
    except NotAvailableError:
        return


def _best(found: Found, most: int) -> list[Proposal]:
    """LLMs by themselves, what nothing beats in both accuracy and seconds or dollars, and the most accurate others."""
    ranked = sorted(found, key=lambda proposal: -np.count_nonzero(found[proposal].right))
    kept = dict.fromkeys(proposal for proposal in ranked if len(proposal.pool) == 1)
    for name in ("latency", "cost"):
        least = np.inf
        for proposal in ranked:
            if getattr(found[proposal], name) < least:  # never where it is unknown
                least = getattr(found[proposal], name)
                kept[proposal] = None
    return list(dict.fromkeys([*kept, *ranked[:most]]))


# Pools


def _pools(trials: Trials, data: ChoiceData, progress: Progress) -> Iterable[tuple[int, ...]]:
    llms = range(len(trials.llms))
    if len(llms) <= EXHAUSTIVE:
        return [pool for size in range(1, len(llms) + 1) for pool in combinations(llms, size)]
    return _forward(trials, data, progress)


def _forward(trials: Trials, data: ChoiceData, progress: Progress) -> list[tuple[int, ...]]:
    """Pools that grow by one LLM at a time, the best few of a size, on past steps that gain nothing.

    Once by accuracy, of the pooled vote or the best router's argmax, and once by that less a fifth of the seconds, as a
    share of the slowest LLM's: what is cheap together isn't found by accuracy.
    """
    seconds = np.nan_to_num(trials.prepared.mean_latency)
    price = 0.2 / max(float(seconds.max()), 1e-9)
    width = WIDE if len(trials.llms) <= FEW else NARROW
    scored: dict[tuple[int, ...], tuple[float, float]] = {}

    def score(pool: tuple[int, ...]) -> tuple[float, float]:
        if pool not in scored:
            tried: Found = {}
            for proposal in (Proposal(pool), *(Proposal(pool, each.name, "argmax") for each in data.routers)):
                _attempt(tried, trials, proposal)
            merits = [(float(each.right.mean()), np.nan_to_num(each.latency)) for each in tried.values()]
            scored[pool] = (
                max((right for right, _ in merits), default=0.0),
                max((right - price * spent for right, spent in merits), default=-1.0),
            )
        return scored[pool]

    singles: list[tuple[int, ...]] = [(llm,) for llm in range(len(trials.llms))]
    grown = dict.fromkeys(singles)
    for goal in (0, 1):
        beam, best, idle = sorted(singles, key=lambda pool: -score(pool)[goal])[:width], -1.0, 0
        for size in range(2, LARGEST + 1):
            larger = {
                tuple(sorted({*pool, llm})) for pool in beam for llm in range(len(trials.llms)) if llm not in pool
            }
            beam = sorted(sorted(larger), key=lambda pool: -score(pool)[goal])[:width]
            grown |= dict.fromkeys(beam)
            idle = 0 if score(beam[0])[goal] > best else idle + 1
            best = max(best, score(beam[0])[goal])
            progress("looking for pools", goal * LARGEST + size, 2 * LARGEST)
            if idle >= PATIENCE:
                break
    return list(grown)


def _votes_equally(policy: str) -> bool:
    """Whether the LLMs that a policy asks at once have equal votes, unless the setup says otherwise."""
    info = POLICIES[parse_policy(policy).name]
    return info.several and not info.stops_early and not info.learned
