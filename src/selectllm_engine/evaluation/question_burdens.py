"""Does cost-aware do better by what each question is expected to take than by each LLM's mean? Q questions, N LLMs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selectllm_engine.evaluation.curves import LAMBDAS, aiq

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["better_by_question"]

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
    means = actual.mean(axis=0, dtype=np.float64)
    by_mean, by_question = (_aiq(p, labels, actual, looked_at, means) for looked_at in (means[None], expected))
    return by_mean is not None and by_question is not None and by_question > by_mean + _SAME


def _aiq(
    p: NDArray[np.float32],
    labels: NDArray[np.bool_],
    actual: NDArray[np.float32],
    looked_at: NDArray[Any],
    means: NDArray[np.float64],
) -> float | None:
    """AIQ of the choices that policy cost-aware makes where it looks at these burdens, [V, n] or [1, n]."""
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
