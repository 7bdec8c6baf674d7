"""maj@K and pooled votes: arrays of answers in, arrays of winning answers out.

Q questions, N LLMs, K samples. Votes go to the most frequent answer; ties go to the answer seen first (LLM order of
the run, then sample order) and are counted. Samples without an answer don't vote. Where sampling stopped before K, the
samples made share out the votes that K would have had.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.errors import UsageError
from selectllm_engine.evaluation.outcomes import NOT_FOUND, Outcomes, samples_made

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Tally",
    "Vote",
    "Votes",
    "entries_by_llm",
    "llm_votes",
    "majority_vote",
    "pooled_votes",
    "prefix_leading_votes",
    "samples_up_to",
    "tally",
    "with_k",
]


@dataclass(frozen=True, slots=True)
class Vote:
    """The winner of one vote.

    `answer` is None where nobody voted; `valid` counts the votes cast; `tied` says that another answer had as many.
    """

    answer: str | None
    count: int
    valid: int
    tied: bool


def majority_vote(answers: Sequence[str | None]) -> Vote:
    """The most frequent answer of one question; None doesn't vote, and ties go to the answer seen first."""
    counts = Counter(answer for answer in answers if answer is not None).most_common()  # ties stay as first seen
    if not counts:
        return Vote(None, 0, 0, tied=False)
    (answer, most), *others = counts
    return Vote(answer, most, sum(count for _, count in counts), tied=bool(others) and others[0][1] == most)


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """The winners of many votes, of shape [Q, N] (one per LLM) or [Q] (pooled).

    Attributes:
        code: int16, the winning answer's code; NOT_FOUND where nobody voted.
        count: as in the tally, how many votes it had.
        tied: bool, whether another answer had as many votes.
    """

    code: NDArray[np.int16]
    count: NDArray[np.int32] | NDArray[np.int64]
    tied: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """How often each LLM gave each answer: one entry per (question, answer, LLM) that occurs, in that order.

    Sparse, because a dense [Q, N, codes] array is as wide as the one question with the most distinct answers.
    A candidate is a question's answer: a run of entries with the same question and code.

    Attributes:
        questions, llms, samples: Q, N, K.
        ballots: how many votes each LLM has on a question. That is K, one per sample; where sampling stopped before K,
            each of the k samples made stands for ballots / k votes, so that every LLM keeps the same weight.
        pair: intp [E], question · N + LLM of each entry.
        llm: uint16 [E], its LLM.
        count: int32 (int64 where sampling stopped before K) [E], votes of that LLM for that answer.
        first: int32 [E], LLM · K + sample at which that LLM first gave it.
        candidate: intp [E], its candidate.
        candidate_code: int16 [G], the candidate's answer.
        candidate_question: intp [G], index into `voted` of the candidate's question.
        first_candidate: intp [V], first candidate of each question that has any vote.
        voted: intp [V], those questions, ascending.
    """

    questions: int
    llms: int
    samples: int
    ballots: int
    pair: NDArray[np.intp]
    llm: NDArray[np.uint16]
    count: NDArray[np.int32] | NDArray[np.int64]
    first: NDArray[np.int32]
    candidate: NDArray[np.intp]
    candidate_code: NDArray[np.int16]
    candidate_question: NDArray[np.intp]
    first_candidate: NDArray[np.intp]
    voted: NDArray[np.intp]

    @property
    def span(self) -> int:
        """A number larger than any `first`: votes · span − first orders answers by votes, then by who was first."""
        return self.llms * self.samples + 1


def tally(answers: NDArray[np.int16]) -> Tally:
    """Count the answers int16 [Q, N, K]; negative codes don't vote, and NOT_SAMPLED ends what was made."""
    questions, llms, samples = answers.shape
    places = llms * samples
    codes = int(answers.max(initial=0)) + 1
    kind = np.int32 if (codes + 1) * places < np.iinfo(np.int32).max else np.int64
    # One sort per question of code · places + place brings equal answers together, first seen first.
    absent = codes * places
    keys: NDArray[np.integer] = answers.reshape(questions, places).astype(kind)
    silent = keys < 0
    keys *= places
    keys += np.arange(places, dtype=kind)
    keys[silent] = absent
    keys.sort(axis=1)
    question, _ = np.nonzero(keys < absent)
    code, place = np.divmod(keys[keys < absent], max(places, 1))
    pair = question * llms + place // max(samples, 1)

    new_candidate = _changes(question) | _changes(code)
    entries = np.flatnonzero(new_candidate | _changes(pair))
    candidates = np.flatnonzero(new_candidate)
    asked = question[candidates]
    new_question = _changes(asked)
    count: NDArray[np.int32] | NDArray[np.int64] = np.diff(entries, append=len(code)).astype(np.int32)
    ballots = samples
    if (made := samples_made(answers)) is not None:
        ballots = _ballots(made, samples)
        of = made.reshape(-1)[pair[entries]]
        count = (2 * count.astype(np.int64) * ballots + of) // (2 * of)  # rounded; exact for a common multiple
    return Tally(
        questions=questions,
        llms=llms,
        samples=samples,
        ballots=ballots,
        pair=pair[entries],
        llm=(pair[entries] % max(llms, 1)).astype(np.uint16),
        count=count,
        first=place[entries].astype(np.int32),
        candidate=np.cumsum(new_candidate[entries]) - 1,
        candidate_code=code[candidates].astype(np.int16),
        candidate_question=np.cumsum(new_question) - 1,
        first_candidate=np.flatnonzero(new_question),
        voted=asked[new_question],
    )


def _ballots(made: NDArray[np.int32], samples: int) -> int:
    """A number of votes that K and every number of samples made divide, so that shares and ties are exact.

    Where that is beyond what 64 bits can add up and order, a power of two times K, to which shares are rounded.
    """
    room = np.iinfo(np.int64).max // (4 * made.shape[1] * (made.shape[1] * samples + 1) * samples)
    exact = math.lcm(samples, *np.unique(made[made > 0]).tolist())
    return exact if exact <= room else samples << ((room // samples).bit_length() - 1)


def _changes(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Where a value differs from the one before it; true for the first."""
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def llm_votes(tally: Tally) -> Votes:
    """Every LLM's own vote, arrays [Q, N]."""
    pairs = tally.questions * tally.llms
    score = tally.count.astype(np.int64) * tally.span - tally.first
    best = np.zeros(pairs, dtype=np.int64)
    np.maximum.at(best, tally.pair, score)
    winner = score == best[tally.pair]
    code = np.full(pairs, NOT_FOUND, dtype=np.int16)
    code[tally.pair[winner]] = tally.candidate_code[tally.candidate[winner]]
    count = -(-best // tally.span)
    leads = tally.count == count[tally.pair]
    tied = np.bincount(tally.pair[leads], minlength=pairs) > 1
    shape = (tally.questions, tally.llms)
    votes = count if tally.ballots > tally.samples else count.astype(np.int32)
    return Votes(code.reshape(shape), votes.reshape(shape), tied.reshape(shape))


def pooled_votes(tally: Tally, selection: NDArray[np.bool_]) -> Votes:
    """One vote per question over all samples of the selected LLMs, arrays [Q].

    `selection` is bool [Q, N], or bool [N] for the same LLMs everywhere.
    """
    code = np.full(tally.questions, NOT_FOUND, dtype=np.int16)
    count = np.zeros(tally.questions, dtype=tally.count.dtype)
    tied = np.zeros(tally.questions, dtype=np.bool_)
    chosen = selection[tally.llm] if selection.ndim == 1 else selection.reshape(-1)[tally.pair]
    own = np.flatnonzero(chosen)
    if not len(own):
        return Votes(code, count, tied)
    candidate = tally.candidate[own]
    start = np.flatnonzero(_changes(candidate))  # of a candidate's chosen entries; its first one was seen first
    total = np.add.reduceat(tally.count[own], start)
    candidate = candidate[start]
    changes = _changes(tally.candidate_question[candidate])
    of_question, start_of_question = np.cumsum(changes) - 1, np.flatnonzero(changes)
    score = total.astype(np.int64) * tally.span - tally.first[own[start]]
    best = np.maximum.reduceat(score, start_of_question)
    winner = np.flatnonzero(score == best[of_question])  # one per question: no two answers were seen first
    voted = tally.voted[tally.candidate_question[candidate[winner]]]
    code[voted] = tally.candidate_code[candidate[winner]]
    count[voted] = total[winner]
    tied[voted] = np.add.reduceat(total == total[winner][of_question], start_of_question, dtype=np.int32) > 1
    return Votes(code, count, tied)


def entries_by_llm(tally: Tally) -> list[tuple[NDArray[np.intp], NDArray[np.integer], NDArray[np.int32]]]:
    """Per LLM the candidates that it voted for, its votes and its first sample there; no LLM has a candidate twice."""
    by_llm = np.argsort(tally.llm, kind="stable")
    bounds = np.searchsorted(tally.llm[by_llm], np.arange(1, tally.llms))
    return [(tally.candidate[own], tally.count[own], tally.first[own]) for own in np.split(by_llm, bounds)]


def prefix_leading_votes(tally: Tally, order: Sequence[int]) -> Iterator[NDArray[np.integer]]:
    """The leading answer's votes, [Q] as in the tally, after the first, the first two, … of the LLMs in `order`."""
    entries = entries_by_llm(tally)
    total = np.zeros(len(tally.candidate_code), dtype=tally.count.dtype)
    lead = np.zeros(tally.questions, dtype=tally.count.dtype)
    for llm in order:
        candidates, count, _ = entries[llm]
        total[candidates] += count
        # Counts only grow, so that only what this LLM voted for can take the lead.
        np.maximum.at(lead, tally.voted[tally.candidate_question[candidates]], total[candidates])
        yield lead.copy()


def samples_up_to(outcomes: Outcomes, k: int | None) -> int | None:
    """The k of a split that stands beside another: all its samples where there are fewer, or labels only."""
    return None if k is None or not outcomes.samples else min(k, outcomes.samples)


def with_k(outcomes: Outcomes, k: int | None) -> Outcomes:
    """The outcomes over the first k samples, labels recomputed; None keeps all samples.

    Latency and cost stay as they are: they are those of one sample.

    Raises:
        UsageError: k is below 1 or above the number of samples, or only labels are known.
    """
    if k is None or k == outcomes.samples:
        return outcomes
    if outcomes.answers is None:
        raise UsageError(f"{outcomes.benchmark} has labels only, no samples to take {k} of", "leave K out")
    if not 1 <= k <= outcomes.samples:
        raise UsageError(f"K = {k} is not within the {outcomes.samples} samples", f"choose 1 to {outcomes.samples}")
    answers = outcomes.answers[:, :, :k]
    labels = llm_votes(tally(answers)).code == outcomes.gold[:, None]
    return dataclasses.replace(outcomes, answers=answers, samples=k, labels=labels)
