"""What is stored about one benchmark, loaded once, and the figures of it; what is done with it comes above."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.benchmarks import splits_of
from selectllm_engine.errors import DamagedError, NotAvailableError, UnknownNameError, UsageError, nearest
from selectllm_engine.evaluation import (
    EQUAL,
    NO_ROUTER,
    POLICIES,
    Details,
    Learner,
    Prepared,
    Quality,
    RouterScores,
    as_routers,
    as_specs,
    compared_with,
    detail,
    planned_row,
    quality,
    samples_up_to,
    silent_scores,
    tabulate,
    view_of,
)
from selectllm_engine.llms import Pool
from selectllm_engine.store import (
    Voting,
    as_vote_rule,
    load_outcomes,
    own_seconds,
    read_expected_tokens,
    read_scores,
    router_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from selectllm_engine.evaluation import (
        Outcomes,
        PlannedRow,
        Policies,
        PolicySpec,
        PoolView,
        Router,
        Routers,
        Table,
        VoteRule,
        VoteWeights,
    )
    from selectllm_engine.store import Cache, ExpectedTokens, Progress

__all__ = ["StoredRun"]


class StoredRun:
    """One benchmark's stored results. What is loaded once stays; load the run again to see newer results.

    Attributes:
        cache: where it is read from.
        benchmark: its name.
        kept: what those above have loaded for it, such as routers.
    """

    def __init__(self, cache: Cache, benchmark: str, *, progress: Progress | None = None) -> None:
        self.cache = cache
        self.benchmark = benchmark
        self.kept: dict[object, Any] = {}
        self._progress = progress
        self._outcomes: dict[str, Outcomes] = {}
        self._answers: dict[str, pl.DataFrame] = {}
        self._prepared: dict[tuple[str, int | None], Prepared] = {}
        self._scores: dict[tuple[str, str, bool, bool], RouterScores] = {}
        self._learners: dict[int | None, Learner] = {}

    def __repr__(self) -> str:
        return f"<Run of {self.benchmark}: {len(self.llms)} LLMs, {len(self.routers)} routers>"

    # What there is

    @cached_property
    def llms(self) -> tuple[str, ...]:
        """All LLMs of the run, in its order."""
        return tuple(self.cache.llms(self.benchmark))

    @cached_property
    def questions(self) -> pl.DataFrame:
        """All questions of the benchmark."""
        return self.cache.questions(self.benchmark)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The benchmark's splits: train, validation, test."""
        return tuple(splits_of(self.questions))

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies that turn a router's probabilities into a choice of LLMs."""
        return tuple(POLICIES)

    @property
    def routers(self) -> tuple[str, ...]:
        """The trained or imported routers."""
        return tuple(self.cache.routers(self.benchmark))

    def info(self, llm: str) -> dict[str, Any]:
        """How an LLM's results were made: its manifest; raises UnknownNameError."""
        return self.cache.manifest(self.benchmark, llm)

    def router_info(self, router: str) -> dict[str, Any]:
        """A router's manifest; empty, and among the cache's problems, where it is damaged; raises UnknownNameError."""
        folder = self._router_folder(router)
        try:
            return router_manifest(folder)
        except DamagedError as error:
            self.cache.report(folder / "manifest.json", error.problem)
            return {}

    def router_seconds(self, router: str) -> float | None:
        """A router's own seconds per question; None where unknown; raises UnknownNameError."""
        return own_seconds(self.router_info(router))

    def outcomes(self, split: str = "test") -> Outcomes:
        """The arrays of a split, loaded on the first call.

        Raises:
            UnknownNameError: no such split.
            CacheError: there are no results yet, or they can't be read.
        """
        if split not in self._outcomes:
            self._outcomes[split] = load_outcomes(
                self.cache,
                self.benchmark,
                split,
                progress=self._progress,
                answers=self._answers_of,
                tokens=self._tokens,
            )
            if len(self._outcomes) == len(self.splits):
                self._answers.clear()  # every split has its own now
        return self._outcomes[split]

    @cached_property
    def _tokens(self) -> ExpectedTokens | None:
        """How many tokens questions are expected to take, where `train` has learned that."""
        return read_expected_tokens(self.cache, self.benchmark)

    def _answers_of(self, llm: str) -> pl.DataFrame:
        """An LLM's answers of all splits, read once for all of them."""
        if llm not in self._answers:
            self._answers[llm] = self.cache.answers(self.benchmark, llm, progress=self._progress)
        return self._answers[llm]

    def prepared(self, split: str = "test", k: int | None = None) -> Prepared:
        """A split over its first k samples, ready for evaluation; raises UsageError for a k that isn't there."""
        outcomes = self.outcomes(split)
        k = None if k == outcomes.samples else k
        if (split, k) not in self._prepared:
            self._prepared[split, k] = Prepared(outcomes, k)
        return self._prepared[split, k]

    def beside(self, split: str, k: int | None) -> Prepared | None:
        """A split to learn from, over as many of its samples as there are up to k; None where there is none."""
        if split not in self.splits or not len(self.outcomes(split).labels):
            return None
        return self.prepared(split, samples_up_to(self.outcomes(split), k))

    def pool(self, names: Pool | Iterable[str] | None = None) -> Pool:
        """The pool of these LLMs, all without names; raises UnknownNameError or UsageError (none left)."""
        if isinstance(names, Pool):
            return names
        return Pool.of(self.llms, [names] if isinstance(names, str) else names)

    def view(
        self,
        pool: Pool | Iterable[str] | None = None,
        *,
        k: int | None = None,
        protocol: str = "corrected",
        split: str = "test",
        vote: VoteRule = EQUAL,
    ) -> PoolView:
        """A pool over a split, to take rows from one by one. Cheap once the split is loaded.

        Raises:
            UsageError: a k that isn't there, or no complete question.
            UnknownNameError: an unknown LLM, split or protocol.
        """
        prepared, held_out, train = self.prepared(split, k), self.beside("validation", k), self.beside("train", k)
        chosen = self.pool(pool)
        return view_of(prepared, chosen, held_out, protocol, train=train, vote=vote, learner=self.learner(k))

    def learner(self, k: int | None = None) -> Learner:
        """What train and validation teach over their first k samples, kept for all pools."""
        if k not in self._learners:
            self._learners[k] = Learner(self.beside("train", k), self.beside("validation", k))
        return self._learners[k]

    def vote_weights(
        self, pool: Pool | Iterable[str] | None = None, router: Router | None = None, *, k: int | None = None
    ) -> VoteWeights:
        """The weights of a pool's learned vote, with a router's opinions where one is given.

        Raises:
            UnknownNameError: an unknown LLM or router.
            UsageError: nothing can be learned, or the router has no held-out probabilities for the labelled questions.
        """
        mask = np.array(self.pool(pool).mask, dtype=bool)
        scores = None if router is None else self.scored(router, self.splits[-1], forest=False)
        try:
            learned = self.learner(k).of(scores)
            weights = learned.weights(mask)
        except NotAvailableError as reason:
            raise UsageError(str(reason), "there is --vote equal") from reason
        if scores is not None and weights.text is None:
            raise UsageError(
                f"{scores.name} has no probabilities for train that are held out",
                f"selectllm train --router {scores.name} makes them; or leave the router out",
            )
        return weights

    # Routers

    def scores(self, router: str, split: str = "test", *, forest: bool = True, unseen: bool = False) -> RouterScores:
        """A router's probabilities for the questions of `outcomes(split)`, and for the validation split.

        Where they can't be used, `note` says why and all figures are NaN. Without `forest`, a confidence forest that
        is not stored is not fitted either. `unseen` takes what the router says about each subject that learned from
        the others alone, where it was trained so.

        Raises:
            UnknownNameError: no such router or split.
        """
        key = (router, split, forest, unseen)
        if key not in self._scores:
            held_out, train = self.beside("validation", None), self.beside("train", None)
            self._scores[key] = read_scores(
                self._router_folder(router),
                router,
                self.outcomes(split),
                None if held_out is None else held_out.outcomes,
                train=None if train is None else train.outcomes,
                forest=forest,
                unseen=unseen,
            )
        return self._scores[key]

    def _router_folder(self, router: str) -> Path:
        if router not in self.routers:
            raise UnknownNameError("router", router, self.routers)
        return self.cache.router_dir(self.benchmark, router)

    # Questions

    def question_row(self, question_id: str) -> dict[str, Any]:
        """A question's row: question_id, split, subject, text, choices, gold, kind; raises UsageError."""
        known = self.questions["question_id"]
        if not isinstance(question_id, str):
            raise UsageError(f"a question's id is a text, not {question_id!r}", f"ids look like {known[0]!r}")
        found = self.questions.filter(pl.col("question_id") == question_id)
        if found.is_empty():
            like = nearest(question_id, known.head(20_000).to_list())
            remedy = f"ids look like {known[0]!r}" if like is None else f"did you mean {like!r}?"
            raise UsageError(f"no question {question_id!r}", remedy)
        return found.row(0, named=True)

    def generations(self, question_id: str, llm: str) -> pl.DataFrame:
        """An LLM's generations for one question, in order of samples; empty where only labels are known.

        Raises:
            UsageError: no such question.
            UnknownNameError: no such LLM.
        """
        if question_id in self.llms and llm not in self.llms:
            raise UsageError(f"{question_id!r} is an LLM, not a question", "the question's id comes first")
        self.question_row(question_id)
        if llm not in self.llms:
            raise UnknownNameError("LLM", llm, self.llms)
        return self.cache.generations(self.benchmark, llm, question_id)

    # Figures

    def evaluate(
        self,
        pool: Pool | Iterable[str] | None = None,
        router: Routers | None = None,
        policy: Policies | None = None,
        *,
        k: int | None = None,
        protocol: str = "corrected",
        split: str = "test",
        all_policies: bool = False,
        against: str | None = None,
        vote: Voting = "equal",
        charge_router: bool = False,
        unseen_subjects: bool = False,
    ) -> Table:
        """The table of a pool: baselines, LLMs, and routers with policies.

        Args:
            pool: the LLMs switched on; None for all.
            router: one or several; None for all trained ones. Probabilities of one's own are `RouterScores`, or
                {"a name": array [Q, N]} for the questions of `outcomes(split)` and the LLMs of the run.
            policy: one or several, for example "threshold:0.6"; None for argmax. One of one's own is a function of
                `PolicyInputs` (see `PolicySpec`); {"a name": function} calls it so.
            k: votes over the first k samples; None for all.
            protocol: "corrected", or "paper" for the released code's arithmetic.
            split: which questions.
            all_policies: each router with each policy at its default parameter.
            against: the name of the row that the others are compared with: a baseline, an LLM, or a router with a
                policy, in the table or not; None for best-single.
            vote: how samples of several LLMs become one answer: "equal", "learned", or the weights of a vote, as
                `vote_weights` gives them, by themselves or as a file.
            charge_router: add routers' own time to the latencies of their rows.
            unseen_subjects: take what routers say about each subject that learned from the others alone.

        Raises:
            UnknownNameError: an unknown LLM, router, policy, protocol, split or row.
            UsageError: a k that isn't there, no complete question, what is no router or policy, a policy where there
                is no router, a row to compare with that has no accuracy, or a vote that can't be had.
        """
        specs = as_specs(policy, all_policies=all_policies)
        view = self.view(pool, k=k, protocol=protocol, split=split, vote=as_vote_rule(vote))
        routers = self._scored(router, specs, split, protocol, unseen=unseen_subjects)
        self._check_routed(policy, routers)
        view = self._against(view, against, routers, specs)
        return tabulate(view, routers, specs, charge_router=charge_router)

    def details(
        self,
        pool: Pool | Iterable[str] | None = None,
        router: Routers | None = None,
        policy: Policies | None = None,
        *,
        k: int | None = None,
        split: str = "test",
        all_policies: bool = False,
        against: str | None = None,
        vote: Voting = "equal",
        charge_router: bool = False,
        unseen_subjects: bool = False,
    ) -> Details:
        """The table that `evaluate` gives under protocol `corrected`, and what it has no room for.

        That is bootstrap intervals, selection histograms, pass@K, train-to-test gaps, router quality, AIQ, and
        accuracy by subject. Arguments and errors are those of `evaluate`.
        """
        specs = as_specs(policy, all_policies=all_policies)
        view = self.view(pool, k=k, split=split, vote=as_vote_rule(vote))
        routers = self._scored(router, specs, split, unseen=unseen_subjects)
        self._check_routed(policy, routers)
        view = self._against(view, against, routers, specs)
        return detail(view, routers, specs, charge_router=charge_router)

    def row_named(
        self, view: PoolView, name: str, routers: Sequence[RouterScores] = (), policies: Sequence[PolicySpec] = ()
    ) -> PlannedRow:
        """The row of a view by that name, of a stored router as well as of these; raises as `planned_row` does.

        A policy that needs no router may also be called that: "no-router cascade".
        """
        router, _, policy = name.rpartition(" ")
        info = POLICIES.get(policy.partition(":")[0], POLICIES.get(policy))
        if router == NO_ROUTER and info is not None and not info.needs_router:
            held_out = None if view.validation is None else view.validation.labels
            routers = [*routers, silent_scores(view.prepared.labels, held_out)]
        elif router and router not in self.routers:  # for the names that might have been meant
            routers = [*routers, *self._scored(None, (), view.prepared.outcomes.split)]
        if router in self.routers and router not in [scores.name for scores in routers if scores.forest is not None]:
            forest = view.protocol == "corrected" and info is not None and info.needs_forest
            routers = [self.scores(router, view.prepared.outcomes.split, forest=forest), *routers]
        return planned_row(view, name, routers, policies)

    def _against(
        self, view: PoolView, name: str | None, routers: Sequence[RouterScores], policies: Sequence[PolicySpec]
    ) -> PoolView:
        return view if name is None else compared_with(view, self.row_named(view, name, routers, policies))

    def scored(self, router: Router, split: str = "test", *, forest: bool = True, unseen: bool = False) -> RouterScores:
        """A router's scores, given as they are or by name; raises as `scores` does."""
        return router if isinstance(router, RouterScores) else self.scores(router, split, forest=forest, unseen=unseen)

    def _scored(
        self,
        router: Routers | None,
        specs: Sequence[PolicySpec],
        split: str,
        protocol: str = "corrected",
        *,
        unseen: bool = False,
    ) -> list[RouterScores]:
        """The scores of the named routers, of all without names; with forests where a policy reads them."""
        forest = protocol == "corrected" and any(spec.needs_forest for spec in specs)
        routers = self.routers if router is None else as_routers(router)
        return list(dict.fromkeys(self.scored(each, split, forest=forest, unseen=unseen) for each in routers))

    def _check_routed(self, policy: Policies | None, routers: Sequence[RouterScores]) -> None:
        if policy is not None and not routers:
            raise UsageError(
                f"{self.benchmark} has no router for a policy to choose by",
                "make some: selectllm train --all; or leave the policy out",
            )

    def quality(self, router: str, split: str = "test") -> tuple[Quality, ...]:
        """How well a router's probabilities fit each LLM's labels, then all LLMs'.

        Raises:
            UnknownNameError: no such router or split.
            UsageError: its probabilities can't be used; the message says why.
        """
        scores = self.scores(router, split, forest=False)
        if scores.note is not None:
            raise UsageError(scores.note, f"selectllm train --router {router}")
        outcomes = self.outcomes(split)
        known = [llm for llm, name in enumerate(outcomes.llms) if name not in scores.missing]
        names = [outcomes.llms[llm] for llm in known]
        return quality(scores.probabilities[:, known], outcomes.labels[:, known], names)
