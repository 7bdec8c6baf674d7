"""The labelled questions that setups are chosen on: train and validation as one split, with held-out probabilities.

L labelled questions, N LLMs of the run. Nothing of the test split comes here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.errors import SelectLLMError, UsageError
from selectllm_engine.evaluation import Outcomes, RouterScores
from selectllm_engine.routers import make_router, parse_router
from selectllm_engine.routers.routing import routable
from selectllm_engine.routers.training_data import training_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import By
    from selectllm_engine.run import StoredRun

__all__ = ["FEWEST", "ChoiceData", "choice_data"]

FEWEST = 50  # labelled questions: fewer tell setups apart by luck alone
SILENT = "prior"  # says the same of every question


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceData:
    """What setups are chosen on.

    Attributes:
        outcomes: of the L questions, over the samples that both splits have.
        routers: those that can route here, with probabilities [L, N] from what *other* questions teach.
        left_out: why others are not among them, a line each.
        by_question: the routers with which cost-aware looks at what each question takes, for seconds or dollars.
    """

    outcomes: Outcomes
    routers: tuple[RouterScores, ...]
    left_out: tuple[str, ...] = ()
    by_question: frozenset[tuple[str, By]] = frozenset()

    def rows(self, chosen: NDArray[np.intp]) -> ChoiceData:
        """Some of the questions."""
        found = self.outcomes
        outcomes = replace(
            found,
            questions=found.questions[chosen],
            answers=None if found.answers is None else found.answers[chosen],
            gold=found.gold[chosen],
            labels=found.labels[chosen],
            latency=found.latency[chosen],
            cost=found.cost[chosen],
            expected=None if found.expected is None else replace(found.expected, tokens=found.expected.tokens[chosen]),
        )
        routers = (RouterScores(each.name, each.probabilities[chosen]) for each in self.routers)
        return replace(self, outcomes=outcomes, routers=tuple(routers))


def choice_data(run: StoredRun, encoders: Mapping[str, str] | None = None) -> ChoiceData:
    """The labelled questions of a run, and its routers that can route a new question here.

    Args:
        run: from `selectllm_engine.load`.
        encoders: where encoders are, as for `route`.

    Raises:
        UsageError: fewer than 50 questions are labelled.
    """
    splits = [each for name in ("train", "validation") if (each := run.beside(name, None)) is not None]
    count = sum(each.questions for each in splits)
    if count < FEWEST:
        raise UsageError(
            f"to recommend takes {FEWEST} labelled questions of train and validation; {run.benchmark} has {count}",
            f"sample them: selectllm generate --benchmark {run.benchmark} --split train --split validation",
        )
    names = [each.outcomes.split for each in splits]
    here = routable(run, encoders)
    routers, left_out, elsewhere = [], [], []
    for name in run.routers:
        if name == SILENT:
            continue
        if name not in here:
            elsewhere.append(name)
            continue
        try:
            routers.append(RouterScores(name, np.concatenate([_held_out(run, name, split) for split in names])))
        except SelectLLMError as reason:
            left_out.append(f"left out: {reason}")
    if elsewhere:
        left_out.append(f"left out, for they can't route a new question on this machine: {', '.join(elsewhere)}")
    both: tuple[By, ...] = ("latency", "cost")
    by_question = frozenset(
        (each.name, by)
        for each in routers
        for by in both
        if run.learner().better_by_question(run.scores(each.name, forest=False), by)
    )
    return ChoiceData(_joined([each.whole for each in splits]), tuple(routers), tuple(left_out), by_question)


def _held_out(run: StoredRun, name: str, split: str) -> NDArray[np.float32]:
    """A router's probabilities for a labelled split from what other questions teach; raises where there are none."""
    scores = run.scores(name, forest=False)
    if scores.note is not None or scores.missing:
        raise UsageError(scores.note or f"{name} was trained without {', '.join(scores.missing)}")
    found = scores.validation if split == "validation" else scores.train
    if found is not None:
        return found
    parsed = parse_router(name)
    if split == "train" and parsed.features == "tfidf":
        data = training_data(run)
        texts, labels = data.train.texts, data.train.labels
        held_out = None if data.validation is None else (data.validation.texts, data.validation.labels)
        made: Any = make_router(name).fit(texts, labels, validation=held_out)
        return np.asarray(made.held_out(texts, labels))
    raise UsageError(f"{name} has no probabilities for {split} that are held out, and costs too much to fit in folds")


def _joined(splits: list[Outcomes]) -> Outcomes:
    """Two splits as one, over the samples that both have."""
    samples = min(each.samples for each in splits)
    answers = [each.answers[:, :, :samples] for each in splits if each.answers is not None]
    expected = [each.expected for each in splits if each.expected is not None]
    return Outcomes(
        benchmark=splits[0].benchmark,
        split="train and validation",
        questions=pl.concat([each.questions for each in splits], how="diagonal_relaxed"),
        llms=splits[0].llms,
        samples=samples if len(answers) == len(splits) else 0,
        answers=np.concatenate(answers) if len(answers) == len(splits) else None,
        vocabulary=None,
        gold=np.concatenate([each.gold for each in splits]),
        labels=np.concatenate([each.labels for each in splits]),
        latency=np.concatenate([each.latency for each in splits]),
        cost=np.concatenate([each.cost for each in splits]),
        expected=replace(expected[0], tokens=np.concatenate([each.tokens for each in expected]))
        if len(expected) == len(splits)
        else None,
    )
