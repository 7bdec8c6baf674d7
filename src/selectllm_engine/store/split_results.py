"""What the cache has of one LLM for the questions of a split: samples, votes that are known, seconds and dollars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.evaluation import reach
from selectllm_engine.llms import study_latency
from selectllm_engine.store.manifests import stop_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from selectllm_engine.evaluation import StopRule
    from selectllm_engine.store.agreement import Judge
    from selectllm_engine.store.cache import Cache

__all__ = ["SplitResults", "dollars_of", "read_results", "seconds_of"]

_NO_LINE = [math.nan] * 3


@dataclass(frozen=True, slots=True)
class SplitResults:
    """What the cache has of one LLM for the questions of the split; `question` is the row in their table."""

    name: str
    manifest: Mapping[str, object]
    answers: pl.DataFrame  # question, sample, answer, prompt_tokens, output_tokens, latency, cost
    verdicts: pl.DataFrame | None  # question, sample, score, latency, cost
    depth: NDArray[np.int32]  # [Q] contiguous samples 0, 1, …; with labels only: verdicts
    reach: NDArray[np.int32]  # [Q] the most samples whose vote is known; more than depth where sampling was to stop
    scores: NDArray[np.float64]  # [Q] mean recorded score, NaN where there is none
    recorded: NDArray[np.bool_]  # [Q] whether the recorded verdict counts

    @property
    def sampled(self) -> bool:
        """Whether there are generations, not verdicts alone."""
        return not self.answers.is_empty()

    @property
    def longest(self) -> int:
        """One more than the highest number of a sample; 0 where there are none."""
        last = self.answers["sample"].max()
        return int(last) + 1 if isinstance(last, int) else 0


def read_results(
    cache: Cache,
    benchmark: str,
    name: str,
    questions: pl.DataFrame,
    answers: pl.DataFrame,
    *,
    judges: Mapping[str | None, Judge],
) -> SplitResults:
    """What an LLM has for these questions; `answers` are its own, and `judges` say whose verdict counts where."""
    rows = questions.select("question_id").with_row_index("question")

    def of_split(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(rows, on="question_id", maintain_order="left").drop("question_id")

    answers = of_split(answers)
    verdicts = cache.verdicts(benchmark, name)
    verdicts = None if verdicts is None else of_split(verdicts)
    if not answers.is_empty():
        depth = _contiguous(answers, rows.height)
    elif verdicts is not None:
        depth = np.bincount(verdicts["question"].to_numpy(), minlength=rows.height).astype(np.int32)
    else:
        depth = np.zeros(rows.height, dtype=np.int32)
    manifest = cache.manifest(benchmark, name)
    stop = None if answers.is_empty() else stop_of(manifest)
    recorded = {subject for subject, judge in judges.items() if judge == "recorded"}
    return SplitResults(
        name,
        manifest,
        answers,
        verdicts,
        depth,
        depth if stop is None else _reach(answers, depth, *stop),
        scores=_mean(verdicts, "score", np.arange(rows.height), rows.height),
        recorded=_among(questions["subject"], recorded),
    )


def _among(subjects: pl.Series, some: Collection[str | None]) -> NDArray[np.bool_]:
    found = subjects.is_in([each for each in some if each is not None]).fill_null(value=None in some)
    return found.to_numpy()


def _contiguous(answers: pl.DataFrame, questions: int) -> NDArray[np.int32]:
    """How many samples 0, 1, … of each question there are before the first gap, [Q]."""
    ordered = answers.select("question", "sample").sort("question", "sample")
    question = ordered["question"].to_numpy()
    rank = np.arange(len(question)) - np.searchsorted(question, question)
    unbroken = ordered["sample"].to_numpy() == rank  # samples are distinct: equal only up to the first gap
    return np.bincount(question[unbroken], minlength=questions).astype(np.int32)


def _reach(answers: pl.DataFrame, depth: NDArray[np.int32], rule: StopRule, samples: int) -> NDArray[np.int32]:
    """The most samples of each question whose vote its contiguous ones tell, [Q]; `samples` where it may stop there."""
    found = depth.copy()
    question, sample = answers["question"].to_numpy(), answers["sample"].to_numpy()
    open_ = (depth[question] < samples) & (sample < depth[question])
    said = answers.select("question", "sample", "answer").filter(pl.Series(open_)).sort("question", "sample")
    for place, each in said.group_by("question", maintain_order=True).agg("answer").iter_rows():
        found[place] = reach(each, samples, rule)
    return found


def _mean(rows: pl.DataFrame | None, column: str, place: NDArray[np.int64], questions: int) -> NDArray[np.float64]:
    """The mean of a column per complete question, [Q], over known values; NaN where there are none."""
    if rows is None or rows.is_empty():
        return np.full(questions, np.nan)
    known = rows.select("question", column).drop_nulls()
    at = place[known["question"].to_numpy()]
    values = known[column].cast(pl.Float64).to_numpy()[at >= 0]
    at = at[at >= 0]
    counts = np.bincount(at, minlength=questions)
    with np.errstate(invalid="ignore"):
        return np.bincount(at, weights=values, minlength=questions) / counts


def _tokens(
    each: SplitResults, place: NDArray[np.int64], questions: int, samples: int
) -> tuple[NDArray[np.float64], ...]:
    used = each.answers.filter(pl.col("sample") < samples)
    return tuple(_mean(used, column, place, questions) for column in ("prompt_tokens", "output_tokens"))


def _recorded(
    each: SplitResults, column: str, place: NDArray[np.int64], questions: int, samples: int
) -> NDArray[np.float64]:
    own = _mean(each.answers.filter(pl.col("sample") < samples), column, place, questions)
    return _mean(each.verdicts, column, place, questions) if np.isnan(own).all() else own


def seconds_of(
    each: SplitResults, benchmark: str, place: NDArray[np.int64], questions: int, samples: int
) -> tuple[NDArray[np.float64], list[float]]:
    """Seconds per question from the first source that has any: the measured fit, what was recorded, the study's.

    And a, b and c of the fit; NaN where that is not the source.
    """
    if fit := _numbers(each.manifest.get("latency"), "a", "b", "c"):
        prompt, output = _tokens(each, place, questions, samples)
        seconds = fit[0] + fit[1] * prompt + fit[2] * output
        if not np.isnan(seconds).all():
            return np.asarray(seconds), fit
    recorded = _recorded(each, "latency", place, questions, samples)
    if not np.isnan(recorded).all():
        return recorded, _NO_LINE
    constant = study_latency(each.name, benchmark)
    return np.full(questions, np.nan if constant is None else constant), _NO_LINE


def dollars_of(
    each: SplitResults, place: NDArray[np.int64], questions: int, samples: int
) -> tuple[NDArray[np.float64], list[float]]:
    """Dollars per question for one sample: as recorded, else tokens at the LLM's price per million.

    And what a request and each token cost; NaN where that is recorded.
    """
    recorded = _recorded(each, "cost", place, questions, samples)
    price = _numbers(each.manifest.get("price"), "input", "output")
    if price is None or not np.isnan(recorded).all():
        return recorded, _NO_LINE
    prompt, output = _tokens(each, place, questions, samples)
    return np.asarray((price[0] * prompt + price[1] * output) / 1e6), [0.0, price[0] / 1e6, price[1] / 1e6]


def _numbers(stored: object, *keys: str) -> list[float] | None:
    """The numbers under these keys of a manifest's entry; None where one is missing."""
    values = [stored.get(key) for key in keys] if isinstance(stored, dict) else []
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    return numbers if len(numbers) == len(keys) else None
