"""A new question through a trained router: probabilities, which LLMs a policy would ask, and similar questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation import EQUAL, POLICIES, known
from selectllm_engine.routers.chooser import choose_by, is_trained
from selectllm_engine.routers.families import parse_router, usable
from selectllm_engine.routers.features import Nearest
from selectllm_engine.routers.training_data import training_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import PolicySpec, PoolView, Selection, VoteRule
    from selectllm_engine.llms import Pool
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.run import StoredRun

__all__ = ["Neighbour", "RoutedLLM", "Routing", "routable", "route", "route_all"]


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
    if not question.strip():
        raise UsageError("the question is empty", "give its text in quotes")
    chooser = choose_by(run, router, policy, pool=pool, vote=vote, k=k, encoders=encoders, device=device)
    beliefs = chooser.believe([question])
    asked = None
    if chooser.chain is None:
        asked = _chances(chooser.select(beliefs))[0]
    forest = None if beliefs.forest is None else beliefs.forest[0]
    return Routing(
        question,
        chooser.name or "",
        chooser.spec,
        _routed(chooser.view, beliefs.probabilities[0], forest, asked),
        tuple(run.llms[llm] for llm in chooser.chain or chooser.view.order if asked is None or asked[llm] > 0),
        POLICIES[chooser.spec.name].help,
        _neighbours(run, question),
    )


def route_all(chooser: Chooser | Fixed, questions: Sequence[str]) -> pl.DataFrame:
    """Route many questions at once.

    Columns: `question`; `asked`, a list of LLMs from fast to slow, under a policy that stops early in the order in
    which it would ask; `confidence`, the highest chance of being right of those asked, as the policy goes by it, null
    where no router is asked; and for each LLM of the pool `<llm>|p`, the router's probability.
    """
    beliefs = chooser.believe(questions)
    names, view = chooser.view.pool.run, chooser.view
    if chooser.chain is None:
        chances = _chances(chooser.select(beliefs))
        asked = [[names[llm] for llm in view.order if row[llm] > 0] for row in chances]
    else:
        chances = np.broadcast_to(np.isin(np.arange(view.llms), chooser.chain), beliefs.probabilities.shape)
        asked = [[names[llm] for llm in chooser.chain]] * len(questions)
    unknown = np.full_like(beliefs.probabilities, np.nan)
    probabilities, surest = (unknown, unknown) if chooser.name is None else (beliefs.probabilities, beliefs.surest)
    confidence = np.where(chances > 0, surest, -1).max(axis=1, initial=-1)
    return pl.DataFrame(
        {
            "question": pl.Series(questions, dtype=pl.String),
            "asked": pl.Series(asked, dtype=pl.List(pl.String)),
            "confidence": pl.Series(confidence, dtype=pl.Float32).fill_nan(None),
            **{
                f"{names[llm]}|p": pl.Series(probabilities[:, llm], dtype=pl.Float32).fill_nan(None)
                for llm in np.flatnonzero(view.mask)
            },
        }
    )


def routable(run: StoredRun, encoders: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The trained routers that can read a new text here without fetching anything; one that combines needs all others.

    `encoders` as for `route`. Nothing is loaded: a router that is damaged is among them.
    """
    trained = {name: parse_router(name) for name in run.routers if is_trained(name)}
    usable_here = {name: usable(each, encoders or {}) for name, each in trained.items() if not each.info.combines}
    whole = all(usable_here.values())
    return tuple(name for name in trained if usable_here.get(name, whole))


def _chances(selection: Selection) -> NDArray[np.float64]:
    """The chance of each LLM to be asked, [Q, N]."""
    chances = selection.mask if selection.weights is None else selection.weights
    return np.asarray(chances, dtype=np.float64)


def _routed(
    view: PoolView, probabilities: NDArray[np.float32], forest: NDArray[np.float32] | None, asked: Any
) -> tuple[RoutedLLM, ...]:
    latency = view.prepared.mean_latency
    return tuple(
        RoutedLLM(
            view.pool.run[llm],
            float(probabilities[llm]),
            None if forest is None else float(forest[llm]),
            known(latency[llm]),
            None if asked is None else float(asked[llm]),
        )
        for llm in np.flatnonzero(view.mask)
    )


def _neighbours(run: StoredRun, question: str) -> tuple[Neighbour, ...]:
    if "nearest" not in run.kept:
        data = training_data(run)
        run.kept["nearest"] = data, Nearest(data.train.texts)
    data, nearest = run.kept["nearest"]
    return tuple(
        Neighbour(
            data.train.ids[row],
            data.train.texts[row],
            similarity,
            tuple(data.llms[llm] for llm in np.flatnonzero(data.train.labels[row])),
        )
        for row, similarity in nearest.to(question)
    )
