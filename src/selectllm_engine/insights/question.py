"""One question looked at closely: every LLM's votes, the router's choice and what became of it."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.errors import NotAvailableError, UsageError
from selectllm_engine.evaluation import PolicySpec, Vote, majority_vote, parse_policy
from selectllm_engine.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import Outcomes, PoolView
    from selectllm_engine.llms import Pool
    from selectllm_engine.run import StoredRun

__all__ = ["LLMVotes", "QuestionView", "look_at"]


@dataclass(frozen=True, slots=True)
class LLMVotes:
    """What one LLM answered to one question.

    Attributes:
        llm: its name.
        votes: distinct answers with their counts, most frequent first, ties as first seen.
        silent: samples in which no answer was found.
        vote: the winner; None where only labels are known.
        right: is the winner the gold answer (or the recorded verdict right); None where it can't be said.
        latency, cost: seconds and dollars; None where unknown.
        probability: the router's, of being right; None without a router.
        selected: does the policy choose it; None without a router.
    """

    llm: str
    votes: tuple[tuple[str, int], ...]
    silent: int
    vote: Vote | None
    right: bool | None
    latency: float | None = None
    cost: float | None = None
    probability: float | None = None
    selected: bool | None = None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question with every vote.

    Attributes:
        question: its row: question_id, split, subject, text, choices, gold, kind.
        llms: what each LLM of the run answered, in its order.
        pooled: the vote over the selected LLMs' samples (the pool's without a router); None with labels only.
        right: is that vote right; None where it can't be said.
        verdict: what became of it; None where the question is incomplete.
        oracle: the fastest right LLM of the pool, if any.
        complete: False where some LLM has fewer than K samples, so that the question is left out of all figures.
        note: why there is no router's choice, where one was asked for.
    """

    question: dict[str, Any]
    llms: tuple[LLMVotes, ...]
    pooled: Vote | None
    right: bool | None
    verdict: Verdict | None
    oracle: str | None
    complete: bool
    note: str | None = None
    _generations: Callable[[str], pl.DataFrame] = field(repr=False, compare=False, default=lambda _: pl.DataFrame())

    def generations(self, llm: str) -> pl.DataFrame:
        """The LLM's generations for this question, in order of samples."""
        return self._generations(llm)


def look_at(
    run: StoredRun,
    question_id: str,
    pool: Pool,
    router: str | None,
    policy: str | PolicySpec,
    *,
    k: int | None,
    protocol: str,
) -> QuestionView:
    """See `Run.question`."""
    found = run.questions.filter(pl.col("question_id") == question_id)
    if found.is_empty():
        raise _unknown(question_id, run.questions["question_id"])
    question = found.row(0, named=True)
    split = str(question["split"])
    outcomes = run.outcomes(split)
    places = (outcomes.questions["question_id"] == question_id).arg_true()
    if not len(places):
        return _incomplete(run, question, pool, k)

    place = int(places[0])
    view = run.view(pool, k=k, protocol=protocol, split=split)
    prepared = view.prepared
    selection, probabilities, note = view.everyone(), None, None
    verdicts = view.verdicts(selection)
    if router is not None:
        spec = policy if isinstance(policy, PolicySpec) else parse_policy(policy)
        scores = run.scores(router, split)
        probabilities = scores.probabilities[place]
        try:
            spec = view.tune(scores, spec)
            selection, verdicts = view.policy(scores, spec), view.policy_verdicts(scores, spec)
        except NotAvailableError as reason:
            note = str(reason)
    chosen = selection.mask[place]
    said = _said(prepared.outcomes, place)
    judged = Verdict.of(verdicts.verdict[place])
    good = view.mask & prepared.labels[place]
    return QuestionView(
        question=question,
        llms=tuple(
            _votes(
                name,
                None if said is None else said[llm],
                right=bool(prepared.labels[place, llm]),
                latency=_number(prepared.latency[place, llm]),
                cost=_number(prepared.cost[place, llm]),
                probability=None if probabilities is None else _number(probabilities[llm]),
                selected=None if router is None else bool(chosen[llm]),
            )
            for llm, name in enumerate(run.llms)
        ),
        pooled=None if said is None else _pooled(said, chosen),
        right=None if judged is Verdict.UNKNOWN else bool(verdicts.right[place]),
        verdict=judged,
        oracle=run.llms[_fastest(view, place, good)] if good.any() else None,
        complete=True,
        note=note,
        _generations=lambda llm: run.generations(question_id, llm),
    )


def _incomplete(run: StoredRun, question: dict[str, Any], pool: Pool, k: int | None) -> QuestionView:
    """A question that is left out of all figures, from whatever samples there are."""
    question_id = question["question_id"]
    said: list[list[str | None]] = []
    for name in run.llms:
        rows = run.cache.answers(run.benchmark, name).filter(pl.col("question_id") == question_id).sort("sample")
        said.append(rows["answer"].to_list()[:k])
    pooled = _pooled(said, np.array(pool.mask))
    gold = question["gold"]
    return QuestionView(
        question=question,
        llms=tuple(
            _votes(name, answers, right=_right(majority_vote(answers), gold))
            for name, answers in zip(run.llms, said, strict=True)
        ),
        pooled=pooled,
        right=_right(pooled, gold),
        verdict=None,
        oracle=None,
        complete=False,
        _generations=lambda llm: run.generations(question_id, llm),
    )


def _fastest(view: PoolView, place: int, good: NDArray[np.bool_]) -> int:
    return int(min((llm for llm in view.order if good[llm]), key=lambda llm: view.prepared.pace[place, llm]))


def _right(vote: Vote, gold: str | None) -> bool | None:
    return None if gold is None or not vote.valid else vote.answer == gold


def _said(outcomes: Outcomes, place: int) -> list[list[str | None]] | None:
    """The answers of every LLM to one question, in order of samples; None where only labels are known."""
    if outcomes.answers is None or outcomes.vocabulary is None:
        return None
    words = outcomes.vocabulary[place]
    return [[words[code] if code >= 0 else None for code in codes] for codes in outcomes.answers[place].tolist()]


def _pooled(said: Sequence[Sequence[str | None]], chosen: NDArray[np.bool_]) -> Vote:
    return majority_vote([answer for llm in np.flatnonzero(chosen).tolist() for answer in said[llm]])


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


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def _unknown(question_id: str, known: pl.Series) -> UsageError:
    near = difflib.get_close_matches(question_id, known.head(20_000).to_list(), n=1)
    remedy = f"did you mean {near[0]!r}?" if near else f"ids look like {known[0]!r}"
    return UsageError(f"no question {question_id!r}", remedy)
