"""A pool over a split: from selections to rows.

A `PoolView` is cheap to make and gives its rows one by one, so that a screen can show the one that matters first.
Q questions, N LLMs of the run, n LLMs of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from selectllm_engine.evaluation.figures import Figures, figures_of
from selectllm_engine.evaluation.policies import (
    NotAvailableError,
    PolicyInputs,
    PolicySpec,
    Selection,
    candidates,
    select,
)
from selectllm_engine.evaluation.selection import best_of
from selectllm_engine.evaluation.statistics import Interval, bootstrap, mcnemar, wilson
from selectllm_engine.evaluation.table import Kind, Row
from selectllm_engine.evaluation.votes import prefix_leads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.policies import RouterScores
    from selectllm_engine.evaluation.prepared import Prepared
    from selectllm_engine.llms import Pool

__all__ = ["VERDICTS", "Intervals", "PoolView", "Verdicts"]

NO_VOTES = "needs votes; this benchmark has labels only"
EXPECTATION = "an expectation: no interval, no test"

# What `Verdicts.verdict` counts in. Every wrong answer is exactly one of unsolvable, misrouted and outvoted.
VERDICTS = ("right", "unsolvable", "misrouted", "outvoted", "rescued", "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What became of each question: `right` bool [Q]; `verdict` int8 [Q], indices into VERDICTS."""

    right: NDArray[np.bool_]
    verdict: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Bootstrap intervals over resampled questions; None where the data can't give one."""

    latency: Interval | None
    gap_closed: Interval | None


class PoolView:
    """A pool over prepared outcomes. Rows come one at a time; what they share is computed once.

    Args:
        prepared: the split that is evaluated.
        pool: the LLMs switched on.
        validation: chooses best-single, sorts the LLMs and tunes `:auto`; None where the run has no such split.
    """

    protocol: ClassVar[str] = "corrected"

    def __init__(self, prepared: Prepared, pool: Pool, validation: Prepared | None = None) -> None:
        self.prepared = prepared
        self.pool = pool
        self.validation = validation
        self.mask = np.array(pool.mask, dtype=bool)
        self.order = prepared.order[self.mask[prepared.order]]
        self.llms = len(self.mask)

    # What the rows share

    @cached_property
    def solvable(self) -> NDArray[np.bool_]:
        """Whether any LLM of the pool is right, bool [Q]."""
        solvable = self.prepared.labels[:, self.order[0]].copy()
        for llm in self.order[1:]:
            solvable |= self.prepared.labels[:, llm]
        return solvable

    @cached_property
    def best_single(self) -> int:
        """The LLM with the highest accuracy on validation (on this split without one); ties: the faster."""
        labels = (self.validation or self.prepared).labels
        return int(max(self.order, key=lambda llm: np.count_nonzero(labels[:, llm])))

    @cached_property
    def best_right(self) -> NDArray[Any]:
        """Whether best-single is right, bool [Q]."""
        return self.prepared.labels[:, self.best_single]

    @cached_property
    def oracle_accuracy(self) -> float:
        """Share of questions that some LLM of the pool solves."""
        return float(self.solvable.mean())

    @cached_property
    def ascending(self) -> NDArray[np.intp] | None:
        """The pool's LLMs from least to most accurate on validation; ties: the faster first."""
        if self.validation is None:
            return None
        right = self.validation.labels[:, self.order].sum(axis=0)
        return np.asarray(self.order[np.argsort(right, kind="stable")])

    @cached_property
    def leads(self) -> list[NDArray[Any]]:
        """The leading answer's votes, integers [Q], after each of the pool's LLMs, the fastest first."""
        if self.prepared.tally is None:
            raise NotAvailableError(NO_VOTES)
        order = self.order.tolist()
        if self.prepared.hands is not None:
            return list(self.prepared.hands.leads(order))
        return list(prefix_leads(self.prepared.tally, order))

    @cached_property
    def _tuning(self) -> PoolView | None:
        return None if self.validation is None else PoolView(self.validation, self.pool, self.validation)

    # Selections

    @cached_property
    def oracle(self) -> Selection:
        """Per question the fastest LLM that is right; if none is, the fastest."""
        pace = self.prepared.pace
        choice = self._fastest(self.prepared.labels, np.full(self.prepared.questions, self.order[0]))
        unsolved = np.flatnonzero(~self.solvable)
        choice[unsolved] = self.order[pace[unsolved][:, self.order].argmin(axis=1)]
        return Selection(self.llms, choice=choice)

    def upper_bound(self, scores: RouterScores) -> Selection:
        """Of the LLMs with p ≥ 0.5 and the argmax the fastest right one; if none is right, the argmax.

        Raises:
            NotAvailableError: the router has no figures for this pool.
        """
        self._check(scores)
        argmax, _ = best_of(scores.probabilities, self.order)
        good = np.zeros_like(self.prepared.labels)
        for llm in self.order:
            np.greater_equal(scores.probabilities[:, llm], np.float32(0.5), out=good[:, llm])
            good[:, llm] |= argmax == llm
            good[:, llm] &= self.prepared.labels[:, llm]
        return Selection(self.llms, choice=self._fastest(good, argmax))

    def _fastest(self, good: NDArray[np.bool_], default: NDArray[np.intp]) -> NDArray[np.intp]:
        """Per question the fastest LLM of the pool that is good, else the default; ties: the first in `order`."""
        pace = self.prepared.pace
        best = np.full(self.prepared.questions, np.inf, dtype=np.float32)
        choice = default.copy()
        for llm in self.order:
            better = pace[:, llm] < best
            better &= good[:, llm]
            np.putmask(choice, better, llm)
            np.putmask(best, better, pace[:, llm])
        return choice

    def everyone(self) -> Selection:
        """All LLMs of the pool for every question."""
        if len(self.order) == 1:
            return self.one(int(self.order[0]))
        return Selection(self.llms, several=np.broadcast_to(self.mask, self.prepared.labels.shape))

    def anyone(self) -> Selection:
        """The expectation over one LLM of the pool drawn at random."""
        return Selection(self.llms, weights=np.broadcast_to(self.mask / len(self.order), self.prepared.labels.shape))

    def one(self, llm: int) -> Selection:
        """The same LLM for every question."""
        return Selection(self.llms, choice=np.full(self.prepared.questions, llm, dtype=np.intp))

    def policy(self, scores: RouterScores, spec: PolicySpec) -> Selection:
        """The selection of a policy on a router's probabilities; "auto" is tuned first.

        Raises:
            NotAvailableError: the data can't give it; the message says why.
        """
        self._check(scores)
        return select(self.tune(scores, spec), self._inputs(scores))

    def tune(self, scores: RouterScores, spec: PolicySpec) -> PolicySpec:
        """Replace "auto" by the value that is most accurate on validation; ties: lower latency, then the smaller.

        Raises:
            NotAvailableError: there is no validation split, or the router has no probabilities for it.
        """
        if spec.parameter != "auto":
            return spec
        if self._tuning is None or scores.validation is None:
            raise NotAvailableError("auto needs a validation split")
        tuning = self._tuning
        inputs = tuning._inputs(replace(scores, probabilities=scores.validation, forest=scores.validation_forest))

        def merit(each: PolicySpec) -> tuple[float, float]:
            figures = tuning.figures(select(each, inputs))
            if figures.right is None:
                raise NotAvailableError(NO_VOTES)
            return float(figures.right.mean()), -float(np.nan_to_num(figures.latency.mean(dtype=np.float64)))

        return max(candidates(spec, len(self.order)), key=merit)

    def _check(self, scores: RouterScores) -> None:
        if scores.note is not None:
            raise NotAvailableError(scores.note)
        if untrained := [name for name in scores.missing if name in self.pool]:
            raise NotAvailableError(f"{scores.name} was trained without {', '.join(untrained)}; train it again")

    def _inputs(self, scores: RouterScores) -> PolicyInputs:
        return PolicyInputs(
            order=self.order,
            probabilities=scores.probabilities,
            forest=scores.forest,
            latency=self.prepared.mean_latency,
            cost=self.prepared.mean_cost,
            ascending=self.ascending,
            samples=self.prepared.outcomes.samples,
            leads=lambda: self.leads,
        )

    # From a selection to figures

    def figures(self, selection: Selection) -> Figures:
        """Accuracy, seconds and dollars of a selection, question by question."""
        return figures_of(selection, self.prepared, self.order)

    def verdicts(self, selection: Selection) -> Verdicts:
        """What became of each question; an expectation is judged by one seeded draw."""
        figures = self.figures(selection.drawn())
        return self._judge(figures.right, figures.chosen_right)

    def policy_verdicts(self, scores: RouterScores, spec: PolicySpec) -> Verdicts:
        """What became of each question under a policy; raises NotAvailableError as `policy` does."""
        return self.verdicts(self.policy(scores, spec))

    def _judge(self, right: NDArray[Any] | None, chosen_right: NDArray[np.bool_] | None) -> Verdicts:
        if right is None or chosen_right is None:
            unknown = np.full(self.prepared.questions, VERDICTS.index("unknown"), dtype=np.int8)
            return Verdicts(np.zeros(self.prepared.questions, dtype=bool), unknown)
        cases = {
            "rescued": right & ~self.solvable,
            "right": right,
            "unsolvable": ~self.solvable,
            "misrouted": ~chosen_right,
        }
        codes = [VERDICTS.index(name) for name in cases]
        verdict = np.select(list(cases.values()), codes, VERDICTS.index("outvoted"))
        return Verdicts(right, verdict.astype(np.int8))

    def intervals(self, selection: Selection, *, resamples: int = 1000, seed: int = 0) -> Intervals:
        """Bootstrap intervals of latency and gap closed; one seed resamples the same questions for every row."""
        figures = self.figures(selection)
        latency = gap = None
        if not np.isnan(figures.latency).any():
            column = figures.latency.astype(np.float64)[None]
            latency = bootstrap(column, lambda means: float(means[0]), resamples=resamples, seed=seed)
        if figures.right is not None:
            columns = np.stack([figures.right, self.best_right, self.solvable]).astype(np.float64)
            gap = bootstrap(columns, _gap, resamples=resamples, seed=seed)
        return Intervals(latency, gap)

    # Rows

    def row(
        self,
        kind: Kind,
        name: str,
        selection: Selection,
        *,
        router: str | None = None,
        policy: str | None = None,
        parameter: float | None = None,
        note: str | None = None,
    ) -> Row:
        """The row of a selection of this pool."""
        figures = self.figures(selection)
        notes = [] if note is None else [note]
        latency = _known(figures.latency)
        if latency is None:
            notes.append(f"no latency known for {self._unknown_latency(selection)}")
        row = Row(
            kind=kind,
            name=name,
            router=router,
            policy=policy,
            parameter=parameter,
            latency=latency,
            latency_parallel=_known(figures.parallel),
            cost=_known(figures.cost),
            llms_per_question=figures.llms_per_question,
        )
        if figures.right is None:
            return replace(row, note="; ".join([*notes, NO_VOTES]))
        right_latency = None if latency is None else figures.right_latency
        return self._judged(row, figures.right, figures.chosen_right, right_latency, notes)

    def _judged(
        self,
        row: Row,
        right: NDArray[Any],
        chosen_right: NDArray[np.bool_] | None,
        right_latency: float | None,
        notes: list[str],
    ) -> Row:
        """The row with all that follows from which questions are right; `chosen_right` None: an expectation."""
        total = float(right.sum(dtype=np.float64))
        accuracy = total / len(right)
        row = replace(
            row,
            accuracy=accuracy,
            latency_correct=right_latency / total if right_latency is not None and total else None,
            gap_closed=_none_if_nan(_gap(np.array([accuracy, self.best_right.mean(), self.oracle_accuracy]))),
        )
        if chosen_right is None:
            unsolvable = _share(~self.solvable)
            return replace(
                row,
                unsolvable=unsolvable,
                misrouted=max(0.0, 1 - accuracy - unsolvable),
                outvoted=0.0,
                rescued=0.0,
                note="; ".join([*notes, EXPECTATION]),
            )
        interval = wilson(int(total), len(right))
        wrong = ~right
        return replace(
            row,
            accuracy_low=interval.low,
            accuracy_high=interval.high,
            p_vs_best_single=mcnemar(
                int(np.count_nonzero(right & ~self.best_right)), int(np.count_nonzero(wrong & self.best_right))
            ),
            unsolvable=_share(wrong & ~self.solvable),
            misrouted=_share(wrong & self.solvable & ~chosen_right),
            outvoted=_share(wrong & chosen_right),
            rescued=_share(right & ~self.solvable),
            note="; ".join(notes) or None,
        )

    def oracle_row(self) -> Row:
        """The oracle's row."""
        return self.row("baseline", "oracle", self.oracle)

    def random_row(self) -> Row:
        """The exact average of the pool's LLM rows."""
        return self.row("baseline", "random", self.anyone())

    def best_single_row(self) -> Row:
        """The LLM that is best on validation."""
        return self.row("baseline", "best-single", self.one(self.best_single), note=self.best_single_note())

    def best_single_note(self) -> str:
        """Which LLM best-single is, and where it was chosen."""
        name = self.pool.run[self.best_single]
        if self.validation is None:
            return f"{name}, chosen on {self.prepared.outcomes.split}: there is no validation split"
        return f"{name}, chosen on validation"

    def all_llms_row(self) -> Row:
        """One vote over all samples of all LLMs of the pool."""
        return self.row("baseline", "all-llms", self.everyone())

    def llm_row(self, name: str) -> Row:
        """The row of one LLM of the run."""
        return self.row("llm", name, self.one(self.pool.run.index(name)))

    def upper_bound_row(self, scores: RouterScores) -> Row:
        """What a perfect policy could make of a router."""
        name = f"{scores.name} upper-bound"
        try:
            return self.row("baseline", name, self.upper_bound(scores), router=scores.name)
        except NotAvailableError as reason:
            return Row(kind="baseline", name=name, router=scores.name, note=str(reason))

    def policy_row(self, scores: RouterScores, spec: PolicySpec) -> Row:
        """The row of a policy on a router's probabilities."""
        name = f"{scores.name} {spec.name}"
        try:
            self._check(scores)
            tuned = self.tune(scores, spec)
            parameter = None if isinstance(tuned.parameter, str) else tuned.parameter
            notes = [
                note
                for note in (
                    f"by {tuned.by}" if tuned.by else None,
                    "tuned on validation" if tuned is not spec else None,
                )
                if note
            ]
            return self.row(
                "router",
                name,
                select(tuned, self._inputs(scores)),
                router=scores.name,
                policy=spec.name,
                parameter=parameter,
                note="; ".join(notes) or None,
            )
        except NotAvailableError as reason:
            parameter = spec.parameter if isinstance(spec.parameter, int | float) else None
            return Row(
                kind="router", name=name, router=scores.name, policy=spec.name, parameter=parameter, note=str(reason)
            )

    def _unknown_latency(self, selection: Selection) -> str:
        unknown = np.isnan(self.prepared.latency).any(axis=0)
        asked = selection.mask.any(axis=0)
        return ", ".join(self.pool.run[llm] for llm in np.flatnonzero(asked & unknown))


def _gap(means: NDArray[np.float64]) -> float:
    """Gap closed from the accuracies of a selection, of best-single and of the oracle; NaN where there is no gap."""
    accuracy, best, oracle = means.tolist()
    return (accuracy - best) / (oracle - best) if oracle != best else float("nan")


def _known(values: NDArray[Any]) -> float | None:
    return _none_if_nan(float(values.mean(dtype=np.float64)))


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else value


def _share(questions: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(questions) / len(questions))
