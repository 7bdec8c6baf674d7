"""The arrays of one benchmark split: what every LLM answered to every question, loaded once.

Q questions, N LLMs, K samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["NOT_FOUND", "NOT_SAMPLED", "LeftOut", "Outcomes"]

NOT_FOUND = -1  # a generation in which no answer was found
NOT_SAMPLED = -2


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Questions of the split without figures, because `llm` has fewer than K samples of them."""

    llm: str
    questions: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcomes:
    """The questions that are complete for all LLMs of a run, and what the LLMs answered.

    Attributes:
        questions: Q rows; columns question_id, split, subject, text, choices, gold, kind.
        llms: names of all LLMs of the run, in its order.
        samples: K, samples per question and LLM; 0 where only labels are known.
        answers: int16 [Q, N, K], codes into the question's own `vocabulary`; NOT_FOUND, NOT_SAMPLED.
            None where only labels are known.
        vocabulary: per question the distinct canonical answers (gold included), a list[str] series of length Q.
        gold: int16 [Q], the code of the gold answer.
        labels: bool [Q, N], is the LLM's maj@K right.
        latency: float32 [Q, N], seconds to answer the prompt alone once; NaN where unknown.
        cost: float32 [Q, N], dollars per question; NaN where unknown.
        left_out: which LLMs made how many questions of the split incomplete.
        left_out_total: number of questions of the split that are left out.
    """

    benchmark: str
    split: str
    questions: pl.DataFrame
    llms: tuple[str, ...]
    samples: int
    answers: NDArray[np.int16] | None
    vocabulary: pl.Series | None
    gold: NDArray[np.int16]
    labels: NDArray[np.bool_]
    latency: NDArray[np.float32]
    cost: NDArray[np.float32]
    left_out: tuple[LeftOut, ...] = ()
    left_out_total: int = 0

    def __repr__(self) -> str:
        questions, llms = self.labels.shape
        samples = f"{self.samples} samples" if self.samples else "labels only"
        return f"<Outcomes of {self.benchmark} · {self.split}: {questions:,} questions, {llms} LLMs, {samples}>"
