"""A router and a policy, loaded once, for questions that the benchmark doesn't have. Q questions, N LLMs of the run.

What a policy may look at is what it has in the evaluation: order, latencies and costs of the evaluated split, what
train and validation teach. So a question of that split is given to the LLMs that it has in the table.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import (
    CacheError,
    EngineError,
    NotAvailableError,
    SelectLLMError,
    UnknownNameError,
    UsageError,
)
from selectllm_engine.evaluation import (
    EQUAL,
    ByQuestion,
    RouterScores,
    Selection,
    chain_of,
    parse_policy,
    prefix_leading_votes,
    select,
    silent_scores,
)
from selectllm_engine.routers.expected_tokens import load_token_model
from selectllm_engine.routers.families import FAMILIES, parse_router
from selectllm_engine.routers.storage import load_router, read_manifest
from selectllm_engine.store import TOKENS, ConfidenceForest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import By, Expected, PolicyInputs, PolicySpec, PoolView, Tally, VoteRule
    from selectllm_engine.llms import Pool
    from selectllm_engine.routers.base import Router
    from selectllm_engine.run import StoredRun

    Predict = Callable[[Sequence[str]], NDArray[np.float32]]
    Expect = Callable[[Sequence[str]], Expected]

__all__ = ["Beliefs", "Chooser", "Fixed", "choose_by", "choose_without", "is_trained"]


@dataclass(frozen=True, slots=True, eq=False)
class Beliefs:
    """What a router says of new questions.

    Attributes:
        probabilities: float32 [Q, N], of being right, in the order of the run.
        forest: float32 [Q, N], the confidence forest's, where the policy reads it.
        expected: what they are expected to take, where the policy looks at that.
    """

    probabilities: NDArray[np.float32]
    forest: NDArray[np.float32] | None
    expected: Expected | None = None

    @property
    def surest(self) -> NDArray[np.float32]:
        """What the policy goes by, [Q, N]."""
        return self.probabilities if self.forest is None else self.forest


class Chooser:
    """Which LLMs are asked about new questions; may be used from several threads. `choose_by` makes one.

    Attributes:
        name: the router's; None where none is asked.
        spec: the policy, tuned.
        view: the pool over the split that `evaluate` shows.
        chain: of a policy that stops early the LLMs that it may ask, in order; else None.
    """

    def __init__(
        self,
        view: PoolView,
        known: RouterScores,
        predict: Predict,
        spec: PolicySpec,
        forest: ConfidenceForest | None,
        *,
        expect: Expect | None = None,
    ) -> None:
        self.name: str | None = None if known.silent else known.name
        self.view, self.spec = view, spec
        self._known, self._predict, self._forest, self._expect = known, predict, forest, expect
        self._lock = threading.Lock()  # what is learned from labelled questions is learned once
        try:
            view.check(known)
            self.spec = view.tune(known, spec)
            self._inputs = view.inputs(known)
            self.chain = chain_of(self.spec, self._inputs)
        except NotAvailableError as reason:
            raise self._unusable(reason) from reason

    def believe(self, texts: Sequence[str]) -> Beliefs:
        """What the router says of these questions."""
        probabilities = self._predict(texts)
        forest = None if self._forest is None else self._forest.predict_proba(probabilities)
        return Beliefs(
            np.asfortranarray(probabilities),
            None if forest is None else np.asfortranarray(forest),
            None if self._expect is None else self._expect(texts),
        )

    def select(self, beliefs: Beliefs, counted: Tally | None = None) -> Selection:
        """Whom the policy asks; of one that stops early, given the votes so far: LLMs not asked yet have none.

        Raises:
            UsageError: the policy can't be used here.
        """
        taught = self._taught(beliefs)
        try:
            with self._lock:
                return select(self.spec, self._of(taught, counted, beliefs.expected))
        except NotAvailableError as reason:
            raise self._unusable(reason) from reason

    def vote(self, selection: Selection, beliefs: Beliefs, counted: Tally) -> Selection:
        """The selection with what was voted; raises NotAvailableError as `PoolView.voted` does."""
        with self._lock:
            return self.view.voted(selection, self._known, counted=counted, new=self._taught(beliefs))

    def _of(self, taught: RouterScores, counted: Tally | None, expected: Expected | None) -> PolicyInputs:
        inputs = replace(
            self._inputs,
            probabilities=taught.probabilities,
            forest=taught.forest,
            views=lambda: self.view.learner.of(self._known).views(taught),
            by_question=lambda by: self._by_question(by, expected),
        )
        if counted is None:
            return inputs
        order = self.view.order.tolist()
        return replace(
            inputs,
            samples=counted.samples,
            tally=lambda: counted,
            leading_votes=lambda: list(prefix_leading_votes(counted, order)),
        )

    def _by_question(self, by: By, expected: Expected | None) -> ByQuestion | None:
        """What new questions are expected to take, where that of the benchmark's is known."""
        known = self._inputs.by_question(by)
        return None if known is None or expected is None else ByQuestion(expected.burden(by), known.better)

    def _taught(self, beliefs: Beliefs) -> RouterScores:
        return RouterScores(self._known.name, beliefs.probabilities, forest=beliefs.forest)

    def _unusable(self, reason: NotAvailableError) -> UsageError:
        return UsageError(f"{self._known.name} {self.spec}: {reason}", "take another --policy")


def choose_by(
    run: StoredRun,
    router: str | None = None,
    policy: str = "argmax",
    *,
    pool: Pool | Iterable[str] | None = None,
    vote: VoteRule = EQUAL,
    k: int | None = None,
    encoders: Mapping[str, str] | None = None,
    device: str = "auto",
) -> Chooser:
    """A router with a policy for new questions. What is loaded stays with the run.

    Args:
        run: whose routers and figures are used.
        router: a trained one; None for the best of those that can run here, see `route`.
        policy: for example "threshold:0.6"; "auto" is tuned here.
        pool: the LLMs switched on; all without it.
        vote: how samples of several LLMs become one answer.
        k: samples behind figures and votes; all without it.
        encoders: where encoders are: name -> folder or hub id.
        device: "auto", "cpu" or "cuda", for what runs a transformer.

    Raises:
        UnknownNameError: an unknown router, policy or LLM.
        UsageError: there is no trained router, or the policy or the vote can't be used here.
        CacheError: the router can't be loaded.
    """
    spec = parse_policy(policy)
    if router is not None and router not in run.routers:
        raise UnknownNameError("router", router, run.routers)
    if router is not None and not is_trained(router):
        raise UsageError(f"of {router} there are probabilities only", "train a router: selectllm train --all")
    name, predict = _loaded(run, [router] if router else _by_merit(run), encoders, device)
    view = run.view(pool, k=k, split=_split(run), vote=vote)
    known = run.scores(name, view.prepared.outcomes.split, forest=False)
    forest = None
    if spec.needs_forest:
        if known.validation is None:
            raise UsageError(f"the policy {spec.name} needs a validation split", "take another --policy")
        forest = _forest(run, known, known.validation)
    return Chooser(view, known, predict, spec, forest, expect=_expecting(run, view, known, spec))


def choose_without(
    run: StoredRun,
    policy: str | None = None,
    *,
    pool: Pool | Iterable[str] | None = None,
    vote: VoteRule = EQUAL,
    k: int | None = None,
) -> Chooser | Fixed:
    """A policy that reads no router, or no policy: one LLM alone, or all of a pool vote. Otherwise as `choose_by`."""
    view = run.view(pool, k=k, split=_split(run), vote=vote)
    if policy is None:
        return Fixed(view)

    def nothing(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), view.llms), np.float32)

    held_out = None if view.validation is None else view.validation.labels
    known = silent_scores(view.prepared.labels, held_out)
    return Chooser(view, known, nothing, parse_policy(policy), None)


class Fixed:
    """The same LLMs for every question, whatever it is: one alone, or all of a pool, which vote.

    Its attributes are a `Chooser`'s.
    """

    name: None = None
    spec: None = None
    chain: None = None

    def __init__(self, view: PoolView) -> None:
        self.view = view
        self._lock = threading.Lock()

    def believe(self, texts: Sequence[str]) -> Beliefs:
        """Nothing is believed: probabilities that are not known."""
        return Beliefs(np.full((len(texts), self.view.llms), np.nan, dtype=np.float32), None)

    def select(self, beliefs: Beliefs, counted: Tally | None = None) -> Selection:
        """The one LLM, or all."""
        del counted
        questions, order = len(beliefs.probabilities), self.view.order
        if len(order) == 1:
            return Selection(self.view.llms, choice=np.full(questions, order[0], dtype=np.intp))
        several = np.broadcast_to(self.view.mask, (questions, self.view.llms))
        return Selection(self.view.llms, several=several, alike=True)

    def vote(self, selection: Selection, beliefs: Beliefs, counted: Tally) -> Selection:
        """The selection with what was voted; raises NotAvailableError as `PoolView.voted` does."""
        del beliefs
        with self._lock:
            return self.view.voted(selection, counted=counted)


def is_trained(name: str) -> bool:
    """Whether a router is one of ours, which reads new questions; of imported ones there are numbers only."""
    return name.partition(":")[0] in FAMILIES


def _split(run: StoredRun) -> str:
    """The split whose figures `evaluate` shows, where it has any."""
    known = [split for split in ("test", "validation") if split in run.splits and len(run.outcomes(split).labels)]
    return known[0] if known else "train"


def _loaded(
    run: StoredRun, names: Iterable[str], encoders: Mapping[str, str] | None, device: str
) -> tuple[str, Predict]:
    """The first of these routers that can run here, and what predicts for the LLMs of the run, [Q, N]."""
    reason: SelectLLMError | None = None
    for name in names:
        key = ("router", name, device, tuple(sorted((encoders or {}).items())))
        if key not in run.kept:
            folder = run.cache.router_dir(run.benchmark, name)
            llms = read_manifest(folder).get("llms")
            if not isinstance(llms, list) or (untrained := [llm for llm in run.llms if llm not in llms]):
                missing = ", ".join(untrained) if isinstance(llms, list) else "all LLMs"
                raise CacheError(
                    f"{name} was trained without {missing}", f"selectllm train --router {name} trains it again"
                )
            try:
                router = load_router(folder, encoders, device=device)
            except (UsageError, EngineError) as error:  # its encoder, or the extra that runs it, is not here
                reason = reason or error
                continue
            run.kept[key] = router, [llms.index(llm) for llm in run.llms]
        router, columns = run.kept[key]
        return name, _predicting(router, columns)
    assert reason is not None  # noqa: S101 - there was a router
    raise reason


def _predicting(router: Router, columns: list[int]) -> Predict:
    return lambda texts: np.asarray(router.predict_proba(texts)[:, columns])


def _expecting(run: StoredRun, view: PoolView, known: RouterScores, spec: PolicySpec) -> Expect | None:
    """What says how much new questions will take; None where the policy looks at means."""
    counted = view.prepared.outcomes.expected
    if counted is None or spec.name != "cost-aware":
        return None
    if not any(view.learner.better_by_question(known, by) for by in counted.lines):
        return None
    key = TOKENS
    if key not in run.kept:
        run.kept[key] = load_token_model(run.cache.folder(run.benchmark) / TOKENS)
    model, llms = run.kept[key]

    def expect(texts: Sequence[str]) -> Expected:
        output, prompt = np.hsplit(model.predict(texts), 2)
        tokens = np.full((len(texts), len(run.llms), 2), np.nan, np.float32)
        for at, llm in enumerate(run.llms):
            if llm in llms:
                tokens[:, at, 0], tokens[:, at, 1] = prompt[:, llms.index(llm)], output[:, llms.index(llm)]
        return replace(counted, tokens=tokens)

    return expect


def _forest(run: StoredRun, known: RouterScores, held_out: NDArray[np.float32]) -> ConfidenceForest:
    key = ("forest", known.name)
    if key not in run.kept:
        run.kept[key] = ConfidenceForest().fit(held_out, run.outcomes("validation").labels)
    forest: ConfidenceForest = run.kept[key]
    return forest


def _by_merit(run: StoredRun) -> list[str]:
    """The routers for those who name none, the best first."""

    def merit(name: str) -> tuple[bool, float]:
        f1 = run.router_info(name).get("validation_f1")
        return parse_router(name).info.combines, f1 if isinstance(f1, float) else -1.0

    trained = [name for name in run.routers if is_trained(name)]
    if not trained:
        raise UsageError(f"{run.benchmark} has no trained router", "make some: selectllm train --all")
    return sorted(trained, key=merit, reverse=True)
