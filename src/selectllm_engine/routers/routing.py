"""A new question through a trained router: probabilities, which LLMs a policy would ask, and similar questions."""

from __future__ import annotations

from dataclasses import dataclass
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
from selectllm_engine.evaluation import EQUAL, POLICIES, RouterScores, chain_of, parse_policy, select
from selectllm_engine.routers.families import FAMILIES, parse_router, usable
from selectllm_engine.routers.features import nearest_questions
from selectllm_engine.routers.storage import load_router, read_manifest
from selectllm_engine.routers.training_data import training_data
from selectllm_engine.store import ConfidenceForest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PolicySpec, PoolView, VoteRule
    from selectllm_engine.llms import Pool
    from selectllm_engine.routers.training_data import TrainingData
    from selectllm_engine.run import StoredRun

__all__ = ["Neighbour", "RoutedLLM", "Routing", "routable", "route"]


@dataclass(frozen=True, slots=True)
class RoutedLLM:
    """One LLM of the pool and a new question.

    Attributes:
        probability: of being right.
        forest: the confidence forest's probability, where the policy reads it.
        latency: the LLM's mean seconds on the benchmark; None where unknown.
        asked: the chance that the policy asks it: 0 or 1 except under `random`; None under a policy that
            decides only once there are answers.
    """

    llm: str
    probability: float
    forest: float | None
    latency: float | None
    asked: float | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A training question with the LLMs that were right on it; similarity is the TF-IDF cosine."""

    question_id: str
    text: str
    similarity: float
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """Which LLMs would answer a new question, and why.

    Attributes:
        llms: the pool, in the order of the run.
        order: the LLMs that the policy asks; where it stops early, the order in which it would.
        reason: the policy in words.
        nearest: the most similar training questions.
    """

    question: str
    router: str
    policy: PolicySpec
    llms: tuple[RoutedLLM, ...]
    order: tuple[str, ...]
    reason: str
    nearest: tuple[Neighbour, ...]


def route(
    run: StoredRun,
    question: str,
    router: str | None = None,
    policy: str = "argmax",
    *,
    pool: Pool | Iterable[str] | None = None,
    k: int | None = None,
    vote: VoteRule = EQUAL,
    encoders: Mapping[str, str] | None = None,
    device: str = "auto",
) -> Routing:
    """Route a question that the benchmark doesn't have.

    Args:
        run: whose routers and figures are used.
        question: its text.
        router: a trained one; without it `stack`, else the one with the highest weighted F1 on validation, of those
            that can run here.
        policy: for example "threshold:0.6".
        pool: the LLMs switched on; all without it.
        k: a policy learns from the first k samples; None for all.
        vote: the rule under which "auto" is tuned.
        encoders: where encoders are: name -> folder or hub id.
        device: "auto", "cpu" or "cuda", for what runs a transformer.

    Raises:
        UnknownNameError: an unknown router, policy or LLM.
        UsageError: there is no text, no trained router, or the policy can't be used here.
        CacheError: the router can't be loaded.
    """
    spec = parse_policy(policy)
    if not question.strip():
        raise UsageError("the question is empty", "give its text in quotes")
    if router is not None and router not in run.routers:
        raise UnknownNameError("router", router, run.routers)
    if router is not None and not _trained(router):
        raise UsageError(f"of {router} there are probabilities only", "train a router: selectllm train --all")
    data = training_data(run)
    name, probabilities = _predicted(run, question, [router] if router else _by_merit(run), encoders, device)

    held_out = "validation" if data.validation is not None else "train"
    view = run.view(pool, k=k, split=held_out, vote=vote)
    known = run.scores(name, held_out, forest=False)
    forest = None
    if spec.needs_forest:
        if data.validation is None:
            raise UsageError(f"the policy {spec.name} needs a validation split", "take another --policy")
        forest = ConfidenceForest().fit(known.probabilities, data.validation.labels).predict_proba(probabilities)
    asked = None
    try:
        spec = view.tune(known, spec)
        chain = chain_of(spec, view.inputs(known))
        if chain is None:
            taught = RouterScores(name, probabilities, forest=forest, train=known.train, validation=known.validation)
            asked = _asked(view, taught, spec)
    except NotAvailableError as reason:
        raise UsageError(f"{name} {spec}: {reason}", "take another --policy") from reason
    return Routing(
        question,
        name,
        spec,
        _routed(view, probabilities[0], None if forest is None else forest[0], asked),
        tuple(run.llms[llm] for llm in chain or view.order if asked is None or asked[llm] > 0),
        POLICIES[spec.name].help,
        _neighbours(data, question),
    )


def routable(run: StoredRun, encoders: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The trained routers that can read a new text here without fetching anything; one that combines needs all others.

    `encoders` as for `route`. Nothing is loaded: a router that is damaged is among them.
    """
    trained = {name: parse_router(name) for name in run.routers if _trained(name)}
    usable_here = {name: usable(each, encoders or {}) for name, each in trained.items() if not each.info.combines}
    whole = all(usable_here.values())
    return tuple(name for name in trained if usable_here.get(name, whole))


def _predicted(
    run: StoredRun, question: str, names: Iterable[str], encoders: Mapping[str, str] | None, device: str
) -> tuple[str, NDArray[np.float32]]:
    """The first of these routers that can run here, and its probabilities [1, N]."""
    reason: SelectLLMError | None = None
    for name in names:
        folder = run.cache.router_dir(run.benchmark, name)
        llms = read_manifest(folder).get("llms")
        if not isinstance(llms, list) or (untrained := [llm for llm in run.llms if llm not in llms]):
            missing = ", ".join(untrained) if isinstance(llms, list) else "all LLMs"
            raise CacheError(
                f"{name} was trained without {missing}", f"selectllm train --router {name} trains it again"
            )
        try:
            predicted: NDArray[np.float32] = load_router(folder, encoders, device=device).predict_proba([question])
        except (UsageError, EngineError) as error:  # its encoder, or the extra that runs it, is not here
            reason = reason or error
            continue
        return name, predicted[:, [llms.index(llm) for llm in run.llms]]
    assert reason is not None  # noqa: S101 - there was a router
    raise reason


def _by_merit(run: StoredRun) -> list[str]:
    """The routers for those who name none, the best first."""

    def merit(name: str) -> tuple[bool, float]:
        f1 = run.router_info(name).get("validation_f1")
        return parse_router(name).info.combines, f1 if isinstance(f1, float) else -1.0

    trained = [name for name in run.routers if _trained(name)]
    if not trained:
        raise UsageError(f"{run.benchmark} has no trained router", "make some: selectllm train --all")
    return sorted(trained, key=merit, reverse=True)


def _trained(name: str) -> bool:
    return name.partition(":")[0] in FAMILIES


def _asked(view: PoolView, scores: RouterScores, spec: PolicySpec) -> NDArray[np.float64]:
    """The chance of each LLM to be asked, [N]."""
    selection = select(spec, view.inputs(scores))
    chances = selection.mask if selection.weights is None else selection.weights
    return np.asarray(chances[0], dtype=np.float64)


def _routed(
    view: PoolView, probabilities: NDArray[np.float32], forest: NDArray[np.float32] | None, asked: Any
) -> tuple[RoutedLLM, ...]:
    latency = view.prepared.mean_latency
    return tuple(
        RoutedLLM(
            view.pool.run[llm],
            float(probabilities[llm]),
            None if forest is None else float(forest[llm]),
            None if np.isnan(latency[llm]) else float(latency[llm]),
            None if asked is None else float(asked[llm]),
        )
        for llm in np.flatnonzero(view.mask)
    )


def _neighbours(data: TrainingData, question: str) -> tuple[Neighbour, ...]:
    return tuple(
        Neighbour(
            data.train.ids[row],
            data.train.texts[row],
            similarity,
            tuple(data.llms[llm] for llm in np.flatnonzero(data.train.labels[row])),
        )
        for row, similarity in nearest_questions(question, data.train.texts)
    )
