"""A pool over a split: the arrays that its rows share, and the selections of baselines and policies.

Q questions, N LLMs of the run, n LLMs of the pool.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import NotAvailableError, UsageError
from selectllm_engine.evaluation.figures import Figures, figures_of
from selectllm_engine.evaluation.learner import Learner
from selectllm_engine.evaluation.policies import PolicyInputs, PolicySpec, grid_of, select
from selectllm_engine.evaluation.policy_inputs import ByQuestion
from selectllm_engine.evaluation.repeatable import Repeatable, repeatable
from selectllm_engine.evaluation.router_policies import cost_aware
from selectllm_engine.evaluation.selection import Selection, best_of
from selectllm_engine.evaluation.vote_rules import EQUAL, LEARNED, VoteRule, alone_as_ever, answered
from selectllm_engine.evaluation.votes import prefix_leading_votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selectllm_engine.evaluation.policies import By
    from selectllm_engine.evaluation.prepared import Prepared
    from selectllm_engine.evaluation.router_scores import RouterScores
    from selectllm_engine.evaluation.votes import Tally
    from selectllm_engine.llms import Pool

__all__ = ["NO_VOTES", "PoolArrays"]

NO_VOTES = "needs votes; this benchmark has labels only"


class PoolArrays:
    """A pool over prepared outcomes; what its rows share is computed once.

    Args:
        prepared: the split that is evaluated.
        pool: the LLMs switched on.
        validation: sorts the LLMs, tunes `:auto` and chooses best-single; None where the run has no such split.
        train: chooses best-single together with it, for LLMs learn from neither; None where there is no such split.
        vote: how samples of several LLMs become one answer.
        learner: what the two splits teach, to share among pools; made anew without one.
    """

    def __init__(
        self,
        prepared: Prepared,
        pool: Pool,
        validation: Prepared | None = None,
        train: Prepared | None = None,
        *,
        vote: VoteRule = EQUAL,
        learner: Learner | None = None,
    ) -> None:
        self.prepared = prepared
        self.pool = pool
        self.validation = validation
        self.train = train
        self.vote = vote
        self.learner = learner or Learner(train, validation)
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
    def ranked(self) -> NDArray[np.intp]:
        """The pool's LLMs, intp [n], by how often they are right on train and validation together; ties: the faster.

        Of the two splits those count that there are; without either, this one.
        """
        chosen_on = [each for each in (self.train, self.validation) if each is not None] or [self.prepared]
        right = np.sum([each.right for each in chosen_on], axis=0)
        return np.asarray(self.order[np.argsort(-right[self.order], kind="stable")])

    @property
    def best_single(self) -> int:
        """The first of those."""
        return int(self.ranked[0])

    @cached_property
    def best_right(self) -> NDArray[np.bool_]:
        """Whether best-single is right, bool [Q]."""
        return self.prepared.labels[:, self.best_single]

    @cached_property
    def oracle_accuracy(self) -> float:
        """Share of questions that some LLM of the pool solves."""
        return float(self.solvable.mean())

    @property
    def has_other_samples(self) -> bool:
        """Whether there are other LLMs and other samples to predict one sample from, and none was left unmade."""
        outcomes = self.prepared.outcomes
        whole = outcomes.answers is not None and self.prepared.made is None
        return len(self.order) > 1 and outcomes.samples > 1 and whole

    @cached_property
    def repeatable(self) -> Repeatable | None:
        """How much of the oracle's lead can be predicted; None without other LLMs and samples."""
        outcomes = self.prepared.outcomes
        if not self.has_other_samples or outcomes.answers is None:
            return None
        return repeatable(outcomes.answers, outcomes.gold, self.mask)

    @cached_property
    def ascending(self) -> NDArray[np.intp] | None:
        """The pool's LLMs from least to most accurate on validation; ties: the faster first."""
        if self.validation is None:
            return None
        right = self.validation.labels[:, self.order].sum(axis=0)
        return np.asarray(self.order[np.argsort(right, kind="stable")])

    @cached_property
    def leading_votes(self) -> list[NDArray[np.integer]]:
        """The leading answer's votes, integers [Q], after each of the pool's LLMs, the fastest first."""
        counted, order = self.counted(), self.order.tolist()
        if self.prepared.one_sample_votes is not None:
            return list(self.prepared.one_sample_votes.leading_votes(order))
        return list(prefix_leading_votes(counted, order))

    def counted(self) -> Tally:
        """The votes for all answers; raises NotAvailableError where there are labels only."""
        if self.prepared.tally is None:
            raise NotAvailableError(NO_VOTES)
        return self.prepared.tally

    @cached_property
    def on_validation(self) -> PoolArrays | None:
        """The same pool over validation, learning from train alone; None where there is none."""
        if self.validation is None:
            return None
        learner = self.learner.on_train
        return PoolArrays(self.validation, self.pool, self.validation, self.train, vote=self.vote, learner=learner)

    # Selections

    @cached_property
    def oracle(self) -> Selection:
        """Per question the fastest LLM that is right; if none is, the fastest."""
        latency = self.prepared.comparable_latency
        choice = self._fastest(self.prepared.labels, np.full(self.prepared.questions, self.order[0]))
        unsolved = np.flatnonzero(~self.solvable)
        choice[unsolved] = self.order[latency[unsolved][:, self.order].argmin(axis=1)]
        return Selection(self.llms, choice=choice)

    def upper_bound(self, scores: RouterScores) -> Selection:
        """Of the LLMs with p ≥ 0.5 and the argmax the fastest right one; if none is right, the argmax.

        Raises:
            NotAvailableError: the router has no figures for this pool.
        """
        self.check(scores)
        argmax, _ = best_of(scores.probabilities, self.order)
        good = np.zeros_like(self.prepared.labels)
        for llm in self.order:
            np.greater_equal(scores.probabilities[:, llm], np.float32(0.5), out=good[:, llm])
            good[:, llm] |= argmax == llm
            good[:, llm] &= self.prepared.labels[:, llm]
        return Selection(self.llms, choice=self._fastest(good, argmax))

    def _fastest(self, good: NDArray[np.bool_], default: NDArray[np.intp]) -> NDArray[np.intp]:
        """Per question the fastest LLM of the pool that is good, else the default; ties: the first in `order`."""
        latency = self.prepared.comparable_latency
        best = np.full(self.prepared.questions, np.inf, dtype=np.float32)
        choice = default.copy()
        for llm in self.order:
            better = latency[:, llm] < best
            better &= good[:, llm]
            np.putmask(choice, better, llm)
            np.putmask(best, better, latency[:, llm])
        return choice

    def everyone(self) -> Selection:
        """All LLMs of the pool for every question, under the pool's vote rule; raises as `voted` does."""
        if len(self.order) == 1:
            return self.one(int(self.order[0]))
        return self.voted(Selection(self.llms, several=self._all, alike=True))

    @property
    def learns(self) -> bool:
        """Whether there is a learned vote."""
        try:
            self.check_learned()
        except NotAvailableError:
            return False
        return True

    def check_learned(self) -> None:
        """Raise NotAvailableError, which says why, where no vote can be learned."""
        self.counted()
        self.learner.of().check()

    def learned_vote(self) -> Selection:
        """All LLMs of the pool for every question, under the learned vote.

        Raises:
            NotAvailableError: it can't be learned; the message says why.
        """
        if len(self.order) == 1:
            return self.one(int(self.order[0]))
        voters = self.learner.of().weights(self.mask)
        return self.voted(Selection(self.llms, several=self._all, alike=True, voters=voters))

    @property
    def _all(self) -> NDArray[np.bool_]:
        return np.broadcast_to(self.mask, self.prepared.labels.shape)

    def voted(
        self,
        selection: Selection,
        scores: RouterScores | None = None,
        *,
        counted: Tally | None = None,
        new: RouterScores | None = None,
    ) -> Selection:
        """A selection with what was voted, where that is not by equal votes; others as they are.

        An LLM that answers alone answers its own maj@K. Of LLMs that all have no weight every sample counts alike.

        Args:
            selection: of this pool, for the questions of its split, or for new ones.
            scores: the router's whose opinions count.
            counted: of new questions, their votes.
            new: of new questions, what that router says.

        Raises:
            NotAvailableError: the vote can't be learned here, or the weights of a file can't be used.
        """
        if selection.several is None or (self.vote.equal and selection.voters is None and selection.answers is None):
            return selection
        counted = self.counted() if counted is None else counted
        if selection.answers is None:
            rule = self._weighing(selection, scores)
            selection = answered(selection, rule, counted, self.pool.run, scores if new is None else new)
        return alone_as_ever(selection, counted)

    def _weighing(self, selection: Selection, scores: RouterScores | None) -> VoteRule:
        """The vote rule of a selection, with its weights."""
        rule = self.vote if selection.voters is None else replace(LEARNED, weights=selection.voters)
        if rule.weights is None:
            weights = self.learner.of(scores).weights(self.mask, popularity=selection.alike)
            return replace(rule, weights=weights)
        if not rule.weights.match(self.pool.names).known:
            raise NotAvailableError(f"{rule.name} has no weight for any of these LLMs")
        if not selection.alike or set(rule.weights.llms) - set(self.pool.names):  # learned where all of them vote
            return replace(rule, weights=replace(rule.weights, popularity=()))
        return rule

    def anyone(self) -> Selection:
        """The expectation over one LLM of the pool drawn at random."""
        weights = np.broadcast_to(self.mask / len(self.order), self.prepared.labels.shape)
        return Selection(self.llms, weights=weights, alike=True)

    def one(self, llm: int) -> Selection:
        """The same LLM for every question."""
        return Selection(self.llms, choice=np.full(self.prepared.questions, llm, dtype=np.intp))

    def policy(self, scores: RouterScores, spec: PolicySpec) -> Selection:
        """The selection of a policy on a router's probabilities; "auto" is tuned first.

        Raises:
            NotAvailableError: the data can't give it; the message says why.
        """
        self.check(scores)
        return self.voted(select(self.tune(scores, spec), self.inputs(scores)), scores)

    def cost_aware(self, scores: RouterScores, weight: float, by: By) -> Selection:
        """The selection of policy cost-aware at any weight, for its curve; raises as `policy` does."""
        self.check(scores)
        return cost_aware(self.inputs(scores), weight, by)

    def tune(self, scores: RouterScores, spec: PolicySpec) -> PolicySpec:
        """Replace "auto" by the value that is most accurate on validation; ties: lower latency, then the smaller.

        Raises:
            NotAvailableError: there is no validation split, or the router has no probabilities for it.
        """
        if spec.parameter != "auto":
            return spec
        if self.on_validation is None or scores.validation is None:
            raise NotAvailableError("auto needs a validation split")
        tuning = self.on_validation
        on_validation = scores.on_validation()
        tuning.check(on_validation)
        inputs = replace(
            tuning.inputs(on_validation),  # what validation says about it is known to all of them
            by_question=lambda by: tuning.expecting(by, better=self.learner.better_by_question(scores, by)),
        )

        def merit(each: PolicySpec) -> tuple[float, float]:
            figures = tuning.figures(tuning.voted(select(each, inputs), on_validation))
            if figures.right is None:
                raise NotAvailableError(NO_VOTES)
            return float(figures.right.mean()), -float(np.nan_to_num(figures.latency.mean(dtype=np.float64)))

        return max(grid_of(spec, len(self.order)), key=merit)

    def check(self, scores: RouterScores) -> None:
        """Raise NotAvailableError where the router has no figures for this pool, UsageError where it fits no split."""
        if scores.probabilities.shape != self.prepared.labels.shape:
            questions, llms = self.prepared.labels.shape
            raise UsageError(
                f"{scores.name} has probabilities {list(scores.probabilities.shape)} for {questions} questions and "
                f"{llms} LLMs",
                "one row per question of run.outcomes(split), one column per LLM of run.llms",
            )
        if scores.note is not None:
            raise NotAvailableError(scores.note)
        if untrained := [name for name in scores.missing if name in self.pool]:
            raise NotAvailableError(f"{scores.name} was trained without {', '.join(untrained)}; train it again")

    def inputs(self, scores: RouterScores) -> PolicyInputs:
        """What a policy may look at."""
        return PolicyInputs(
            order=self.order,
            probabilities=scores.probabilities,
            forest=scores.forest,
            latency=self.prepared.mean_latency,
            cost=self.prepared.mean_cost,
            ascending=self.ascending,
            samples=self.prepared.outcomes.samples,
            best_single=self.best_single,
            leading_votes=lambda: self.leading_votes,
            tally=self.counted,
            learned=lambda: self.learner.of(scores),
            views=lambda: self.learner.of(scores).views(scores),
            by_question=lambda by: self.expecting(by, better=self.learner.better_by_question(scores, by)),
            margin=lambda: self.learner.margin(scores, self.order.tolist(), self.best_single),
        )

    def expecting(self, by: By, *, better: bool) -> ByQuestion | None:
        """What each question is expected to take; None where that isn't known of every LLM of the pool."""
        burden = self._burdens.get(by)
        return None if burden is None else ByQuestion(burden, better)

    @cached_property
    def _burdens(self) -> dict[By, NDArray[np.float32]]:
        found = self.prepared.expected
        return {by: burden for by, burden in found.items() if np.isfinite(burden[:, self.order]).all()}

    def figures(self, selection: Selection) -> Figures:
        """Accuracy, seconds and dollars of a selection, question by question."""
        return figures_of(selection, self.prepared, self.order)
