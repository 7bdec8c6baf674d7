"""Where the verdict on an LLM's answers differs from the one that another tool recorded.

Like is compared with like: one score for all samples with the vote's verdict; a score for every sample, whose mean says
whether the LLM is right, with the share of the samples that are right by our own reading, at the same threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.evaluation import llm_votes, tally
from selectllm_engine.store import threshold_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from selectllm_engine.evaluation import Outcomes
    from selectllm_engine.run import StoredRun

__all__ = ["Disagreements", "find_disagreements"]

_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "split": pl.String(),
        "llm": pl.String(),
        "gold": pl.String(),
        "vote": pl.String(),  # ours, null where no answer was found
        "right": pl.Boolean(),  # ours: the vote's, or where every sample has a score, the samples'
        "recorded_answer": pl.String(),  # of the first sample, null where none was recorded
        "recorded_score": pl.Float64(),  # the mean over samples
        "recorded_right": pl.Boolean(),
    }
)


@dataclass(frozen=True, slots=True)
class Disagreements:
    """Verdicts that differ.

    Attributes:
        rows: one per question and LLM whose verdicts differ, by LLM: question_id, split, llm, gold, vote (null where
            no answer was found), right (ours: see the module), recorded_answer, recorded_score (the mean over the
            samples that figures use), recorded_right.
        judged: how many questions and LLMs have both verdicts.
    """

    rows: pl.DataFrame
    judged: int


def find_disagreements(run: StoredRun, llms: Sequence[str] | None = None) -> Disagreements:
    """Compare labels with recorded verdicts on all questions that have figures and both; none with labels only.

    Args:
        run: from `selectllm_engine.load`.
        llms: which LLMs; None for all.

    Raises:
        UnknownNameError: an unknown LLM.
        CacheError: results can't be read.
    """
    pool = run.pool(llms)
    recorded = {
        name: verdicts for name in pool.names if (verdicts := run.cache.verdicts(run.benchmark, name)) is not None
    }
    found, judged = [], 0
    for split in run.splits if recorded else ():
        outcomes = run.outcomes(split)
        for name, own in _own(outcomes):
            if name in recorded:
                verdicts = recorded[name].filter(pl.col("sample") < outcomes.samples)
                both = _compared(own, verdicts, threshold_of(run.info(name)))
                judged += both.height
                found.append(both.filter(pl.col("right") != pl.col("recorded_right")).select(_SCHEMA.names()))
    return Disagreements(pl.concat([pl.DataFrame(schema=_SCHEMA), *found]).sort("llm", maintain_order=True), judged)


def _compared(own: pl.DataFrame, verdicts: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Both verdicts on the questions that have a recorded one."""
    samples = verdicts.sort("sample").group_by("question_id")
    recorded = samples.agg(
        recorded_answer=pl.col("answer").first(), recorded_score=pl.col("score").mean(), scores=pl.col("score").count()
    )
    both = own.join(recorded, on="question_id", maintain_order="left")
    every = (pl.col("scores") > 1) & pl.col("share").is_not_null()
    return both.with_columns(
        right=pl.when(every).then(pl.col("share") >= threshold).otherwise("right"),
        recorded_right=pl.col("recorded_score") >= threshold,
    )


def _own(outcomes: Outcomes) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every LLM's votes and labels; none where there are labels only."""
    if outcomes.answers is None or outcomes.vocabulary is None or not outcomes.questions.height:
        return
    codes = llm_votes(tally(outcomes.answers)).code
    words = outcomes.questions.select("question_id", "split", "gold", words=outcomes.vocabulary)
    share = (outcomes.answers == outcomes.gold[:, None, None]).mean(axis=2)
    known = pl.col("gold").is_not_null()
    for at, name in enumerate(outcomes.llms):
        code = pl.Series(codes[:, at])
        vote = pl.when(pl.lit(code >= 0)).then(pl.col("words").list.get(pl.lit(code.clip(0)), null_on_oob=True))
        right = pl.Series(outcomes.labels[:, at])
        own = words.with_columns(
            pl.lit(name).alias("llm"), vote=vote, right=right, share=pl.when(known).then(pl.Series(share[:, at]))
        )
        yield name, own.drop("words")
