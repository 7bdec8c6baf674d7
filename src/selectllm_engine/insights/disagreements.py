"""Where the verdict on an LLM's answers differs from the one that another tool recorded; see `store.agreement`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.store import both_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

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
            no answer was found), right (ours, like with like), recorded_answer, recorded_score (the mean over the
            samples), recorded_right.
        judged: how many questions and LLMs have both verdicts.
    """

    rows: pl.DataFrame
    judged: int


def find_disagreements(run: StoredRun, llms: Sequence[str] | None = None) -> Disagreements:
    """Compare our verdicts with recorded ones on all questions that have both.

    Args:
        run: from `selectllm_engine.load`.
        llms: which LLMs; None for all.

    Raises:
        UnknownNameError: an unknown LLM.
        CacheError: results can't be read.
    """
    found, judged = [pl.DataFrame(schema=_SCHEMA)], 0
    for name in sorted(run.pool(llms).names):
        both = both_verdicts(run.cache, run.benchmark, name).drop_nulls(["alike", "recorded"])
        judged += both.height
        differing = both.filter(pl.col("alike") != pl.col("recorded")).with_columns(llm=pl.lit(name))
        found.append(differing.rename({"alike": "right", "recorded": "recorded_right"}).select(_SCHEMA.names()))
    return Disagreements(pl.concat(found), judged)
