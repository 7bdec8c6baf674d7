"""One question looked at closely: every LLM's votes, the router's choice and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.errors import NotAvailableError, UsageError
from selectllm_engine.evaluation import (
    EQUAL,
    NOT_FOUND,
    NOT_SAMPLED,
    PolicySpec,
    Vote,
    as_routers,
    as_spec,
    html_table,
    known,
    majority_vote,
    pooled_votes,
    tally,
    weighed_vote,
)
from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from selectllm_engine.evaluation import Outcomes, Policy, PoolView, Router, RouterScores, Selection, VoteRule
    from selectllm_engine.llms import Pool
    from selectllm_engine.run import StoredRun

__all__ = ["LLMVotes", "QuestionView", "look_at", "view_question"]


@dataclass(frozen=True, slots=True)
class LLMVotes:
    """What one LLM answered to one question.

    Attributes:
        llm: its name; empty for several together.
        vote: the winner; None where only labels are known.
        right: is the winner the gold answer (or the recorded verdict right); None where it can't be said.
        votes: distinct answers with their counts, most frequent first, ties as first seen.
        silent: samples in which no answer was found.
        latency, cost: seconds and dollars; None where unknown.
        probability: the router's, of being right; None without a router.
        selected: does the policy choose it; None without a router.
        weight: what its samples together weigh in a learned vote, in nats; None where it has no part in one.
    """

    llm: str
    vote: Vote | None
    right: bool | None
    votes: tuple[tuple[str, int], ...]
    silent: int
    latency: float | None = None
    cost: float | None = None
    probability: float | None = None
    selected: bool | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question with every vote.

    Attributes:
        question: its row: question_id, split, subject, text, choices, gold, kind.
        llms: what each LLM of the run answered, in its order.
        together: the selected LLMs' samples (the pool's without a router) as those of one; None with labels only.
        vote: the vote rule by which several LLMs answer: "equal", "learned" or a file's name; None where one does.
        answers: under a learned vote every answer and the chance that it is right, the winner first; else empty.
        none: the chance that none of them is; None without a learned vote.
        right: is that vote right; None where it can't be said.
        verdict: what became of it; None where the question is incomplete.
        oracle: the fastest right LLM of the pool, if any.
        complete: False where some LLM has fewer than K samples, so that the question is left out of all figures.
        note: why there is no router's choice, where one was asked for.
    """

    question: dict[str, Any]
    llms: tuple[LLMVotes, ...]
    together: LLMVotes | None
    right: bool | None
    verdict: Verdict | None
    oracle: str | None
    complete: bool
    note: str | None = None
    vote: str | None = None
    answers: tuple[tuple[str, float], ...] = ()
    none: float | None = None
    _generations: Callable[[str], pl.DataFrame] = field(repr=False, compare=False, default=lambda _: pl.DataFrame())

    @property
    def pooled(self) -> Vote | None:
        """The vote over the selected LLMs' samples (the pool's without a router); None with labels only."""
        return None if self.together is None else self.together.vote

    def __repr__(self) -> str:
        return f"<Question {self.question['question_id']!r}: {self.verdict or 'incomplete'}, {len(self.llms)} LLMs>"

    def _repr_html_(self) -> str:
        """How a notebook shows it: the text, then every LLM's votes."""
        marks = {True: "✓", False: "✗", None: None}
        rows = (
            [
                each.llm,
                marks[each.right],
                ", ".join(f"{answer} {count}×" for answer, count in each.votes),
                None if each.probability is None else f"{each.probability:.2f}",
                "yes" if each.selected else "",
            ]
            for each in self.llms
        )
        heads = ["LLM", "right", "votes", "p(right)", "asked"]
        title = f"{self.question['text']}\n{self.verdict or 'incomplete'}"
        if self.answers:
            title += f"\nlearned vote: {self.answers[0][0]}, right with a chance of {self.answers[0][1]:.2f}"
        return html_table(title, heads, [rows])

    def generations(self, llm: str) -> pl.DataFrame:
        """The LLM's generations for this question, in order of samples."""
        return self._generations(llm)


def look_at(
    run: StoredRun,
    question_id: str,
    pool: Pool,
    router: Router | Mapping[str, ArrayLike] | None,
    policy: Policy | None,
    *,
    k: int | None,
    protocol: str,
    vote: VoteRule = EQUAL,
) -> QuestionView:
    """See `Run.question`."""
    spec = None if policy is None else as_spec(policy)
    if router is None and spec is not None:
        raise UsageError(f"the policy {spec} has no router to choose by", "name a router beside it")
    question = run.question_row(question_id)
    split = str(question["split"])
    outcomes = run.outcomes(split)
    places = (outcomes.questions["question_id"] == question_id).arg_true()
    if not len(places):
        return _incomplete(run, question, pool, k)

    place = int(places[0])
    view = run.view(pool, k=k, protocol=protocol, split=split, vote=vote)
    scores = note = None
    try:
        selection = view.everyone()
    except NotAvailableError as reason:
        view, note = run.view(pool, k=k, protocol=protocol, split=split), str(reason)
        selection = view.everyone()
    verdicts = view.verdicts(selection)
    if router is not None:
        spec = spec or PolicySpec("argmax")
        given = as_routers(router)
        if len(given) != 1:
            raise UsageError(f"a question is looked at with one router, not {len(given)}", "name one")
        scores = run.scored(given[0], split, forest=spec.needs_forest)
        try:
            spec = view.tune(scores, spec)
            selection, verdicts = view.policy(scores, spec), view.policy_verdicts(scores, spec)
        except NotAvailableError as reason:
            note = str(reason)
    verdict = Verdict.of(verdicts.verdict[place])
    seen = view_question(view, question, place, selection=selection, verdict=verdict, scores=scores)
    return replace(seen, note=note, _generations=partial(run.generations, question_id))


def view_question(
    view: PoolView,
    question: dict[str, Any],
    place: int,
    *,
    selection: Selection,
    verdict: Verdict,
    scores: RouterScores | None = None,
) -> QuestionView:
    """A question of a pool's split, with the LLMs that answer it and what became of it.

    Args:
        view: the pool over the question's split.
        question: its row.
        place: its place in the split.
        selection: the LLMs that answer the split's questions.
        verdict: what became of it.
        scores: the router's, for its probabilities.
    """
    prepared = view.prepared
    said, chosen = _said(prepared.outcomes, place), selection.mask[place]
    weighed = weighed_vote(selection, prepared.outcomes, scores, place)
    words = None if prepared.outcomes.vocabulary is None else prepared.outcomes.vocabulary[place]
    together = None if said is None else _together(said, chosen)
    if together is not None and together.vote is not None and prepared.made is not None:
        together = replace(together, vote=_shared(prepared.outcomes, place, chosen, together.vote))
    good = view.mask & prepared.labels[place]
    return QuestionView(
        question=question,
        llms=tuple(
            _votes(
                name,
                None if said is None else said[llm],
                right=bool(prepared.labels[place, llm]),
                latency=known(prepared.latency[place, llm]),
                cost=known(prepared.cost[place, llm]),
                probability=None if scores is None else known(scores.probabilities[place, llm]),
                selected=None if scores is None else bool(chosen[llm]),
                weight=None if weighed is None else weighed.weights.get(name),
            )
            for llm, name in enumerate(view.pool.run)
        ),
        together=together,
        right=None if verdict is Verdict.UNKNOWN else verdict in {Verdict.RIGHT, Verdict.RESCUED},
        verdict=verdict,
        oracle=view.pool.run[_fastest(view, place, good)] if good.any() else None,
        complete=True,
        vote=(selection.vote or "equal") if chosen.sum() > 1 else None,
        answers=() if weighed is None or words is None else tuple((words[code], p) for code, p in weighed.answers),
        none=None if weighed is None else weighed.none,
    )


def _incomplete(run: StoredRun, question: dict[str, Any], pool: Pool, k: int | None) -> QuestionView:
    """A question that is left out of all figures, from whatever samples there are."""
    question_id = question["question_id"]
    said: list[list[str | None]] = []
    for name in run.llms:
        rows = run.cache.answers(run.benchmark, name).filter(pl.col("question_id") == question_id).sort("sample")
        said.append(rows["answer"].to_list()[:k])
    together = _together(said, np.array(pool.mask))
    gold = question["gold"]
    return QuestionView(
        question=question,
        llms=tuple(
            _votes(name, answers, right=_right(majority_vote(answers), gold))
            for name, answers in zip(run.llms, said, strict=True)
        ),
        together=together,
        right=_right(together.vote, gold),
        verdict=None,
        oracle=None,
        complete=False,
        _generations=partial(run.generations, question_id),
    )


def _fastest(view: PoolView, place: int, good: NDArray[np.bool_]) -> int:
    return int(
        min((llm for llm in view.order if good[llm]), key=lambda llm: view.prepared.comparable_latency[place, llm])
    )


def _right(vote: Vote | None, gold: str | None) -> bool | None:
    return None if gold is None or vote is None or not vote.valid else vote.answer == gold


def _said(outcomes: Outcomes, place: int) -> list[list[str | None]] | None:
    """The answers of every LLM to one question, in order of samples; None where only labels are known."""
    if outcomes.answers is None or outcomes.vocabulary is None:
        return None
    words = outcomes.vocabulary[place]
    made = ([code for code in codes if code != NOT_SAMPLED] for codes in outcomes.answers[place].tolist())
    return [[words[code] if code >= 0 else None for code in codes] for codes in made]


def _together(said: Sequence[Sequence[str | None]], chosen: NDArray[np.bool_]) -> LLMVotes:
    """The samples of the chosen LLMs as those of one."""
    answers = [answer for llm in np.flatnonzero(chosen).tolist() for answer in said[llm]]
    return _votes("", answers, right=None)


def _shared(outcomes: Outcomes, place: int, chosen: NDArray[np.bool_], vote: Vote) -> Vote:
    """The vote where each LLM's is shared out among the samples made; how many those are stays as counted."""
    assert outcomes.answers is not None and outcomes.vocabulary is not None  # noqa: S101, PT018 - there is a vote
    answers = outcomes.answers[place : place + 1]
    found = pooled_votes(tally(answers), chosen)
    code = int(found.code[0])
    if code == NOT_FOUND:
        return vote
    count = int(np.count_nonzero(answers[0, chosen] == code))
    return replace(vote, answer=outcomes.vocabulary[place][code], count=count, tied=bool(found.tied[0]))


def _votes(name: str, answers: Sequence[str | None] | None, *, right: bool | None, **more: Any) -> LLMVotes:
    counts = Counter(answer for answer in answers or () if answer is not None)
    return LLMVotes(
        llm=name,
        votes=tuple(counts.most_common()),  # ties stay as first seen
        silent=len(answers or ()) - counts.total(),
        vote=None if answers is None else majority_vote(answers),
        right=right,
        **more,
    )
