"""Choosing among tried proposals, and what the chosen one may be expected to do on questions that didn't choose it.

The best of thousands is partly luck. So the choice follows the one-standard-error rule (Breiman and others 1984), and
its accuracy is estimated by choosing again without a fifth of the questions at a time, and looking at that fifth.
C proposals, L labelled questions.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import pareto_front

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import By
    from selectllm_engine.setups.proposals import Proposal, Tried

__all__ = ["LOSS", "Outlook", "Prefer", "TriedSetups", "Wish", "choose", "expected", "front", "most_accurate"]

Prefer: TypeAlias = Literal["accuracy", "latency", "cost"]
PREFERENCES: tuple[Prefer, ...] = ("accuracy", "latency", "cost")
FOLDS, REPEATS = 5, 4
STEP = 1.1  # between two limits of a front
LOSS = 0.01  # of accuracy: what is worse by less is as accurate


@dataclass(frozen=True, slots=True)
class Wish:
    """What a setup must do, and what is best of all that do.

    Attributes:
        max_latency, max_cost: mean seconds and dollars per question, which a standard error may not exceed either.
        min_accuracy: share of questions answered right.
        max_llms: how many LLMs its pool may have.
        prefer: "accuracy"; or "latency" or "cost" among what is as accurate as best-single, or has `min_accuracy`.

    Raises:
        UsageError: a value that can't be.
    """

    max_latency: float | None = None
    max_cost: float | None = None
    min_accuracy: float | None = None
    max_llms: int | None = None
    prefer: Prefer = "accuracy"

    def __post_init__(self) -> None:
        for name in ("max_latency", "max_cost"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} is {value}", "take a number above 0")
        if self.min_accuracy is not None and not 0 < self.min_accuracy <= 1:
            raise UsageError(f"min_accuracy is {self.min_accuracy}", "take a share, above 0 and at most 1")
        if self.max_llms is not None and self.max_llms < 1:
            raise UsageError(f"max_llms is {self.max_llms}", "take 1 or more")
        if self.prefer not in PREFERENCES:
            raise UsageError(f"prefer is {self.prefer!r}", f"choose from {', '.join(PREFERENCES)}")


class TriedSetups:
    """Tried proposals as arrays, the simplest first.

    Simpler is: fewer LLMs, a router and a learned vote counting as one each; then fewer samples; then faster; cheaper.

    Args:
        tried: the proposals, LLMs by themselves among them.
        wish: whose limits rule out what exceeds them.

    Attributes:
        proposals: C of them.
        right: bool [C, L].
        latency, cost: float64 [C]; NaN where unknown.
        single: bool [C], LLMs that answer alone over all samples.
        allowed: bool [C], within the limits, but for accuracy's.
    """

    def __init__(self, tried: Sequence[tuple[Proposal, Tried]], wish: Wish) -> None:
        def simplicity(each: tuple[Proposal, Tried]) -> tuple[int, float, float, float]:
            proposal, done = each
            parts = len(proposal.pool) + (proposal.router is not None) + (proposal.vote == "learned")
            return parts, proposal.k or np.inf, np.nan_to_num(done.latency), np.nan_to_num(done.cost)

        ordered = sorted(tried, key=simplicity)
        self.wish = wish
        self.proposals = [proposal for proposal, _ in ordered]
        self.tried = [done for _, done in ordered]
        self.right = np.array([done.right for done in self.tried])
        self.latency, self.cost = (np.array([getattr(done, name) for done in self.tried]) for name in BURDENS)
        self.single = np.array([len(p.pool) == 1 and p.k is None for p in self.proposals])
        self.allowed = np.ones(len(ordered), dtype=bool)
        for name, limit in zip(BURDENS, (wish.max_latency, wish.max_cost), strict=True):
            if limit is not None:
                most = [getattr(done, name) + getattr(done, f"{name}_error") for done in self.tried]
                self.allowed &= np.array(most) <= limit  # what is unknown is not within it
        if wish.max_llms is not None:
            self.allowed &= np.array([len(p.pool) <= wish.max_llms for p in self.proposals])

    def narrowed(self, allowed: NDArray[np.bool_]) -> TriedSetups:
        """The same with fewer that are allowed, of which the most accurate is looked for."""
        field = copy(self)
        field.allowed = self.allowed & allowed
        field.wish = replace(self.wish, prefer="accuracy")
        return field


BURDENS = ("latency", "cost")


class _Counted(NamedTuple):
    """How many of some questions, n, each proposal gets right [C], and with which of these it is compared."""

    counts: NDArray[np.intp]
    questions: NDArray[np.intp]
    field: TriedSetups

    def behind(self, other: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """By how much each is less accurate than another, and the standard error of that paired difference, [C]."""
        n, right = len(self.questions), self.field.right
        shared = np.count_nonzero(right[:, self.questions[right[other, self.questions]]], axis=1)
        mean = (self.counts[other] - self.counts) / n
        discordant = (self.counts[other] + self.counts - 2 * shared) / n
        return mean, np.sqrt(np.maximum(discordant - mean**2, 0.0) / n)


def choose(field: TriedSetups, questions: NDArray[np.intp] | None = None) -> tuple[int, int]:
    """The proposal that the wish is best met by, and best-single, as some questions show them; by default all.

    Preferring accuracy: the simplest that is within one standard error (of the paired difference) of the most accurate,
    and not less accurate than the best LLM alone that is allowed. Preferring seconds or dollars: what takes the least
    of those that are as accurate as best-single by one standard error, or that have the accuracy wished for.
    """
    questions = np.arange(field.right.shape[1]) if questions is None else questions
    counts = np.count_nonzero(field.right[:, questions], axis=1)
    found = _Counted(counts, questions, field)
    best_single = _most(counts, field.single)
    fits = field.allowed
    if field.wish.min_accuracy is not None:
        accurate = fits & (counts >= field.wish.min_accuracy * len(questions))
        fits = accurate if accurate.any() else fits  # without the others' questions it may just miss it
    best = _most(counts, fits)
    if field.wish.prefer == "accuracy":
        behind, error = found.behind(best)
        close = fits & (behind <= error)
        if (field.single & fits).any():
            close &= counts >= counts[_most(counts, field.single & fits)]
        return int(np.argmax(close)), best_single
    close = fits
    if field.wish.min_accuracy is None:
        behind, error = found.behind(best_single)
        close = fits & (behind + error <= LOSS)
        close[best_single] = fits[best_single]
    if not close.any():
        return best, best_single
    burden = field.latency if field.wish.prefer == "latency" else field.cost
    return int(np.argmin(np.where(close, np.nan_to_num(burden, nan=np.inf), np.inf))), best_single


def most_accurate(field: TriedSetups, questions: NDArray[np.intp] | None = None) -> tuple[int, int]:
    """The most accurate proposal that is allowed, and best-single, as some questions show them; by default all."""
    right = field.right if questions is None else field.right[:, questions]
    counts = np.count_nonzero(right, axis=1)
    return _most(counts, field.allowed), _most(counts, field.single)


def _most(counts: NDArray[np.intp], among: NDArray[np.bool_]) -> int:
    """The first of those with the largest count."""
    return int(np.argmax(np.where(among, counts, -1)))


def front(field: TriedSetups, by: By) -> list[int]:
    """What is chosen within ever larger limits on seconds or dollars, each more accurate than those that take less.

    The limits are what the proposals take that no other beats in accuracy and in that, `STEP` apart.
    """
    limits = np.array([getattr(done, by) + getattr(done, f"{by}_error") for done in field.tried])
    accuracy = field.right.mean(axis=1)
    allowed = np.flatnonzero(field.allowed & (limits < np.inf))
    tried = pareto_front(list(zip(limits[allowed].tolist(), accuracy[allowed].tolist(), strict=True)))
    chosen, limit = [], np.inf
    for each in limits[allowed[tried[::-1]]]:
        if each <= limit / STEP:
            limit = each
            chosen.append(choose(field.narrowed(limits <= each))[0])
    kept: list[int] = []
    for place in sorted(dict.fromkeys(chosen), key=getattr(field, by).__getitem__):
        if not kept or accuracy[place] > accuracy[kept[-1]]:
            kept.append(place)
    return kept


class Outlook(NamedTuple):
    """What a choice does on questions that took no part in it: counts of questions, means over the repeats.

    Attributes:
        both, only_chosen, only_single, neither: who is right, the chosen one or best-single, which is chosen anew too.
    """

    both: float
    only_chosen: float
    only_single: float
    neither: float

    @property
    def questions(self) -> float:
        """L."""
        return sum(self)

    @property
    def accuracy(self) -> float:
        """Of the chosen."""
        return (self.both + self.only_chosen) / self.questions

    @property
    def delta(self) -> float:
        """The chosen one's accuracy less best-single's."""
        return (self.only_chosen - self.only_single) / self.questions

    @property
    def discordant(self) -> float:
        """The share of questions on which exactly one of the two is right."""
        return (self.only_chosen + self.only_single) / self.questions

    @property
    def error(self) -> float:
        """The standard error of `delta`."""
        return float(np.sqrt(max(self.discordant - self.delta**2, 0.0) / self.questions))


def expected(
    field: TriedSetups,
    choice: Callable[[TriedSetups, NDArray[np.intp]], tuple[int, int]] = choose,
    *,
    repeats: int = REPEATS,
) -> Outlook:
    """Choose anew without a fifth of the questions at a time, and see how the choice does on that fifth."""
    questions = field.right.shape[1]
    counts = np.zeros((2, 2))
    for repeat in range(repeats):
        fold = np.random.default_rng(repeat).permutation(questions) % FOLDS
        for each in range(FOLDS):
            chosen, single = choice(field, np.flatnonzero(fold != each))
            own = fold == each
            right, alone = field.right[chosen, own].astype(int), field.right[single, own].astype(int)
            np.add.at(counts, (right, alone), 1 / repeats)
    (neither, only_single), (only_chosen, both) = counts.tolist()
    return Outlook(both, only_chosen, only_single, neither)
