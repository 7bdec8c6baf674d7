"""From the cache to the arrays of one split: which questions are complete, and what was answered to them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.benchmarks import splits_of
from selectllm_engine.errors import CacheError, UnknownNameError
from selectllm_engine.evaluation import (
    NOT_FOUND,
    NOT_SAMPLED,
    Expected,
    LeftOut,
    Outcomes,
    Unanswered,
    llm_votes,
    tally,
)
from selectllm_engine.store.agreement import threshold_of
from selectllm_engine.store.judges import judges_of
from selectllm_engine.store.manifests import MOST
from selectllm_engine.store.split_results import SplitResults, dollars_of, read_results, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.store.cache import Cache
    from selectllm_engine.store.expected_tokens import ExpectedTokens
    from selectllm_engine.store.files import Progress

__all__ = ["load_outcomes"]


def load_outcomes(
    cache: Cache,
    benchmark: str,
    split: str,
    *,
    llms: Sequence[str] | None = None,
    progress: Progress | None = None,
    answers: Callable[[str], pl.DataFrame] | None = None,
    tokens: ExpectedTokens | None = None,
) -> Outcomes:
    """Load the questions of a split that are complete for all LLMs of the run, or for those of `llms`.

    K and these questions are chosen together: with m the smallest number of a question's samples over all LLMs whose
    votes decide, K is the value of m for which K · (questions with m ≥ K) is largest, on a tie the smaller. Where
    sampling stopped because the vote was decided, samples that were not made count too (NOT_SAMPLED).

    A label is the LLM's maj@K compared with the gold answer; where the recorded verdict counts (see `agreement`), where
    there is no gold answer, and for an LLM with verdicts alone, it is whether the mean recorded score reaches the
    threshold of its import (0.5). One such label makes the run one of labels only. Where the verdict that counts is
    unknown, the question is left out.

    Args:
        cache: where to read.
        benchmark: its name.
        split: one of the benchmark's splits.
        llms: names of LLMs of the run; None for all.
        progress: told (done, total) generations where answers must be extracted first.
        answers: gives an LLM's answers, as `Cache.answers` does, for who reads several splits; None reads them here.
        tokens: those that questions are expected to take.

    Raises:
        UnknownNameError: no such benchmark or split.
        CacheError: there are no results yet.
        DamagedError: questions or a manifest can't be read.
    """
    everything = cache.questions(benchmark)
    questions = everything.filter(pl.col("split") == split)
    if questions.is_empty():
        raise UnknownNameError("split", split, splits_of(everything))
    names = cache.llms(benchmark) if llms is None else list(llms)
    if not names:
        raise CacheError(f"{benchmark} has no results yet", "make some with selectllm generate or selectllm import")
    judges = judges_of(cache, benchmark, progress=progress)
    answers = answers or partial(cache.answers, benchmark, progress=progress)
    results = [
        read_results(cache, benchmark, name, questions, answers(name), judges=judges.get(name, {})) for name in names
    ]

    known = np.stack([each.reach for each in results], axis=1)
    scores = np.stack([each.scores for each in results], axis=1)
    sampled = np.array([each.sampled for each in results])
    with_gold = questions["gold"].is_not_null().to_numpy()[:, None]
    votes = sampled & with_gold & ~np.stack([each.recorded for each in results], axis=1)  # those whose votes decide
    unbounded = np.iinfo(np.int32).max
    m = np.where(votes, known, np.where(np.isnan(scores), 0, unbounded)).min(axis=1)
    samples = _best_k(m[m < unbounded]) if votes.any() else 0
    complete = m >= max(samples, 1)
    lacking = np.where(votes, known < max(samples, 1), np.isnan(scores))
    kept = questions.filter(pl.Series(complete))
    place = np.where(complete, np.cumsum(complete) - 1, -1)
    width = samples or max(each.longest for each in results)

    codes, gold, vocabulary = _codes(results, kept["gold"], place, samples)
    from_votes = votes[complete]
    thresholds = np.array([threshold_of(each.manifest) for each in results])
    right = llm_votes(tally(codes)).code == gold[:, None]
    labels = np.where(from_votes, right, scores[complete] >= thresholds)
    voting = bool(from_votes.all())
    seconds = [seconds_of(each, benchmark, place, kept.height, width) for each in results]
    dollars = [dollars_of(each, place, kept.height, width) for each in results]
    return Outcomes(
        benchmark=benchmark,
        split=split,
        questions=kept,
        llms=tuple(names),
        samples=samples if voting else 0,
        answers=codes if voting else None,
        vocabulary=vocabulary if voting else None,
        gold=gold if voting else np.full(kept.height, NOT_FOUND, dtype=np.int16),
        labels=labels,
        latency=_per_llm([found for found, _ in seconds], kept.height),
        cost=_per_llm([found for found, _ in dollars], kept.height),
        expected=None
        if tokens is None
        else Expected(
            tokens.of(kept, names),
            {"latency": np.array([line for _, line in seconds]), "cost": np.array([line for _, line in dollars])},
        ),
        left_out=tuple(
            LeftOut(name, int(count)) for name, count in zip(names, lacking.sum(axis=0), strict=True) if count
        ),
        left_out_total=int((~complete).sum()),
        unanswered=tuple(_unanswered(each, place) for each in results),
        recorded=tuple((~from_votes).any(axis=0).tolist()),
    )


def _unanswered(each: SplitResults, place: NDArray[np.int64]) -> Unanswered | None:
    """What of the samples of the complete questions is no answer; None where there are no texts."""
    if not each.sampled:
        return None
    used = each.answers.filter(pl.Series(place[each.answers["question"].to_numpy()] >= 0))
    silent = pl.col("answer").is_null()
    counts = used.select(
        samples=pl.len(),
        missing=silent.sum(),
        empty=pl.col("empty").sum(),
        cut=pl.when(pl.col("cut").is_not_null().any()).then(pl.col("cut").sum()),
        cut_missing=(silent & pl.col("cut")).sum(),
    ).row(0, named=True)
    cut = counts.pop("cut")
    return Unanswered(cut=cut, **{name: int(value or 0) for name, value in counts.items()})


def _best_k(m: NDArray[np.int32]) -> int:
    """The k among the values of m with the most samples k · #{m ≥ k}; on a tie the one with more questions."""
    values, counts = np.unique(m[m > 0], return_counts=True)
    if len(values) == 0:
        return 0
    used = values.astype(np.int64) * np.cumsum(counts[::-1])[::-1]
    return int(values[np.argmax(used)])


def _codes(
    results: Sequence[SplitResults], gold: pl.Series, place: NDArray[np.int64], samples: int
) -> tuple[NDArray[np.int16], NDArray[np.int16], pl.Series]:
    """Answers and gold answers as codes into each question's own vocabulary, in the order of first appearance."""
    questions, width = len(gold), len(results) * samples
    pieces = []
    for n, each in enumerate(results):
        used = each.answers.filter(pl.col("sample") < samples, pl.col("answer").is_not_null())
        row = place[used["question"].to_numpy()]
        cell = row * (width + 1) + n * samples + used["sample"].to_numpy()
        pieces.append(pl.DataFrame({"cell": np.where(row < 0, -1, cell), "answer": used["answer"]}))
    last = np.arange(questions) * (width + 1) + width  # gold comes after all samples
    pieces.append(pl.DataFrame({"cell": last, "answer": gold}, schema={"cell": pl.Int64, "answer": pl.String}))
    said = pl.concat(pieces).filter(pl.col("cell") >= 0, pl.col("answer").is_not_null()).sort("cell")

    cell = said["cell"].to_numpy()
    question = cell // (width + 1)
    word = said["answer"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    _, first, entry = np.unique(
        question * (int(word.max(initial=0)) + 1) + word, return_index=True, return_inverse=True
    )
    order = np.argsort(first)  # entries of all vocabularies, question by question, first appearance first
    owner = question[first[order]]
    code_of = np.empty(len(order), dtype=np.int64)
    code_of[order] = np.arange(len(order)) - np.searchsorted(owner, owner)
    if code_of.max(initial=0) > np.iinfo(np.int16).max:
        raise CacheError("a question has more than 32,767 different answers", "import fewer samples")

    codes = np.full((questions, width + 1), NOT_FOUND, dtype=np.int16)
    codes.reshape(-1)[cell] = code_of[entry]
    for n, each in enumerate(results):
        if each.reach is not each.depth:  # else all K are there
            late = np.arange(samples) >= each.depth[place >= 0][:, None]
            codes[:, n * samples : (n + 1) * samples][late] = NOT_SAMPLED
    vocabulary = (
        pl.DataFrame({"question": owner, "answer": said["answer"].gather(first[order])})
        .group_by("question", maintain_order=True)
        .agg("answer")
    )
    every = pl.DataFrame({"question": np.arange(questions)}, schema={"question": pl.Int64})
    lists = every.join(vocabulary, on="question", how="left", maintain_order="left")["answer"]
    return (
        np.ascontiguousarray(codes[:, :width]).reshape(questions, len(results), samples),
        codes[:, width].copy(),
        lists.fill_null(pl.Series([[]], dtype=pl.List(pl.String))).alias("vocabulary"),
    )


def _per_llm(columns: Sequence[NDArray[np.float64]], questions: int) -> NDArray[np.float32]:
    """Seconds or dollars per question and LLM, [Q, N]; what is beyond all measure is unknown."""
    if not columns:
        return np.zeros((questions, 0), dtype=np.float32)
    values = np.stack(columns, axis=1)
    return np.where(np.abs(values) < MOST, values, np.nan).astype(np.float32)
