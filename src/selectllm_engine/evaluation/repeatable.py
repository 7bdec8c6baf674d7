"""How much of the oracle's lead can be predicted at all: an oracle that knows each LLM's *other* samples.

Q questions, N LLMs of the run, K samples, n LLMs of the pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selectllm_engine.errors import NotAvailableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Repeatable", "repeatable"]

TIE = 1e-3  # how much an LLM's accuracy counts beside one sample more or less: it only decides ties


class Repeatable(NamedTuple):
    """All on the scale of one sample, not of maj@K.

    Attributes:
        right: float64 [Q], the share of samples that the choice by the other samples gets right.
        weights: float64 [Q, N], how often each LLM is that choice; rows add up to 1.
        single: the highest accuracy of one LLM.
        oracle: the share of (question, sample) that some LLM gets right.
        share: (accuracy − single) / (oracle − single), a lower bound of what can be predicted, the lower the smaller K;
            None where there is no gap.
    """

    right: NDArray[np.float64]
    weights: NDArray[np.float64]
    single: float
    oracle: float
    share: float | None

    @property
    def accuracy(self) -> float:
        """Over all questions and samples."""
        return float(self.right.mean())


def repeatable(answers: NDArray[np.int16], gold: NDArray[np.int16], mask: NDArray[np.bool_]) -> Repeatable:
    """For each sample in turn, choose the pool's LLM with the most other samples right, and score the sample left out.

    Ties go to the LLM that is right more often in all.

    Args:
        answers: int16 [Q, N, K].
        gold: int16 [Q].
        mask: bool [N], the pool.

    Raises:
        NotAvailableError: there is one sample only.
    """
    samples = answers.shape[2]
    if samples < 2:
        raise NotAvailableError("needs two samples or more of every LLM")
    pool = np.flatnonzero(mask)
    right = answers[:, pool] == gold[:, None, None]
    count = right.sum(axis=2)
    rate = right.mean(axis=(0, 2))
    scores = np.zeros(len(right))
    weights = np.zeros(answers.shape[:2])
    rows = np.arange(len(right))
    for sample in range(samples):
        other = (count - right[:, :, sample]) / (samples - 1)
        choice = (other + TIE / samples * rate).argmax(axis=1)
        scores += right[rows, choice, sample]
        weights[rows, pool[choice]] += 1 / samples
    scores /= samples
    single, oracle = float(rate.max()), float(right.any(axis=1).mean())
    share = (float(scores.mean()) - single) / (oracle - single) if oracle > single else None
    return Repeatable(scores, weights, single, oracle, share)
