"""A pool over a split: from selections to rows.

A `PoolView` is cheap to make and gives its rows one by one, so that a screen can show the one that matters first.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.comparison import Reference, difference, two_by_two
from selectllm_engine.evaluation.contamination import train_test_gaps
from selectllm_engine.evaluation.figures import known
from selectllm_engine.evaluation.pool_arrays import NO_VOTES, PoolArrays
from selectllm_engine.evaluation.statistics import Interval, bootstrap, wilson
from selectllm_engine.evaluation.table import BADGES, Row, RowKind
from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.contamination import Gap
    from selectllm_engine.evaluation.figures import Figures, Floats, Right
    from selectllm_engine.evaluation.policies import PolicySpec
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.selection import Selection

__all__ = ["Intervals", "PoolView", "Verdicts"]

EXPECTATION = "an expectation: no interval, no test"


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What became of each question: `right` bool [Q]; `verdict` int8 [Q], codes of `Verdict`."""

    right: NDArray[np.bool_]
    verdict: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Bootstrap intervals over resampled questions; None where the data can't give one."""

    latency: Interval | None
    gap_closed: Interval | None


class PoolView(PoolArrays):
    """A pool over prepared outcomes. Rows come one at a time; what they share is computed once."""

    protocol: ClassVar[str] = "corrected"

    @cached_property
    def reference(self) -> Reference:
        """The row that the others are compared with: best-single, unless the view is `against` another."""
        return Reference("best-single", self.best_right)

    def against(self, reference: Reference) -> Self:
        """The same pool, its rows compared with another one. What was computed is kept."""
        view = copy(self)
        vars(view)["reference"] = reference
        return view

    def policy_right(self, scores: RouterScores, spec: PolicySpec) -> Right | None:
        """Which questions a policy gets right, None where votes are unknown; raises NotAvailableError."""
        return self.figures(self.policy(scores, spec)).right

    def upper_bound_right(self, scores: RouterScores) -> Right | None:
        """Which questions the best policy could get right with a router; raises NotAvailableError."""
        return self.figures(self.upper_bound(scores)).right

    def verdicts(self, selection: Selection) -> Verdicts:
        """What became of each question; an expectation is judged by one seeded draw."""
        figures = self.figures(selection.drawn())
        return self._judge(figures.right, figures.chosen_right)

    def policy_verdicts(self, scores: RouterScores, spec: PolicySpec) -> Verdicts:
        """What became of each question under a policy; raises NotAvailableError as `policy` does."""
        return self.verdicts(self.policy(scores, spec))

    def _judge(self, right: Right | None, chosen_right: NDArray[np.bool_] | None) -> Verdicts:
        if right is None or chosen_right is None:
            unknown = np.full(self.prepared.questions, Verdict.UNKNOWN.code, dtype=np.int8)
            return Verdicts(np.zeros(self.prepared.questions, dtype=bool), unknown)
        certain = right.astype(bool, copy=False)
        cases = {
            Verdict.RESCUED: certain & ~self.solvable,
            Verdict.RIGHT: certain,
            Verdict.UNSOLVABLE: ~self.solvable,
            Verdict.MISROUTED: ~chosen_right,
        }
        codes = [each.code for each in cases]
        verdict = np.select(list(cases.values()), codes, Verdict.OUTVOTED.code)
        return Verdicts(certain, verdict.astype(np.int8))

    def intervals(self, selection: Selection, *, resamples: int = 1000) -> Intervals:
        """Bootstrap intervals of latency and gap closed; one seed resamples the same questions for every row."""
        figures = self.figures(selection)
        latency = gap = None
        if not np.isnan(figures.latency).any():
            column = figures.latency.astype(np.float64)[None]
            latency = bootstrap(column, lambda means: means[0], resamples=resamples)
        if figures.right is not None and not self.flatters:
            columns = np.stack([figures.right, self.best_right, self.solvable]).astype(np.float64)
            gap = bootstrap(columns, _gap, resamples=resamples)
        return Intervals(latency, gap)

    # Rows

    def row(
        self,
        kind: RowKind,
        name: str,
        selection: Selection,
        *,
        router: str | None = None,
        policy: str | None = None,
        parameter: float | None = None,
        notes: Sequence[str] = (),
        figures: Figures | None = None,
    ) -> Row:
        """The row of a selection of this pool; `figures` where they are not those of its votes over K samples."""
        figures = figures or self.figures(selection)
        latency = _mean(figures.latency)
        p50, p95 = _quantiles(figures.latency) if selection.weights is None else (None, None)
        if latency is None:
            notes = (*notes, f"no latency known for {self._unknown_latency(selection)}")
        row = Row(
            kind=kind,
            name=name,
            router=router,
            policy=policy,
            parameter=parameter,
            latency=latency,
            latency_parallel=_mean(figures.parallel),
            latency_p50=p50,
            latency_p95=p95,
            cost=_mean(figures.cost),
            llms_per_question=figures.llms_per_question,
            samples_per_question=self._samples(figures.llms_per_question),
            vote=(selection.vote or "equal") if figures.llms_per_question > 1 else None,
        )
        notes = (*notes, *selection.notes, *self.shares_notes(selection))
        if figures.right is None:
            return replace(row, notes=(*notes, NO_VOTES))
        right_latency = None if latency is None else figures.right_latency
        return self._judged(row, figures.right, figures.chosen_right, right_latency, notes)

    def _judged(
        self,
        row: Row,
        right: Right,
        chosen_right: NDArray[np.bool_] | None,
        right_latency: float | None,
        notes: Sequence[str],
    ) -> Row:
        """The row with all that follows from which questions are right; `chosen_right` None: an expectation."""
        total = float(right.sum(dtype=np.float64))
        accuracy = total / len(right)
        row = replace(
            self._compared(row, right),
            accuracy=accuracy,
            latency_correct=right_latency / total if right_latency is not None and total else None,
            gap_closed=None
            if self.flatters
            else known(_gap(np.array([[accuracy], [self.best_right.mean()], [self.oracle_accuracy]])).item()),
        )
        if chosen_right is None:
            unsolvable = _share(~self.solvable)
            return replace(
                row,
                unsolvable=unsolvable,
                misrouted=max(0.0, 1 - accuracy - unsolvable),
                outvoted=0.0,
                rescued=0.0,
                notes=(*notes, EXPECTATION),
            )
        interval = wilson(int(total), len(right))
        certain = right.astype(bool, copy=False)
        wrong = ~certain
        return replace(
            row,
            accuracy_low=interval.low,
            accuracy_high=interval.high,
            p_vs_best_single=None if self.flatters else two_by_two(certain, self.best_right).p,
            unsolvable=_share(wrong & ~self.solvable),
            misrouted=_share(wrong & self.solvable & ~chosen_right),
            outvoted=_share(wrong & chosen_right),
            rescued=_share(certain & ~self.solvable),
            notes=tuple(notes),
        )

    def shares_notes(self, selection: Selection) -> list[str]:
        """That a vote of several LLMs is over shares, where some were sampled until their own vote was decided."""
        made, several = self.prepared.made, selection.several
        if several is None or made is None:
            return []
        asked = several & (several.sum(axis=1) > 1)[:, None]
        samples, all_of_them = made[asked], self.prepared.outcomes.samples
        if not (samples < all_of_them).any():
            return []
        return [f"each LLM's vote is shared out among the {samples.mean():.1f} of {all_of_them} samples made of it"]

    @property
    def flatters(self) -> bool:
        """Whether routers learned, or best-single was chosen, on these very questions."""
        return self.prepared.outcomes.split in BADGES

    def _compared(self, row: Row, right: Right) -> Row:
        """The row with its difference to the reference; nothing to test where it is that row."""
        name, reference = row.name, self.reference
        single = ("best-single", self.pool.run[self.best_single])
        named_alike = name == reference.name or (name in single and reference.name in single)
        if named_alike and np.array_equal(right, reference.right):  # two rows may differ in a parameter only
            return replace(row, reference=reference.name, delta=0.0)
        found = difference(right, reference.right, self.prepared.subjects)
        row = replace(row, reference=reference.name, delta=found.delta)
        if self.flatters and not (row.kind == "llm" and reference.name in self.pool.run):
            return row
        if found.counts is not None and found.by_question is not None:
            low, high = found.by_question
            counts = found.counts
            row = replace(row, delta_low=low, delta_high=high, p=counts.p, discordant=counts.discordant)
        if found.by_subject is not None:
            low, high = found.by_subject.interval
            row = replace(row, delta_low_clustered=low, delta_high_clustered=high, p_clustered=found.by_subject.p)
        return row

    def _samples(self, llms: float) -> float | None:
        """How many samples vote where that many LLMs are asked; None where only labels are known."""
        return llms * self.prepared.outcomes.samples or None

    def oracle_row(self) -> Row:
        """The oracle's row."""
        return self.row("baseline", "oracle", self.oracle)

    def random_row(self) -> Row:
        """The exact average of the pool's LLM rows."""
        return self.row("baseline", "random", self.anyone())

    def best_single_row(self) -> Row:
        """The LLM that is best on train and validation together."""
        return self.row("baseline", "best-single", self.one(self.best_single), notes=self.best_single_notes())

    def best_single_notes(self) -> list[str]:
        """Which LLM best-single is, where it was chosen, and whether it has probably seen the train split."""
        name, split = self.pool.run[self.best_single], self.prepared.outcomes.split
        chosen_on = [name for name, each in (("train", self.train), ("validation", self.validation)) if each]
        if not chosen_on:
            return [f"{name}, chosen on {split}: there is no train or validation split"]
        notes = [f"{name}, chosen on {' and '.join(chosen_on)}"]
        gap = next((each for each in self.gaps if each.llm == name), None)
        if gap is not None and gap.alarm:
            notes.append(f"it has probably seen train: {100 * gap.gap:.1f} points better there than on {split}")
        return notes

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """How much better each LLM is on train than here; empty on the train split, and where there is none."""
        if self.train is None or self.train.outcomes.split == self.prepared.outcomes.split:
            return ()
        return train_test_gaps(self.train, self.prepared, self.order.tolist())

    def all_llms_row(self) -> Row:
        """One vote over all samples of all LLMs of the pool."""
        try:
            everyone = self.everyone()
            return self.row("baseline", "all-llms", everyone, notes=self.all_llms_notes(equal=everyone.vote is None))
        except NotAvailableError as reason:
            return Row(kind="baseline", name="all-llms", notes=(str(reason),))

    def all_llms_notes(self, *, equal: bool = True) -> list[str]:
        """How many samples vote; where there are two that count alike, how often that is a tie."""
        answers, llms = self.prepared.outcomes.answers, len(self.order)
        if answers is None or llms == 1:
            return []
        notes = [f"one vote over {llms * answers.shape[2]} samples"]
        if equal and llms == 2 and answers.shape[2] == 1:
            one, other = answers[:, self.mask, 0].T
            ties = int(np.count_nonzero((one >= 0) & (other >= 0) & (one != other)))
            first = self.pool.run[int(self.order.min())]
            notes.append(f"a tie on {ties:,} of {len(one):,} questions, where {first} decides")
        return notes

    def learned_vote_row(self) -> Row:
        """The learned vote of all LLMs of the pool, whatever the vote rule; raises as `learned_vote` does."""
        selection = self.learned_vote()
        return self.row("baseline", "learned-vote", selection, notes=[*self.all_llms_notes(equal=False), *self._lead()])

    def _lead(self) -> list[str]:
        """A note where the learned vote of the pool isn't ahead of best-single on what it hasn't learned from."""
        if len(self.order) == 1:
            return []
        learned = self.learner.of()
        right = learned.votes.of(frozenset(self.order.tolist())).right
        single = learned.known.labels[:, self.best_single]
        behind = 100 * (float(single.mean()) - float(right.mean()))
        said = f"not ahead of best-single where it wasn't fitted: {behind:.1f} points behind on labelled questions"
        return [said] if behind >= 0 else []

    def llm_row(self, name: str) -> Row:
        """The row of one LLM of the run."""
        llm, made = self.pool.run.index(name), self.prepared.made
        notes = []
        if made is not None and (made[:, llm] < self.prepared.outcomes.samples).any():
            whose = "same" if self.prepared.same_votes[llm] else "its"
            notes = [f"{whose} votes from {made[:, llm].mean():.1f} of {self.prepared.outcomes.samples} samples"]
        return self.row("llm", name, self.one(llm), notes=notes)

    def upper_bound_row(self, scores: RouterScores) -> Row:
        """What a perfect policy could make of a router."""
        name = f"{scores.name} upper-bound"
        try:
            return self.row("baseline", name, self.upper_bound(scores), router=scores.name)
        except NotAvailableError as reason:
            return Row(kind="baseline", name=name, router=scores.name, notes=(str(reason),))

    def policy_row(self, scores: RouterScores, spec: PolicySpec) -> Row:
        """The row of a policy on a router's probabilities."""
        name = f"{scores.name} {spec.name}"
        try:
            self.check(scores)
            tuned = self.tune(scores, spec)
            notes = [f"by {tuned.by}"] if tuned.by else []
            notes += ["tuned on validation"] if tuned is not spec else []
            selection = self.policy(scores, tuned)
            if scores.unseen and selection.vote not in (None, "equal"):
                notes.append("its vote was learned from all subjects")
            return self.row(
                "router",
                name,
                selection,
                router=scores.name,
                policy=tuned.policy,
                parameter=tuned.number,
                notes=notes,
            )
        except NotAvailableError as reason:
            return Row(
                kind="router",
                name=name,
                router=scores.name,
                policy=spec.policy,
                parameter=spec.number,
                notes=(str(reason),),
            )

    def _unknown_latency(self, selection: Selection) -> str:
        unknown = np.isnan(self.prepared.latency).any(axis=0)
        asked = selection.mask.any(axis=0)
        return ", ".join(self.pool.run[llm] for llm in np.flatnonzero(asked & unknown))


def _gap(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gap closed from accuracies [3, R] of a selection, of best-single and of the oracle; NaN where there is no gap."""
    accuracy, best, oracle = means
    gap = oracle - best
    return np.asarray(np.divide(accuracy - best, gap, out=np.full_like(gap, np.nan), where=gap != 0))


def _quantiles(values: Floats) -> tuple[float | None, float | None]:
    """Median and 95 % quantile; None where any value is unknown."""
    p50, p95 = np.quantile(values, [0.5, 0.95]).tolist()
    return known(p50), known(p95)


def _mean(values: Floats) -> float | None:
    return known(values.mean(dtype=np.float64))


def _share(questions: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(questions) / len(questions))
