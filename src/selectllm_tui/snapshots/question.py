"""One question with every LLM's votes, and where it stands within the filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_tui.snapshots.questions import Questions, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl
    from numpy.typing import NDArray

    from selectllm_engine.evaluation import RouterScores
    from selectllm_engine.verdicts import Verdict
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["Ballot", "Detail", "question"]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One LLM's votes on a question, or (`llm` empty) the pooled ones.

    `votes` are (answer, how often), most first, None for samples without an answer; `right` is None where the LLM
    gave no answer at all.
    """

    llm: str
    on: bool
    selected: bool
    probability: float | None
    votes: tuple[tuple[str | None, int], ...]
    winner: str | None
    right: bool
    tied: bool
    latency: float | None


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything the Question tab shows; `place` counts from 1 within the `of` questions of the filter, 0 outside."""

    question_id: str
    subject: str | None
    text: str
    choices: tuple[str, ...]
    gold: str
    kind: str
    verdict: Verdict
    k: int
    place: int
    of: int
    ballots: tuple[Ballot, ...]
    pooled: Ballot | None
    oracle: str | None


def question(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Any]]:
    """The list that next and previous move in, then the question under the cursor."""
    shown = listing(model, state)
    yield "questions", shown
    yield "question", detail(model, state, shown)


def detail(model: Model, state: State, shown: Questions) -> Detail | None:
    """The state's question, the first within the filter where it names none; None where there is none."""
    q = shown.index(state.view.question) if state.view.question is not None else None
    if q is None:
        if not len(shown.order):
            return None
        q = int(shown.order[0])
    setup = state.setup
    row = shown.frame.row(q, named=True)
    prepared = model.prepared(setup.split, setup.k)
    scores = model.scores(setup) if setup.router is not None else None
    place = shown.find(row["question_id"])
    ballots = tuple(_ballot(shown, scores, q, n, prepared) for n in range(len(shown.llms)))
    solved = [n for n in range(len(shown.llms)) if shown.on[n] and prepared.labels[q, n]]
    return Detail(
        question_id=row["question_id"],
        subject=row["subject"],
        text=row["text"] or "",
        choices=tuple(row["choices"] or ()),
        gold=row["gold"] or "",
        kind=row["kind"],
        verdict=shown.verdict_of(q),
        k=setup.k,
        place=0 if place is None else place + 1,
        of=len(shown.order),
        ballots=ballots,
        pooled=_pooled(shown, prepared.outcomes, q),
        oracle=shown.llms[min(solved, key=lambda n: float(prepared.pace[q, n]))] if solved else None,
    )


def _ballot(shown: Questions, scores: RouterScores | None, q: int, n: int, prepared: Any) -> Ballot:
    outcomes, votes = prepared.outcomes, shown.judged.votes
    probability = float(scores.probabilities[q, n]) if scores is not None and scores.note is None else None
    latency = float(prepared.latency[q, n])
    return Ballot(
        llm=shown.llms[n],
        on=shown.on[n],
        selected=bool(shown.judged.selected[q, n]),
        probability=None if probability is None or np.isnan(probability) else probability,
        votes=_count(outcomes.answers[q, n], outcomes.vocabulary[q]) if outcomes.answers is not None else (),
        winner=_answer(votes.code[q, n], outcomes.vocabulary[q]) if votes is not None else None,
        right=bool(prepared.labels[q, n]),
        tied=bool(votes.tied[q, n]) if votes is not None else False,
        latency=None if np.isnan(latency) else latency,
    )


def _pooled(shown: Questions, outcomes: Any, q: int) -> Ballot | None:
    pooled = shown.judged.pooled
    if pooled is None:
        return None
    answers = outcomes.answers[q, np.flatnonzero(shown.judged.selected[q])]
    return Ballot(
        llm="",
        on=True,
        selected=True,
        probability=None,
        votes=_count(answers.reshape(-1), outcomes.vocabulary[q]),
        winner=_answer(pooled.code[q], outcomes.vocabulary[q]),
        right=bool(shown.judged.right[q]),
        tied=bool(pooled.tied[q]),
        latency=None,
    )


def _answer(code: Any, words: pl.Series) -> str | None:
    return str(words[int(code)]) if code >= 0 else None


def _count(codes: NDArray[np.int16], words: pl.Series) -> tuple[tuple[str | None, int], ...]:
    counts: dict[str | None, int] = {}
    for code in codes.tolist():
        answer = _answer(code, words)
        counts[answer] = counts.get(answer, 0) + 1
    return tuple(sorted(counts.items(), key=lambda item: (item[0] is None, -item[1])))
