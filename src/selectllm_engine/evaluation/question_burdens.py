"""Does cost-aware do better by what each question is expected to take than by each LLM's mean? Q questions, N LLMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selectllm_engine.evaluation.curves import LAMBDAS, aiq

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["aiq_by", "better_by_question"]

_BLOCK = 1 << 20  # numbers at once
_SAME = 1e-9  # accuracies closer than this are equal


def better_by_question(
    p: NDArray[np.float32], labels: NDArray[np.bool_], actual: NDArray[np.float32], expected: NDArray[np.float32]
) -> bool:
    """Whether AIQ over λ is larger with each question's expected burden than with each LLM's mean; never on a tie.

    Args:
        p: of being right, [V, n], LLMs from fast to slow.
        labels: which of them were right.
        actual: seconds or dollars, all known.
        expected: the same as expected beforehand.
    """
    if not labels.size:
        return False
    by_mean = aiq_by(p, labels, actual, actual.mean(axis=0, dtype=np.float64)[None])
    by_question = aiq_by(p, labels, actual, expected)
    return by_mean is not None and by_question is not None and by_question > by_mean + _SAME


def aiq_by(
    p: NDArray[np.float32], labels: NDArray[np.bool_], actual: NDArray[np.float32], looked_at: NDArray[np.floating]
) -> float | None:
    """AIQ over λ where cost-aware looks at these burdens, [V, n], or [1, n] for those of all questions alike.

    Other arguments are those of `better_by_question`; None where the LLMs' means are all the same.
    """
    means = actual.mean(axis=0, dtype=np.float64)
    largest = max(means.max(), np.finfo(float).tiny)
    weights = np.array(LAMBDAS)[:, None, None]
    spent, right = np.zeros(len(LAMBDAS)), np.zeros(len(LAMBDAS))
    step = max(1, _BLOCK // (len(LAMBDAS) * labels.shape[1]))
    for start in range(0, len(labels), step):
        some = slice(start, start + step)
        penalty = (weights * (looked_at if len(looked_at) == 1 else looked_at[some]) / largest).astype(np.float32)
        choice = (p[some] - penalty).argmax(axis=2)
        rows = np.arange(choice.shape[1])
        spent += actual[some][rows, choice].sum(axis=1, dtype=np.float64)
        right += labels[some][rows, choice].sum(axis=1)
    points = np.column_stack([spent, right]) / len(labels)
    return aiq([(x, y) for x, y in points.tolist()], float(means.min()), float(means.max()))
