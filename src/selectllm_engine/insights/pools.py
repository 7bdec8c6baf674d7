"""Which LLMs to put together: subsets of a pool with their oracle, pooled vote and latency.

All subsets of up to 12 LLMs; beyond that a beam: the best few subsets of one size, each extended by one LLM. Subsets
are ranked on validation, with the evaluated split shown beside it: the best of thousands on one split is partly luck.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.evaluation import (
    EQUAL,
    LEARNED,
    Learner,
    PolicySpec,
    PoolView,
    entries_by_llm,
    html_table,
    known,
    pareto_front,
    percent,
    vote,
)
from selectllm_engine.llms import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import Prepared, RouterScores, Row, VoteRule

__all__ = ["EXHAUSTIVE", "Subset", "SubsetFigures", "Subsets", "find_subsets"]

EXHAUSTIVE = 12  # LLMs of which all subsets are looked at
WIDTH = 16  # subsets of one size that the beam keeps
LARGEST = 10  # LLMs in the beam's largest subset
VOTED_EXHAUSTIVE, VOTED_WIDTH = 7, 2  # the same where weights are learned anew for every subset


@dataclass(frozen=True, slots=True)
class SubsetFigures:
    """What a subset gives on one split.

    Attributes:
        oracle: share of questions that one of its LLMs solves.
        pooled: accuracy of one vote over all its samples; None for several LLMs with labels only.
        latency, cost: mean seconds and dollars per question, added up; None where unknown.
        latency_parallel: mean seconds of the slowest.
    """

    oracle: float
    pooled: float | None
    latency: float | None
    latency_parallel: float | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Subset:
    """A subset of the pool.

    Attributes:
        llms: its names, in run order.
        validation: figures it is ranked by; None without a validation split.
        figures: on the evaluated split.
        rank: 1 is the best.
        front: no other subset is both as accurate and as fast (as small where some LLM's latency is unknown) on the
            split that ranks.
        routers: rows of the routers over this subset, if it is on the front.
    """

    llms: tuple[str, ...]
    validation: SubsetFigures | None
    figures: SubsetFigures
    rank: int
    front: bool
    routers: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Subsets:
    """Subsets, best first.

    Attributes:
        benchmark, split: what `figures` are over.
        subsets: ranked by pooled accuracy (by the oracle with labels only), ties: faster, then fewer LLMs.
        exhaustive: all subsets were looked at.
        ranked_by: "pooled" or "oracle".
        vote: the vote rule of the pooled votes: "equal", "learned" or a file's name.
        notes: what to know about the ranking.
    """

    benchmark: str
    split: str
    subsets: tuple[Subset, ...]
    exhaustive: bool
    ranked_by: str
    vote: str = "equal"
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Subsets of {self.benchmark} · {self.split}: {len(self.subsets)}, ranked by {self.ranked_by}>"

    def _repr_html_(self) -> str:
        """How a notebook shows it: the Pareto front, fast to slow."""
        rows = (
            [
                ", ".join(each.llms),
                str(each.rank),
                None if each.figures.pooled is None else percent(each.figures.pooled),
                percent(each.figures.oracle),
                None if each.figures.latency is None else f"{each.figures.latency:.2f}",
            ]
            for each in self.front()
        )
        heads = ["front", "rank", "pooled %", "oracle %", "latency s"]
        return html_table(f"{len(self.subsets)} pools of {self.benchmark} · {self.split}", heads, [rows])

    def front(self) -> tuple[Subset, ...]:
        """The Pareto front, fast to slow; small to large where some LLM's latency is unknown."""
        ranking = {subset: subset.validation or subset.figures for subset in self.subsets}
        timed = _timed(ranking.values())
        chosen = [subset for subset in self.subsets if subset.front]
        return tuple(sorted(chosen, key=lambda subset: _burden(ranking[subset], len(subset.llms), timed=timed)))


class _State(NamedTuple):
    """What is known of a subset; LLMs are added in run order.

    Attributes:
        score: int64 [cells], votes · span − first sample, 0 without votes; None with labels only.
        solved: bool [Q].
        slowest: float32 [Q], seconds.
    """

    score: NDArray[np.int64] | None
    solved: NDArray[np.bool_]
    slowest: NDArray[np.float32]


class _Scorer:
    """Figures of subsets on one split."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.tally = prepared.tally
        # NaN where any question's is unknown
        self.seconds = prepared.latency.mean(axis=0, dtype=np.float64)
        self.dollars = prepared.cost.mean(axis=0, dtype=np.float64)
        if self.tally is not None:
            self.entries = entries_by_llm(self.tally)
            gold = prepared.outcomes.gold[self.tally.voted][self.tally.candidate_question]
            self.gold_candidate = np.flatnonzero(self.tally.candidate_code == gold)
            self.gold_question = self.tally.candidate_question[self.gold_candidate]

    def start(self) -> _State:
        """No LLM yet."""
        score = None if self.tally is None else np.zeros(len(self.tally.candidate_code), dtype=np.int64)
        questions = self.prepared.questions
        return _State(score, np.zeros(questions, dtype=bool), np.zeros(questions, dtype=np.float32))

    def add(self, state: _State, llm: int) -> _State:
        """One LLM more, after all those before it in run order: it is first to give an answer only where none did."""
        score = None
        if state.score is not None and self.tally is not None:
            cells, count, first = self.entries[llm]
            score = state.score.copy()
            before = score[cells]
            score[cells] = before + count.astype(np.int64) * self.tally.span - np.where(before > 0, 0, first)
        solved = state.solved | self.prepared.labels[:, llm]
        return _State(score, solved, np.maximum(state.slowest, self.prepared.latency[:, llm]))

    def of(self, llms: Sequence[int]) -> SubsetFigures:
        """The figures of LLMs in run order."""
        state = self.start()
        for llm in llms:
            state = self.add(state, llm)
        return self.figures(state, llms)

    def figures(self, state: _State, llms: Sequence[int]) -> SubsetFigures:
        """The figures of the subset that a state stands for."""
        parallel = known(state.slowest.mean(dtype=np.float64))
        return SubsetFigures(
            oracle=float(np.count_nonzero(state.solved) / len(state.solved)),
            pooled=float(self.prepared.labels[:, llms[0]].mean()) if len(llms) == 1 else self._pooled(state.score),
            latency=known(self.seconds[list(llms)].sum()),
            latency_parallel=parallel,
            cost=known(self.dollars[list(llms)].sum()),
        )

    def _pooled(self, score: NDArray[np.int64] | None) -> float | None:
        if score is None or self.tally is None:
            return None
        if not len(score):
            return 0.0
        # No two answers of a question score the same, so gold wins exactly where its score is the highest.
        highest = np.maximum.reduceat(score, self.tally.first_candidate)
        gold = score[self.gold_candidate]
        won = (gold > 0) & (gold == highest[self.gold_question])
        return float(np.count_nonzero(won) / self.prepared.questions)


class _VotedScorer(_Scorer):
    """The same under another vote rule than equal votes; learned weights are those of the subset."""

    def __init__(self, prepared: Prepared, llms: Sequence[str], rule: VoteRule, learner: Learner) -> None:
        super().__init__(prepared)
        self._llms = llms
        self._rule = rule
        self._learner = learner

    def figures(self, state: _State, llms: Sequence[int]) -> SubsetFigures:
        """The figures of the subset that a state stands for."""
        found = super().figures(state, llms)
        mask = np.isin(np.arange(len(self._llms)), llms)
        weights = self._rule.weights or self._learner.of().weights(mask)
        known = weights.match([self._llms[llm] for llm in llms]).known
        if len(llms) == 1 or self.tally is None or not known:
            return found
        done = vote(weights, self.tally, self._llms, mask)
        return replace(found, pooled=float((done.code == self.prepared.outcomes.gold).mean()))


def find_subsets(
    prepared: Prepared,
    pool: Pool,
    validation: Prepared | None = None,
    *,
    train: Prepared | None = None,
    rule: VoteRule = EQUAL,
    learner: Learner | None = None,
    routers: Sequence[RouterScores] = (),
    exhaustive_to: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Subsets:
    """Rank the subsets of a pool.

    Args:
        prepared: the split whose figures are shown.
        pool: whose LLMs to combine.
        validation: the split that ranks; without it `prepared` does, and the note says so.
        train: chooses best-single together with validation, for the routers' rows.
        rule: how pooled votes are counted; learned weights are those of the subset, learned on train alone for the
            split that ranks.
        learner: what train and validation teach; made anew without one.
        routers: evaluated with argmax on the subsets of the front, with their scores for `prepared`.
        exhaustive_to: how many LLMs a pool may have for all subsets to be looked at; EXHAUSTIVE, or VOTED_EXHAUSTIVE
            where votes are learned. Beyond that a beam of the best subsets of each size is searched.
        progress: told (done, total) subsets, roughly.
    """
    llms = np.flatnonzero(pool.mask).tolist()
    learner = learner or Learner(train, validation)
    equal = rule.equal

    def scorer(split: Prepared, learner: Learner) -> _Scorer:
        return _Scorer(split) if equal else _VotedScorer(split, pool.run, rule, learner)

    ranking = scorer(prepared, learner) if validation is None else scorer(validation, learner.on_train)
    if exhaustive_to is None:
        exhaustive_to = EXHAUSTIVE if rule != LEARNED else VOTED_EXHAUSTIVE
    exhaustive = len(llms) <= exhaustive_to
    width = WIDTH if rule != LEARNED else VOTED_WIDTH
    by_votes = ranking.tally is not None
    measured = dict(
        _all(ranking, llms, progress) if exhaustive else _beam(ranking, llms, progress, width, by_votes=by_votes)
    )

    def value(figures: SubsetFigures) -> float:
        return figures.oracle if figures.pooled is None or not by_votes else figures.pooled

    timed = _timed(measured.values())

    def burden(chosen: tuple[int, ...]) -> tuple[float, int]:
        return _burden(measured[chosen], len(chosen), timed=timed)

    def order(chosen: tuple[int, ...]) -> tuple[float, float, int]:
        return (-value(measured[chosen]), *burden(chosen))

    ranked = sorted(measured, key=order)
    points = [(burden(chosen), value(measured[chosen])) for chosen in ranked]
    front = {ranked[at] for at in pareto_front(points)}
    shown = measured if validation is None else dict(_same(scorer(prepared, learner), llms, measured))
    subsets = []
    for rank, chosen in enumerate(ranked, start=1):
        names = tuple(pool.run[llm] for llm in chosen)
        subset = Subset(names, None if validation is None else measured[chosen], shown[chosen], rank, chosen in front)
        if subset.front and routers:
            view = PoolView(prepared, Pool.of(pool.run, names), validation, train, vote=rule, learner=learner)
            rows = tuple(view.policy_row(scores, PolicySpec("argmax")) for scores in routers)
            subset = replace(subset, routers=rows)
        subsets.append(subset)
    notes = [] if by_votes else ["ranked by the oracle: pooled votes are unknown with labels only"]
    if not timed:
        notes.append("fewer LLMs count as faster: the latency of some is unknown")
    if validation is None:
        notes.append("ranked on the split that is shown: there is no validation split")
    return Subsets(
        prepared.outcomes.benchmark,
        prepared.outcomes.split,
        tuple(subsets),
        exhaustive=exhaustive,
        ranked_by="pooled" if by_votes else "oracle",
        vote=rule.name,
        notes=tuple(notes),
    )


def _all(
    scorer: _Scorer, llms: Sequence[int], progress: Callable[[int, int], None] | None
) -> Iterator[tuple[tuple[int, ...], SubsetFigures]]:
    """Every subset, each one LLM away from the one it grows from."""
    total, done = 2 ** len(llms) - 1, 0
    stack: list[tuple[tuple[int, ...], _State, int]] = [((), scorer.start(), 0)]
    while stack:
        chosen, state, start = stack.pop()
        for place in range(start, len(llms)):
            larger = (*chosen, llms[place])
            grown = scorer.add(state, llms[place])
            yield larger, scorer.figures(grown, larger)
            done += 1
            stack.append((larger, grown, place + 1))
        if progress is not None:
            progress(done, total)


def _beam(
    scorer: _Scorer,
    llms: Sequence[int],
    progress: Callable[[int, int], None] | None,
    width: int,
    *,
    by_votes: bool,
) -> Iterator[tuple[tuple[int, ...], SubsetFigures]]:
    """All single LLMs, then by size the extensions of the best few of the size before."""
    largest = min(LARGEST, len(llms))
    candidates: set[tuple[int, ...]] = {(llm,) for llm in llms}
    for size in range(1, largest + 1):
        found = {chosen: scorer.of(chosen) for chosen in sorted(candidates)}
        yield from found.items()
        best = heapq.nlargest(
            width, found, key=lambda chosen: (found[chosen].pooled if by_votes else found[chosen].oracle) or 0.0
        )
        candidates = {tuple(sorted({*chosen, llm})) for chosen in best for llm in llms if llm not in chosen}
        if progress is not None:
            progress(size, largest)


def _same(
    scorer: _Scorer, llms: Sequence[int], wanted: dict[tuple[int, ...], SubsetFigures]
) -> Iterator[tuple[tuple[int, ...], SubsetFigures]]:
    """The figures of the same subsets on another split."""
    if len(wanted) == 2 ** len(llms) - 1:
        return _all(scorer, llms, None)
    return ((chosen, scorer.of(chosen)) for chosen in wanted)


def _timed(measured: Iterable[SubsetFigures]) -> bool:
    """Whether every latency is known, so that seconds can be compared with each other."""
    return all(figures.latency is not None for figures in measured)


def _burden(figures: SubsetFigures, size: int, *, timed: bool) -> tuple[float, int]:
    """Seconds where all are known, then the number of LLMs."""
    return (figures.latency if timed and figures.latency is not None else 0.0, size)
