"""Protocol `paper`: the arithmetic of the study's released notebook, its oddities included, to reproduce old numbers.

What it does otherwise than protocol `corrected`:

- Latency is averaged over correctly answered questions only; every LLM has one constant latency.
- LLMs are ranked in the sorted order of their names ("the file's order"): ties of confidence go to the first.
- The oracle is the first right LLM in that order, charged with its latency.
- The upper bound is the first LLM in that order that is both predicted right and right. What is predicted is what the
  file's column prediction names (those with a logit above 0), else what has a logit above 0.
- Argmax and random count as wrong where the chosen LLM is not predicted right ("the gate").
- Random draws one of the three highest confidences where the highest is at most 0.60; equal confidences are looked
  up by value, so that the first of them is drawn in place of the others. Given here: its expectation.
- Prediction subtracts one scalar (a linear regression's) from all confidences of a question, which leaves the argmax
  as it is: argmax without the gate.
- Sorted prediction takes the argmax's place in the file's order as a place in the list of LLMs sorted by ascending
  number of right test questions (ties: whichever is right first), scores the LLM found there and charges the argmax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.pool_arrays import NO_VOTES
from selectllm_engine.evaluation.pool_view import PoolView, Verdicts
from selectllm_engine.evaluation.selection import Selection, best_of
from selectllm_engine.evaluation.table import Row, RowKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation.figures import Right
    from selectllm_engine.evaluation.policies import By, PolicySpec
    from selectllm_engine.evaluation.router_scores import RouterScores

__all__ = ["PaperView"]


NO_SUCH_POLICY = "the released code has no such policy"


@dataclass(frozen=True, slots=True, eq=False)
class _Confidences:
    """A router on the notebook's scale, columns contiguous: `value` float64 [Q, N], `gate` bool [Q, N]."""

    value: NDArray[np.float64]
    gate: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """What the notebook counts for one policy or baseline.

    Attributes:
        right: bool [Q], or float64 [Q] for an expectation.
        charged: per LLM of the run, how many right answers its latency is charged for, float64 [N].
        selection: the LLMs that answer.
    """

    right: Right
    charged: NDArray[np.float64]
    selection: Selection


def _sigmoid(logit: float) -> float:
    # Python's own exp, as in the notebook: another implementation's last digit would decide ties differently
    try:
        return 1 / (1 + math.exp(-logit))
    except OverflowError:
        return 0.0


@lru_cache(maxsize=4)
def _confidences(scores: RouterScores) -> _Confidences:
    """From logits and predictions where the router recorded them, else from its probabilities."""
    if scores.logits is None:
        return _Confidences(scores.probabilities.astype(np.float64, order="F"), scores.probabilities > np.float32(0.5))
    value = np.array([_sigmoid(logit) for logit in scores.logits.T.ravel().tolist()])
    gate = scores.logits > 0 if scores.predicted is None else scores.predicted
    return _Confidences(value.reshape(scores.logits.T.shape).T, gate)


class PaperView(PoolView):
    """A pool under the released notebook's arithmetic."""

    protocol: ClassVar[str] = "paper"
    learns = False

    @cached_property
    def file_order(self) -> NDArray[np.intp]:
        """The pool's LLMs, intp [n], sorted by name."""
        return np.array(sorted(self.order.tolist(), key=lambda llm: self.pool.run[llm]), dtype=np.intp)

    @cached_property
    def seconds(self) -> dict[int, float]:
        """Each of the pool's LLMs' latency: its constant as it was written down, else its mean; NaN where unknown."""
        seconds = {}
        for llm in self.file_order.tolist():
            column = self.prepared.latency[:, llm]
            constant = bool((column == column[0]).all())
            seconds[llm] = float(str(column[0])) if constant else float(column.mean(dtype=np.float64))
        return seconds

    def _first(self, good: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Per question the first LLM in the file's order that is good (the first of all if none is), and if any is."""
        choice = np.full(self.prepared.questions, self.file_order[0], dtype=np.intp)
        for llm in self.file_order[::-1]:
            np.putmask(choice, good[:, llm], llm)
        return choice, np.asarray(good[:, self.file_order].any(axis=1))

    def _argmax(self, scores: RouterScores) -> NDArray[np.intp]:
        self.check(scores)
        return best_of(_confidences(scores).value, self.file_order)[0]

    def _look_up(self, per_llm: NDArray[np.bool_], choice: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray(per_llm[self.prepared.positions, choice])

    def _scored(self, choice: NDArray[np.intp], right: NDArray[np.bool_]) -> _Scored:
        charged = np.bincount(choice[right], minlength=self.llms).astype(np.float64)
        return _Scored(right, charged, Selection(self.llms, choice=choice))

    def _expected(self, weights: NDArray[np.float64], good: NDArray[np.bool_]) -> _Scored:
        won = weights * good
        return _Scored(won.sum(axis=1), won.sum(axis=0), Selection(self.llms, weights=weights))

    # The notebook's policies

    def _gated_argmax(self, scores: RouterScores) -> _Scored:
        choice = self._argmax(scores)
        right = self._look_up(self.prepared.labels & _confidences(scores).gate, choice)
        return self._scored(choice, right)

    def _random(self, scores: RouterScores) -> _Scored:
        choice = self._argmax(scores)
        value = _confidences(scores).value[:, self.file_order]
        drawn = min(3, len(self.file_order))
        unsure = np.flatnonzero(value.max(axis=1) <= 0.60)
        weights = np.zeros(self.prepared.labels.shape)
        weights[self.prepared.positions, choice] = 1.0
        weights[unsure] = 0.0
        highest = np.sort(value[unsure], axis=1)[:, ::-1][:, :drawn]
        for rank in range(drawn):
            first_equal = (value[unsure] == highest[:, rank, None]).argmax(axis=1)
            weights[unsure, self.file_order[first_equal]] += 1 / drawn
        return self._expected(weights, self.prepared.labels & _confidences(scores).gate)

    def _prediction(self, scores: RouterScores) -> _Scored:
        choice = self._argmax(scores)
        return self._scored(choice, self._look_up(self.prepared.labels, choice))

    def _sorted_prediction(self, scores: RouterScores) -> _Scored:
        choice = self._argmax(scores)
        labels = self.prepared.labels[:, self.file_order]
        counts = labels.sum(axis=0)
        if not counts.all():
            never = ", ".join(self.pool.run[llm] for llm in self.file_order[counts == 0])
            raise NotAvailableError(f"the released code fails where an LLM is never right: {never}")
        # Python sorts stably what a Counter met in this order: question by question, then the file's order.
        met = np.lexsort([np.arange(len(counts)), labels.argmax(axis=0)])
        ascending = self.file_order[met[np.argsort(counts[met], kind="stable")]]
        stands_for = np.zeros(self.llms, dtype=np.intp)
        stands_for[self.file_order] = ascending
        return self._scored(choice, self._look_up(self.prepared.labels, stands_for[choice]))

    def _policy(self, scores: RouterScores, spec: PolicySpec) -> _Scored:
        policies = {
            "argmax": self._gated_argmax,
            "random": self._random,
            "prediction": self._prediction,
            "sorted-prediction": self._sorted_prediction,
        }
        if spec.function is not None or spec.name not in policies:
            raise NotAvailableError(NO_SUCH_POLICY)
        return policies[spec.name](scores)

    # What a PoolView gives

    @cached_property
    def oracle(self) -> Selection:
        """Per question the first right LLM in the file's order; the first of all if none is right."""
        return Selection(self.llms, choice=self._first(self.prepared.labels)[0])

    def upper_bound(self, scores: RouterScores) -> Selection:
        """Per question the first LLM in the file's order that is right and predicted to be."""
        self.check(scores)
        return Selection(self.llms, choice=self._first(self.prepared.labels & _confidences(scores).gate)[0])

    def policy(self, scores: RouterScores, spec: PolicySpec) -> Selection:
        """Which LLM the notebook charges for each question; raises NotAvailableError."""
        return self._policy(scores, spec).selection

    def policy_right(self, scores: RouterScores, spec: PolicySpec) -> Right:
        """Which questions the notebook counts as right."""
        return self._policy(scores, spec).right

    def upper_bound_right(self, scores: RouterScores) -> NDArray[np.bool_]:
        """Which questions some LLM is right on and predicted to be."""
        self.check(scores)
        return self._first(self.prepared.labels & _confidences(scores).gate)[1]

    def cost_aware(self, scores: RouterScores, weight: float, by: By) -> Selection:  # noqa: ARG002
        """There is none."""
        raise NotAvailableError(NO_SUCH_POLICY)

    def policy_verdicts(self, scores: RouterScores, spec: PolicySpec) -> Verdicts:
        """What became of each question by the notebook's count; an expectation is judged by one seeded draw."""
        scored = self._policy(scores, spec)
        if scored.selection.weights is None:
            right = scored.right.astype(bool, copy=False)
            return self._judge(right, right)
        choice = np.asarray(scored.selection.drawn().choice)
        right = self._look_up(self.prepared.labels & _confidences(scores).gate, choice)
        return self._judge(right, right)

    def oracle_row(self) -> Row:
        """Row of the oracle."""
        choice, solved = self._first(self.prepared.labels)
        return self._paper_row("baseline", "oracle", self._scored(choice, solved))

    def random_row(self) -> Row:
        """Row of an LLM drawn at random; latency is the ratio of the expected sums."""
        weights = np.broadcast_to(self.mask / len(self.order), self.prepared.labels.shape)
        return self._paper_row("baseline", "random", self._expected(weights, self.prepared.labels))

    def best_single_row(self) -> Row:
        """Row of the LLM that is best on train and validation together."""
        return self._llm("baseline", "best-single", self.best_single, self.best_single_notes())

    def llm_row(self, name: str) -> Row:
        """Row of one LLM of the run."""
        return self._llm("llm", name, self.pool.run.index(name))

    def all_llms_row(self) -> Row:
        """Row of one vote over all LLMs of the pool, charged with all of them."""
        if len(self.order) == 1:
            return self._llm("baseline", "all-llms", int(self.order[0]))
        figures = self.figures(self.everyone())
        if figures.right is None:
            return Row(kind="baseline", name="all-llms", llms_per_question=float(len(self.order)), notes=(NO_VOTES,))
        known = not any(math.isnan(seconds) for seconds in self.seconds.values()) and bool(figures.right.any())
        latency = sum(self.seconds.values()) if known else None
        row = Row(
            kind="baseline",
            name="all-llms",
            latency=latency,
            latency_parallel=max(self.seconds.values()) if known else None,
            llms_per_question=float(len(self.order)),
            samples_per_question=self._samples(len(self.order)),
        )
        notes = [*self.all_llms_notes(), *([] if known else ["no latency known for a right answer"])]
        row = self._judged(row, figures.right, figures.chosen_right, None, notes)
        return replace(row, latency_correct=latency)

    def upper_bound_row(self, scores: RouterScores) -> Row:
        """Row of the first LLM that is right and predicted to be."""
        name = f"{scores.name} upper-bound"
        try:
            self.check(scores)
        except NotAvailableError as reason:
            return Row(kind="baseline", name=name, router=scores.name, notes=(str(reason),))
        choice, found = self._first(self.prepared.labels & _confidences(scores).gate)
        return self._paper_row("baseline", name, self._scored(choice, found), router=scores.name)

    def policy_row(self, scores: RouterScores, spec: PolicySpec) -> Row:
        """Row of a policy."""
        name = f"{scores.name} {spec.name}"
        try:
            scored = self._policy(scores, spec)
        except NotAvailableError as reason:
            return Row(kind="router", name=name, router=scores.name, policy=spec.name, notes=(str(reason),))
        return self._paper_row("router", name, scored, router=scores.name, policy=spec.name)

    def _llm(self, kind: RowKind, name: str, llm: int, notes: Sequence[str] = ()) -> Row:
        choice = np.full(self.prepared.questions, llm, dtype=np.intp)
        scored = self._scored(choice, self.prepared.labels[:, llm])
        return self._paper_row(kind, name, scored, notes=notes)

    def _paper_row(
        self,
        kind: RowKind,
        name: str,
        scored: _Scored,
        *,
        router: str | None = None,
        policy: str | None = None,
        notes: Sequence[str] = (),
    ) -> Row:
        latency = None
        # In the notebook's order of summation, so that the last digit is the same.
        charged = [(scored.charged[llm].item(), self.seconds[llm]) for llm in self.seconds if scored.charged[llm]]
        if not charged:
            notes = (*notes, "no latency: no question is answered right")
        elif any(math.isnan(seconds) for _, seconds in charged):
            notes = (*notes, "no latency known for some of the LLMs")
        else:
            latency = sum(count * seconds for count, seconds in charged) / sum(count for count, _ in charged)
        row = Row(
            kind=kind,
            name=name,
            router=router,
            policy=policy,
            latency=latency,
            latency_parallel=latency,
            latency_correct=latency,
            llms_per_question=1.0,
            samples_per_question=self._samples(1.0),
        )
        expectation = scored.selection.weights is not None
        judged = self._judged(
            row, scored.right, None if expectation else scored.right.astype(bool, copy=False), None, notes
        )
        return replace(judged, latency_correct=latency)
