"""One question with every LLM's votes, and where it stands within the filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.insights import view_question
from selectllm_tui.snapshots.questions import Questions, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.insights import LLMVotes
    from selectllm_engine.verdicts import Verdict
    from selectllm_tui.snapshots.model import Model, Tick
    from selectllm_tui.state import State

__all__ = ["Detail", "ShownVotes", "question"]


@dataclass(frozen=True, slots=True)
class ShownVotes:
    """One LLM's votes on a question, or (`llm` empty) the pooled ones.

    `votes` are (answer, how often), most first, None for samples without an answer; `right` is None where the LLM
    gave no answer at all. `weight` is what its samples together weigh in a learned vote, in nats; None without one.
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
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything the Question tab shows; `place` counts from 1 within the `of` questions of the filter, 0 outside.

    Under a learned vote `chances` are the answers and how probably each is right, the winner first, and `none` how
    probably none is.
    """

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
    ballots: tuple[ShownVotes, ...]
    pooled: ShownVotes | None
    oracle: str | None
    chances: tuple[tuple[str, float], ...] = ()
    none: float | None = None


def question(model: Model, state: State, _: Tick) -> Iterator[tuple[str, Detail | Questions | None]]:
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
    scores = model.scores(setup) if setup.router is not None else None
    place = shown.find(row["question_id"])
    selected = shown.judged.selected[q]
    seen = view_question(
        model.view(setup), row, q, selection=shown.judged.selection, verdict=shown.verdict_of(q), scores=scores
    )
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
        ballots=tuple(
            _ballot(each, on=shown.on[n], selected=bool(selected[n]), right=bool(each.right))
            for n, each in enumerate(seen.llms)
        ),
        pooled=None if seen.together is None else _ballot(seen.together, right=bool(shown.judged.right[q])),
        oracle=seen.oracle,
        chances=seen.answers,
        none=seen.none,
    )


def _ballot(each: LLMVotes, *, right: bool, on: bool = True, selected: bool = True) -> ShownVotes:
    return ShownVotes(
        llm=each.llm,
        on=on,
        selected=selected,
        probability=each.probability,
        votes=(*each.votes, *([(None, each.silent)] if each.silent else [])),
        winner=None if each.vote is None else each.vote.answer,
        right=right,
        tied=each.vote is not None and each.vote.tied,
        latency=each.latency,
        weight=each.weight,
    )
