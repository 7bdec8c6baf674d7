"""Which LLMs have probably seen the train split: the gap between train and test, per LLM and against the pool's."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.evaluation.statistics import holm, two_proportions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.evaluation.prepared import Prepared

__all__ = ["Gap", "train_test_gaps"]

SIGNIFICANT = 0.05
ALARMING = 0.05  # points of accuracy above the pool's median gap: splits differ in difficulty, and n is large


@dataclass(frozen=True, slots=True)
class Gap:
    """How much more often an LLM is right on the train split than on the evaluated one.

    Attributes:
        llm, train, test: its name and both accuracies.
        gap: train − test.
        median: the median gap of the pool: how much harder the evaluated split is for everybody.
        p: of the two-proportion z test, Holm-adjusted over the pool.
        alarm: the gap is significant and at least 5 points above the median: the LLM has probably seen the train
            split, and every router trained on it will trust that LLM too much.
    """

    llm: str
    train: float
    test: float
    gap: float
    median: float
    p: float
    alarm: bool


def train_test_gaps(train: Prepared, test: Prepared, llms: Sequence[int]) -> tuple[Gap, ...]:
    """The gap of each of these LLMs, largest first."""
    counts = [(llm, int(train.labels[:, llm].sum()), int(test.labels[:, llm].sum())) for llm in llms]
    gaps = [right / train.questions - found / test.questions for _, right, found in counts]
    median = statistics.median(gaps)
    ps = holm([two_proportions(right, train.questions, found, test.questions) for _, right, found in counts])
    made = [
        Gap(
            llm=test.outcomes.llms[llm],
            train=right / train.questions,
            test=found / test.questions,
            gap=gap,
            median=median,
            p=p,
            alarm=p < SIGNIFICANT and gap - median >= ALARMING,
        )
        for (llm, right, found), gap, p in zip(counts, gaps, ps, strict=True)
    ]
    return tuple(sorted(made, key=lambda each: -each.gap))
